import http.server
import json
import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from ports import free_port
from wire_world import OTHER_SIGNING, PUBLIC, SIGNING, W47, W48, WATER, Clock, Nation, World, nation, water

from flows.errors import AwalError
from reports.sync import DENIALS_BEFORE_PAUSE, PAUSE_MS, RETRY_MOST, Syncer, open_syncer
from reports.wire_http import Answered, HttpCarrier, Interrupted
from storage.open import restore_store
from storage.sqlite import SqliteStore


@pytest.fixture
def clock() -> Clock:
    return Clock(W48)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def platform(tmp_path: Path, clock: Clock) -> Iterator[Nation]:
    with nation(tmp_path, clock) as served:
        served.enrol()
        yield served


def syncer(world: World, url: str, clock: Clock, **more: str) -> Syncer:
    settings = {"gateway": "demo", "region": "02", "signing": SIGNING} | more
    return open_syncer(world.store, url=url, clock=clock, rng=random.Random(1), **settings)  # type: ignore[arg-type]


def held(platform: Nation, period: str = "2026-W47") -> list[dict[str, object]]:
    return [json.loads(json.dumps(one.cells)) for one in platform.store.shown(period, running=True)]


def test_what_the_gateway_holds_arrives(world: World, platform: Nation, clock: Clock) -> None:
    world.many(3, {"supply": "yes", "mark": 4})
    outcome = syncer(world, platform.url, clock).once()
    assert (outcome.ok, outcome.sent, outcome.waiting) == (True, 1, 0)
    assert held(platform)[0]["supply"] == [[3], [0]]
    assert [one.acked for one in world.store.held()] == [True]
    assert world.store.syncs()[0].ok


def test_a_second_attempt_sends_nothing(world: World, platform: Nation, clock: Clock) -> None:
    world.answer({"supply": "yes"})
    runner = syncer(world, platform.url, clock)
    runner.once()
    outcome = runner.once()
    assert (outcome.ok, outcome.sent, outcome.held) == (True, 0, 1)


def test_without_answers_the_platform_still_hears_from_us(world: World, platform: Nation, clock: Clock) -> None:
    assert syncer(world, platform.url, clock).once().ok
    gateway = platform.store.gateway("demo")
    assert gateway is not None
    assert gateway.last_contact == W48


def test_an_erasure_lowers_the_figures(world: World, platform: Nation, clock: Clock) -> None:
    citizens = world.many(2, {"supply": "yes"})
    runner = syncer(world, platform.url, clock)
    runner.once()
    for citizen in citizens:
        world.store.erase(citizen, W48)
    assert runner.once().sent == 1
    assert platform.store.totals().get("02") is None


def test_a_platform_that_lost_its_data_gets_them_again(
    world: World, tmp_path: Path, clock: Clock, platform: Nation
) -> None:
    world.answer({"supply": "yes"})
    syncer(world, platform.url, clock).once()
    (tmp_path / "empty").mkdir()
    with nation(tmp_path / "empty", clock) as other:
        other.enrol()
        assert syncer(world, other.url, clock).once().sent == 1


def test_a_lost_acknowledgement_costs_one_harmless_repeat(world: World, platform: Nation, clock: Clock) -> None:
    world.answer({"supply": "yes"})
    carrier = Losing(HttpCarrier(platform.url), lose="PUT")
    runner = Syncer(
        world.store, gateway="demo", region="02", signing=SIGNING, carrier=carrier, clock=clock, rng=random.Random(1)
    )
    assert not runner.once().ok
    assert not world.store.held()[0].acked
    outcome = runner.once()
    assert (outcome.ok, outcome.held) == (True, 1)
    assert world.store.held()[0].acked


def test_a_restored_gateway_sends_above_what_was_held(
    world: World, platform: Nation, clock: Clock, tmp_path: Path
) -> None:
    world.answer({"supply": "yes"})
    syncer(world, platform.url, clock).once()
    world.store.backup(tmp_path / "backup.db")
    world.many(4, {"supply": "yes"})
    syncer(world, platform.url, clock).once()
    world.store.close()
    restore_store(f"sqlite:{world.path}", tmp_path, tmp_path / "backup.db")
    world.store = SqliteStore(world.path)
    outcome = syncer(world, platform.url, clock).once()
    assert (outcome.ok, outcome.sent) == (True, 1)
    assert platform.store.totals()["02"].answers == 1


def test_a_copied_back_database_says_what_to_do(world: World, platform: Nation, clock: Clock, tmp_path: Path) -> None:
    old = World(tmp_path, "old")
    old.answer({"supply": "yes"})
    for _ in range(3):
        world.answer({"supply": "yes"})
        syncer(world, platform.url, clock).once()
    carrier = Refusing(HttpCarrier(platform.url), "no flow")
    runner = Syncer(old.store, gateway="demo", region="02", signing=SIGNING, carrier=carrier, clock=clock)
    outcome = runner.once()
    old.close()
    assert (outcome.ok, carrier.puts) == (False, 0)
    assert "awal restore" in outcome.detail
    assert platform.store.totals()["02"].answers == 3


@pytest.mark.parametrize("wrong", [{"signing": OTHER_SIGNING}, {"gateway": "stranger"}])
def test_an_unknown_key_pauses_after_five_denials_with_the_remedy(
    world: World, platform: Nation, clock: Clock, wrong: dict[str, str]
) -> None:
    world.answer({"supply": "yes"})
    runner = syncer(world, platform.url, clock, **wrong)
    for _ in range(DENIALS_BEFORE_PAUSE):
        outcome = runner.once()
        assert "awal-national gateway add" in outcome.detail
        assert "--region 02 --key " in outcome.detail
    attempts = len(world.store.syncs(100))
    assert "Paused" in runner.once().detail
    assert len(world.store.syncs(100)) == attempts
    clock.now += PAUSE_MS
    assert "Paused" not in runner.once().detail


def test_an_enrolment_in_between_ends_the_denials(world: World, platform: Nation, clock: Clock) -> None:
    runner = syncer(world, platform.url, clock, gateway="late")
    for _ in range(DENIALS_BEFORE_PAUSE - 1):
        runner.once()
    platform.enrol("late")
    assert runner.once().ok
    assert runner.failures == 0


def test_one_refused_snapshot_does_not_hold_back_the_others(world: World, clock: Clock, platform: Nation) -> None:
    world.answer({"supply": "yes"}, now=W47)
    world.answer({"supply": "yes"}, flow=water(2))
    carrier = Refusing(HttpCarrier(platform.url), WATER.hash)
    runner = Syncer(world.store, gateway="demo", region="02", signing=SIGNING, carrier=carrier, clock=clock)
    outcome = runner.once()
    assert (outcome.ok, outcome.sent, outcome.refused) == (False, 1, 1)
    assert "cells: too odd" in outcome.detail
    puts = carrier.puts
    assert runner.once().refused == 1
    assert carrier.puts == puts
    world.answer({"supply": "no"})
    runner.once()
    assert carrier.puts == puts + 1


def test_a_retry_waits_longer_each_time_with_full_jitter(world: World, clock: Clock) -> None:
    runner = syncer(world, f"http://127.0.0.1:{free_port()}", clock)
    assert runner.next_delay() == 0
    ceilings = []
    for _ in range(12):
        assert not runner.once().ok
        drawn = [runner.next_delay() for _ in range(200)]
        ceilings.append(max(drawn))
        assert min(drawn) < max(drawn) / 4
    assert ceilings[0] <= 30 < ceilings[1] <= 60 < ceilings[2] <= 120
    assert RETRY_MOST * 0.9 < ceilings[-1] <= RETRY_MOST
    assert "cannot be reached" in world.store.syncs()[0].detail


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (503, {"Retry-After": "7200"}, 7200),
        (429, {"Retry-After": "5000"}, 5000),
        (503, {"Retry-After": "Wed, 25 Nov 2026 11:00:00 GMT", "Date": "Wed, 25 Nov 2026 09:00:00 GMT"}, 7200),
        (503, {"Retry-After": "soon"}, 0),
        (500, {}, 0),
    ],
)
def test_the_wait_the_platform_asks_for_is_kept(
    world: World, clock: Clock, status: int, headers: dict[str, str], wait: int
) -> None:
    with answering(status, headers) as url:
        runner = syncer(world, url, clock)
        assert not runner.once().ok
        assert runner.next_delay() >= wait
        assert wait or runner.next_delay() <= 30


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"date": "x"}', b'{"held": [{}]}'])
def test_an_address_that_is_no_platform_is_said(world: World, clock: Clock, body: bytes) -> None:
    with answering(200, {}, body) as url:
        outcome = syncer(world, url, clock).once()
    assert not outcome.ok
    assert "[national] url" in outcome.detail


def test_a_clock_far_from_the_platforms_is_said(world: World, platform: Nation) -> None:
    ahead = Clock(W48 + 25 * 60 * 1000)
    outcome = syncer(world, platform.url, ahead).once()
    assert (outcome.ok, outcome.skew) == (True, 1500)
    assert "25 min" in outcome.detail


def test_an_address_with_a_path_is_signed_whole(world: World, clock: Clock, tmp_path: Path) -> None:
    world.answer({"supply": "yes"})
    with nation(tmp_path, clock, prefix="/awal") as platform:
        platform.enrol()
        assert syncer(world, f"{platform.url}/", clock).once().sent == 1


def test_one_connection_serves_an_attempt_and_a_stale_one_is_replaced(clock: Clock) -> None:
    with answering(200, {}, close=True) as url:
        carrier = HttpCarrier(url)
        assert [carrier.request("GET", "/x", {}).status for _ in range(3)] == [200, 200, 200]
        carrier.close()


@pytest.mark.parametrize("url", ["", "ftp://x", "https://", "platform.ma"])
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(AwalError, match=r"\[national\] url"):
        HttpCarrier(url)


def test_a_gateway_without_region_cannot_send(world: World, clock: Clock) -> None:
    with pytest.raises(AwalError, match="region"):
        syncer(world, "http://127.0.0.1:9", clock, region="")


def test_the_remedy_never_shows_the_secret_key(world: World, clock: Clock, platform: Nation) -> None:
    outcome = syncer(world, platform.url, clock, gateway="stranger").once()
    assert PUBLIC in outcome.detail
    assert SIGNING not in outcome.detail


# what plays the link and the platform at their worst ---------------------------------------------------------------


class Losing:
    """A carrier that loses the first answer to one method, after the platform has taken the request."""

    def __init__(self, carrier: HttpCarrier, lose: str) -> None:
        self.carrier, self.lose, self.prefix = carrier, lose, carrier.prefix

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answered:
        answered = self.carrier.request(method, path, headers, body)
        if method == self.lose:
            self.lose = ""
            raise Interrupted("the link fell")
        return answered

    def close(self) -> None:
        self.carrier.close()


class Refusing:
    """A carrier to a platform that will not take the snapshots of one flow version; it counts what is put."""

    def __init__(self, carrier: HttpCarrier, flow_hash: str) -> None:
        self.carrier, self.flow_hash, self.prefix, self.puts = carrier, flow_hash, carrier.prefix, 0

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answered:
        self.puts += method == "PUT"
        if method == "PUT" and self.flow_hash in path:
            return Answered(422, {}, b'{"error": "invalid", "message": "cells: too odd"}')
        return self.carrier.request(method, path, headers, body)

    def close(self) -> None:
        self.carrier.close()


@contextmanager
def answering(status: int, headers: Mapping[str, str], body: bytes = b"{}", close: bool = False) -> Iterator[str]:
    """Serve one fixed answer to every GET on a real port; `close` drops the connection after each, unannounced."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response_only(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = close

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
