"""Who sees what: each route of the console with and without a login, forms from elsewhere, ways back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from console_world import World
from hypothesis import given
from hypothesis import strategies as some

from gateway.console.words import WORDS

VALUES = {
    "name": "pilot",
    "act": "pause",
    "flow": "water",
    "link": "nothing",
    "message": "nothing",
    "action": "retry",
    "filename": "console.css",
}
OUTSIDE = ("/health", "/metrics")
OPEN = {"console.login", "console.login_once", "console.static"}
DEMO = {"console.home", "console.inbox", "console.flow", "console.source"}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("real") / "p", demo=False)
    yield made
    made.project.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("demo") / "p")
    yield made
    made.project.close()


def routes(world: World) -> Iterator[tuple[str, str, str]]:
    """Yield (endpoint, method, path) of every route there is."""
    adapter = world.app.url_map.bind("localhost")
    for rule in world.app.url_map.iter_rules():
        path = adapter.build(rule.endpoint, {name: VALUES[name] for name in rule.arguments})
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield rule.endpoint, method, path


def test_everything_needs_a_login_but_the_login(real: World) -> None:
    met = 0
    for endpoint, method, path in routes(real):
        if endpoint in OPEN or path in OUTSIDE:
            continue
        met += 1
        visitor = real.visitor()
        if method == "GET":
            answer = visitor.get(path)
            assert (answer.status_code, answer.location) == (302, f"/login?next={path}"), endpoint
        else:
            assert visitor.send(path).status_code == 401, endpoint
    assert met >= 9, "the walk over the routes found too few"


def test_a_demo_shows_its_first_page_and_flows_to_anyone(demo: World) -> None:
    open_to_all = {
        endpoint
        for endpoint, method, path in routes(demo)
        if method == "GET" and endpoint not in OPEN and path not in OUTSIDE
        if demo.visitor().get(path).status_code != 302
    }
    assert open_to_all == DEMO


def test_a_demo_hides_the_operators_part_from_visitors(demo: World) -> None:
    seen = demo.visitor().get("/").text
    assert WORDS["syncs"][0] not in seen
    assert 'href="/queue"' not in seen
    operators = demo.operator().get("/").text
    assert WORDS["syncs"][0] in operators
    assert 'href="/queue"' in operators


@pytest.mark.parametrize("path", ["/login", "/logout", "/queue/nothing/retry"])
@pytest.mark.parametrize("token", ["", "wrong", "foreign"])
def test_a_form_from_elsewhere_is_refused(real: World, path: str, token: str) -> None:
    operator = real.operator()
    given_token = real.visitor().token() if token == "foreign" else token
    answer = operator.post(path, data={"csrf": given_token, "password": real.password})
    assert answer.status_code == 400
    assert operator.get("/queue").status_code == 200, "the session goes on"


def test_a_session_without_a_token_accepts_no_empty_one(real: World) -> None:
    assert real.visitor().post("/login", data={"csrf": "", "password": real.password}).status_code == 400


def test_after_login_the_page_that_was_asked_for(real: World) -> None:
    visitor = real.visitor()
    asked = visitor.get("/queue?state=failed")
    assert asked.location == "/login?next=/queue?state%3Dfailed"
    assert 'value="/queue?state=failed"' in visitor.get(asked.location).text
    answer = visitor.send("/login", password=real.password, next="/queue?state=failed")
    assert (answer.status_code, answer.location) == (303, "/queue?state=failed")


ELSEWHERE = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "javascript:alert(1)",
    "evil",
    "",
    "/ok\r\nSet-Cookie: a=b",
    "///evil.example",
]


@pytest.mark.parametrize("way", ELSEWHERE)
def test_the_way_back_never_leads_elsewhere(real: World, way: str) -> None:
    assert real.visitor().send("/login", password=real.password, next=way).location == "/"


@given(some.text("/\\:.@ab\t\n%?#", max_size=12))
def test_no_way_back_is_read_by_a_browser_as_another_host(way: str) -> None:
    from urllib.parse import urljoin, urlsplit

    from flask import Flask

    from gateway.console.access import local
    from gateway.console.pages import console

    app = Flask("ways")
    app.register_blueprint(console)
    with app.test_request_context("/login"):
        back = local(way)
    # Browsers read a backslash as a slash and leave tabs and line ends out.
    read = back.replace("\\", "/").translate({9: None, 10: None, 13: None})
    assert urlsplit(urljoin("http://here.example/login", read)).netloc == "here.example"


def test_leaving_ends_the_session(real: World) -> None:
    operator = real.operator()
    assert operator.send("/logout", "/").status_code == 303
    assert operator.get("/").status_code == 302


def test_a_login_makes_a_new_token(real: World) -> None:
    """A token somebody planted before the login is worth nothing after it."""
    visitor = real.visitor()
    before = visitor.token()
    visitor.post("/login", data={"csrf": before, "password": real.password})
    assert visitor.post("/logout", data={"csrf": before}).status_code == 400


def test_a_new_password_ends_every_session(tmp_path: Path) -> None:
    world = World(tmp_path / "p", demo=False)
    operator = world.operator()
    from werkzeug.security import generate_password_hash

    kept = world.project.settings.console.password
    World.edit(world.folder, kept, generate_password_hash("another", method="scrypt"))
    world.project.close()
    world.open()
    fresh = world.visitor()
    fresh._cookies = operator._cookies
    status = fresh.get("/").status_code
    world.project.close()
    assert status == 302


def test_a_cookie_of_another_gateway_opens_nothing(real: World, demo: World) -> None:
    stranger = real.visitor()
    stranger._cookies = demo.operator()._cookies
    assert stranger.get("/").status_code == 302
