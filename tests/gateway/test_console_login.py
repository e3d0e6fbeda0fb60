"""Signing in: the password, what guessing costs, and links that open once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from console_world import World

from gateway.console import login
from gateway.console.login import is_password, one_time_link
from gateway.console.throttle import MOST_ADDRESSES, MOST_ANYWHERE, MOST_HERE, WINDOW, Throttle


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("login") / "p", demo=False)
    yield made
    made.project.close()


@pytest.fixture
def clock(kept: World) -> Clock:
    """Give the application a throttle of its own, on a clock that stands still."""
    made = Clock()
    kept.app.extensions["awal-throttle"] = Throttle(made)
    return made


@pytest.fixture
def world(kept: World, clock: Clock) -> World:
    return kept


def test_the_password_opens(world: World) -> None:
    assert world.operator().get("/").status_code == 200


@pytest.mark.parametrize("wrong", ["", "wrong", "x" * 5000, "\x00", "é"])
def test_another_password_does_not(world: World, wrong: str) -> None:
    visitor = world.visitor()
    answer = visitor.send("/login", password=wrong)
    assert answer.status_code == 403
    assert "n&#39;est pas le bon" in answer.text
    assert visitor.get("/").status_code == 302


def test_no_password_or_a_plain_one_lets_nobody_in() -> None:
    assert not is_password("", "")
    assert not is_password("", "x")
    assert not is_password("plain", "plain")
    assert not is_password("scrypt:1:1:1$salt$00", "x")


def test_guessing_is_held_back(world: World, clock: Clock) -> None:
    visitor = world.visitor()
    for _ in range(MOST_HERE):
        assert visitor.send("/login", password="guess").status_code == 403
    answer = visitor.send("/login", password=world.password)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(int(WINDOW)))
    assert "Attendez 5 min" in answer.text
    clock.now += WINDOW
    assert visitor.send("/login", password=world.password).status_code == 303


def test_failures_are_noted_for_the_operator(world: World) -> None:
    world.visitor().send("/login", password="guess")
    assert world.project.store.events(1)[0][1] == "login-failed"


def test_the_right_password_forgets_the_failures() -> None:
    throttle = Throttle(Clock())
    for _ in range(MOST_HERE - 1):
        throttle.failed("10.0.0.1")
    throttle.passed("10.0.0.1")
    throttle.failed("10.0.0.1")
    assert throttle.wait("10.0.0.1") == 0


def test_one_guesser_does_not_shut_others_out() -> None:
    throttle = Throttle(Clock())
    for _ in range(MOST_HERE):
        throttle.failed("10.0.0.1")
    assert throttle.wait("10.0.0.1") == WINDOW
    assert throttle.wait("10.0.0.2") == 0


def test_many_guessers_together_are_held_back() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for number in range(MOST_ANYWHERE):
        throttle.failed(f"10.0.{number}.1")
    assert throttle.wait("192.168.0.1") == WINDOW
    clock.now += WINDOW
    assert throttle.wait("192.168.0.1") == 0


def test_a_whole_ipv6_network_is_one_guesser() -> None:
    throttle = Throttle(Clock())
    for number in range(MOST_HERE):
        throttle.failed(f"2001:db8:1:2::{number}")
    assert throttle.wait("2001:db8:1:2:ffff::1") == WINDOW
    assert throttle.wait("2001:db8:1:3::1") == 0


def test_the_count_of_addresses_has_an_end() -> None:
    throttle = Throttle(Clock())
    for number in range(3 * MOST_ADDRESSES):
        throttle.failed(f"name-{number}")
    assert len(throttle._here) <= MOST_ADDRESSES


def test_no_more_than_two_checks_at_once(world: World) -> None:
    throttle: Throttle = world.app.extensions["awal-throttle"]
    visitor = world.visitor()
    with throttle.turn() as first, throttle.turn() as second:
        assert (first, second) == (True, True)
        busy = visitor.send("/login", password=world.password)
    assert (busy.status_code, busy.headers["Retry-After"]) == (429, "1")
    assert visitor.send("/login", password=world.password).status_code == 303


# links that open once -------------------------------------------------------------------------------------------
def path_of(world: World) -> str:
    url = one_time_link(world.folder, "http://127.0.0.1:8000/")
    assert url.startswith("http://127.0.0.1:8000/login/once/")
    return url.removeprefix("http://127.0.0.1:8000")


def test_a_link_opens_once(world: World) -> None:
    path, visitor = path_of(world), world.visitor()
    answer = visitor.get(path)
    assert (answer.status_code, answer.location) == (303, "/")
    assert visitor.get("/queue").status_code == 200
    second = world.visitor()
    assert second.get(path).status_code == 403
    assert second.get("/queue").status_code == 302


def test_of_two_who_open_a_link_at_once_one_gets_in(world: World) -> None:
    path = path_of(world)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: world.visitor().get(path).status_code, range(8)))
    assert sorted(found) == [303] + [403] * 7


def test_a_used_link_stays_used_after_a_restart(tmp_path: Path) -> None:
    world = World(tmp_path / "p")
    path = path_of(world)
    assert world.visitor().get(path).status_code == 303
    world.project.close()
    world.open()
    status = world.visitor().get(path).status_code
    world.project.close()
    assert status == 403


@pytest.mark.parametrize("spoil", [lambda path: path + "x", lambda path: path[:-3], lambda path: "/login/once/nothing"])
def test_a_forged_link_opens_nothing(world: World, spoil) -> None:  # type: ignore[no-untyped-def]
    assert world.visitor().get(spoil(path_of(world))).status_code == 403


def test_a_link_of_another_project_opens_nothing(world: World, tmp_path: Path) -> None:
    other = World(tmp_path / "other")
    path = path_of(other)
    other.project.close()
    assert world.visitor().get(path).status_code == 403


def test_an_old_link_opens_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    path = path_of(world)
    monkeypatch.setattr(login, "LINK_SECONDS", -1)
    assert world.visitor().get(path).status_code == 403


def test_a_session_cookie_is_no_link(world: World) -> None:
    """Both are signed with one key; the salt keeps them apart."""
    visitor = world.operator()
    cookie = visitor.get_cookie("awal-demo")
    assert cookie
    assert world.visitor().get(f"/login/once/{cookie.value}").status_code == 403
