"""Health, metrics, headers, cookies and the pages for what went wrong."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from console_world import World

from gateway.app import create_app
from gateway.project import Project
from gateway.settings import SettingsError
from storage.errors import StoreBusy, StoreError, StoreFull

PAGES = ("/", "/flows/water", "/flows/water/source", "/queue", "/reports", "/events", "/login", "/nowhere")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("app") / "demo")
    yield made
    made.project.close()


def test_health_proves_a_durable_write(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    store = world.project.store
    monkeypatch.setattr(store, "check", lambda real=store.check: checked.append(real()))
    answer = world.visitor().get("/health")
    assert (answer.status_code, answer.json["status"]) == (200, "ok")
    assert answer.json["flows"] == 1
    assert checked == [None]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            StoreFull("no room left for /srv/awal/data/awal.db"),
            "the disk is full: make room, writing goes on by itself",
        ),
        (
            StoreBusy("/srv/awal/data/awal.db is held"),
            "the store is busy or its disk does not answer: try again in a moment",
        ),
        (StoreError("/srv/awal/data/awal.db is damaged; +212612345678"), "the store cannot be written"),
        (OSError(5, "secret=hunter2", "/srv/awal/data"), "the store cannot be written"),
    ],
)
def test_a_store_that_cannot_keep_is_unhealthy_and_no_stranger_learns_where_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(world.project.store, "check", fail)
    answer = world.visitor().get("/health")
    assert (answer.status_code, answer.json) == (
        503,
        {"status": "failing", "reason": f"{reason}; the log and awal doctor say more"},
    )


def test_metrics_are_prometheus_text(world: World) -> None:
    world.water()
    answer = world.visitor().get("/metrics")
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    assert "awal_answers_total 3\n" in answer.text
    assert 'awal_outbox_messages{state="queued"} 0' in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_every_page_keeps_to_itself(world: World, path: str) -> None:
    """A policy that allows no inline code is of use only when there is none."""
    answer = world.operator().get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son[a-z]+=|javascript:", answer.text)
    assert len(answer.data) < 30_000


def test_only_the_phone_needs_a_script(world: World) -> None:
    operator = world.operator()
    scripted = [path for path in PAGES if "<script" in operator.get(path).text]
    assert scripted == ["/"]


@pytest.mark.parametrize(
    ("public", "base", "secure"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", False),
        ("https://awal.example", "http://awal.example", True),
        ("https://awal.example", "http://192.168.1.9:8000", False),
        ("http://127.0.0.1:8000", "https://elsewhere.example", True),
    ],
)
def test_the_cookie_is_for_the_server_only(tmp_path: Path, public: str, base: str, secure: bool) -> None:
    """`Secure` where the browser came over TLS, perhaps by a proxy; else nobody could sign in by the local address."""
    world = World(tmp_path / "demo")
    World.edit(world.folder, "http://127.0.0.1:8000", public)
    world.project.close()
    world.open()
    cookie = world.visitor().get("/login", base_url=base).headers["Set-Cookie"]
    world.project.close()
    assert cookie.startswith("awal-demo=")
    assert "; HttpOnly;" in cookie
    assert "SameSite=Lax" in cookie
    assert ("; Secure;" in cookie) is secure


def test_what_is_not_there_is_said_in_plain_words(world: World) -> None:
    visitor = world.visitor()
    answer = visitor.get("/nowhere")
    assert answer.status_code == 404
    assert "Cette page n&#39;existe pas" in answer.text
    visitor.get("/?lang=ar")
    assert "هذه الصفحة غير موجودة" in visitor.get("/nowhere").text


def test_a_form_that_is_too_long_is_refused(world: World) -> None:
    answer = world.visitor().post("/login", data={"password": "x" * 100_000})
    assert answer.status_code == 413
    assert "trop long" in answer.text


def test_a_wrong_method_has_a_page_too(world: World) -> None:
    assert world.operator().send("/queue").status_code == 405


def test_our_own_fault_tells_nothing_on_the_page(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(world.project.store, "counts", fail)
    with caplog.at_level(logging.ERROR):
        answer = world.visitor().get("/")
    assert answer.status_code == 500
    assert "marché" in answer.text
    logged = [str(record.__dict__) for record in caplog.records]
    assert any("page-fault" in one and "pages.py" in one for one in logged)
    assert "hunter2" not in answer.text + "".join(logged)


def test_no_console_without_its_key(tmp_path: Path) -> None:
    """A cookie signed with an empty key could be made by anyone."""
    world = World(tmp_path / "demo")
    world.project.close()
    path = world.folder / "awal.toml"
    path.write_text(re.sub(r'^cookie = ".*"$', 'cookie = ""', path.read_text(), flags=re.M))
    with pytest.raises(SettingsError, match="cookie"):
        create_app(Project(world.folder))
