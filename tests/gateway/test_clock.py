"""A clock that cannot be believed: when that is noticed, what time it is meanwhile, and how it is found again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sending_bench import Phones, Scripted
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from flows.errors import AwalError
from gateway.beat import Beat, Steps
from gateway.channels.base import Received, Sendable, Sent, Settings
from gateway.channels.http import Http, signature
from gateway.clock import BUILT, MARGIN, SEEN, TOLERANCE, Clock, ClockUnknown, Machine, milliseconds
from gateway.control import clock as ask
from gateway.control import date_clock, dated, sync
from gateway.gate import Gate
from gateway.project import Project
from gateway.sender import Sender
from storage.memory import MemoryStore
from storage.store import OutboundRow, Store

NOW = 1_795_420_800_000
HOUR, DAY = 3_600_000, 86_400_000


class Board(Machine):
    """A machine: what its clock shows, how long it runs, and whether a time service keeps the clock."""

    def __init__(self, wall: int = NOW) -> None:
        self.shows, self.runs, self.number, self.vouched = wall, 5_000, 1, False

    def wall(self) -> int:
        return self.shows

    def uptime(self) -> int:
        return self.runs

    def boot(self) -> str:
        return f"boot {self.number}"

    def vouches(self) -> bool:
        return self.vouched

    def go_on(self, ms: int) -> None:
        self.shows += ms
        self.runs += ms

    def reboot(self, shows: int) -> None:
        """Lose power, and boot with another time."""
        self.shows, self.runs, self.number = shows, 5_000, self.number + 1

    def clock(self, store: Store, battery: bool = True) -> Clock:
        watch = Clock(store, "Africa/Casablanca", machine=self, battery=battery)
        watch.begin()
        return watch


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def store() -> Store:
    made = MemoryStore()
    made.log_event("before", "", NOW - DAY)
    return made


def test_a_clock_that_goes_right_is_followed(board: Board, store: Store) -> None:
    watch = board.clock(store)
    board.go_on(HOUR)
    assert watch.known
    assert watch.now() == board.shows
    assert watch.day(watch.now()) == ""
    assert store.undated() == []


@pytest.mark.parametrize("wall", [0, milliseconds(BUILT) - 1, NOW - DAY - TOLERANCE - 1], ids=["1970", "image", "back"])
def test_a_clock_that_cannot_be_is_not_believed(board: Board, store: Store, wall: int) -> None:
    board.shows = wall
    watch = board.clock(store)
    assert not watch.known
    assert watch.now() == NOW - DAY + MARGIN
    board.go_on(7)
    assert watch.now() == NOW - DAY + MARGIN + 7
    assert watch.day(watch.now()) == "unknown 1"
    assert [kind for _, kind, _ in store.events()] == ["clock-unknown", "before"]


def test_a_board_without_anything_kept_counts_from_its_release(board: Board) -> None:
    board.shows = 0
    assert board.clock(MemoryStore()).now() == milliseconds(BUILT) + MARGIN


@pytest.mark.parametrize(("wall", "known"), [(NOW - 30 * DAY, True), (0, False)])
def test_a_time_service_is_believed_before_what_was_kept_but_not_in_1970(
    board: Board, store: Store, wall: int, known: bool
) -> None:
    """What was kept may come from a clock that was wrong."""
    board.shows, board.vouched = wall, True
    assert board.clock(store).known == known


def test_it_is_found_when_it_passes_what_was_kept_and_all_gets_its_moment(board: Board, store: Store) -> None:
    board.shows = 0
    watch = board.clock(store)
    board.go_on(HOUR)
    store.log_event("meanwhile", "", watch.now())
    board.go_on(HOUR)
    watch.look()
    assert not watch.known
    board.shows = NOW
    watch.look()
    assert watch.known
    assert watch.now() == NOW
    assert [(kind, at) for at, kind, _ in store.events()][:2] == [("clock-known", NOW), ("meanwhile", NOW - HOUR)]
    assert store.get(SEEN) == str(NOW)


def test_a_gateway_that_starts_again_goes_on_in_the_count_of_its_boot(board: Board, store: Store) -> None:
    board.shows = 0
    before = board.clock(store).now()
    board.go_on(HOUR)
    watch = board.clock(store)
    assert watch.now() == before + HOUR
    assert len(store.undated()) == 1
    assert [kind for _, kind, _ in store.events()].count("clock-unknown") == 1
    board.shows = NOW  # and is found while it is not running
    watch = board.clock(store)
    assert watch.known
    assert store.undated()[0].shift == NOW - before - HOUR


def test_a_clock_set_back_while_it_runs_goes_on_rightly_until_somebody_decides(board: Board, store: Store) -> None:
    watch = board.clock(store)
    board.go_on(HOUR)
    watch.look()
    board.shows -= DAY
    board.go_on(1_000)
    assert watch.now() == NOW + HOUR + 1_000, "the kernel's own count knows"
    assert watch.day(watch.now()) == ""
    watch.look()
    assert not watch.known
    assert watch.now() > NOW + HOUR
    watch.confirm()
    assert watch.known
    assert watch.now() == NOW + HOUR + 1_000 - DAY
    watch.look()
    assert watch.known, "what was confirmed is what counts from now on"
    assert board.clock(store).known


def test_a_small_correction_is_followed(board: Board, store: Store) -> None:
    watch = board.clock(store)
    board.shows -= TOLERANCE - 1
    watch.look()
    assert watch.known
    assert watch.now() == board.shows


def test_a_board_that_goes_on_from_where_it_was_switched_off_waits_for_somebody(board: Board, store: Store) -> None:
    """Such a clock looks right: only its setting says that nothing kept it."""
    watch = board.clock(store, battery=False)
    assert not watch.known
    watch.confirm()
    assert watch.known
    assert board.clock(store, battery=False).known, "once a boot is enough"
    board.reboot(board.shows)
    watch = board.clock(store, battery=False)
    assert not watch.known
    board.vouched = True
    watch.look()
    board.vouched = False
    watch.look()
    assert watch.known, "the link may go again"
    assert board.clock(store, battery=False).known


def test_1970_cannot_be_confirmed(board: Board, store: Store) -> None:
    board.shows = 0
    with pytest.raises(AwalError, match="timedatectl"):
        board.clock(store).confirm()


@pytest.mark.parametrize(("later", "sure"), [(HOUR, True), (3 * DAY, False)])
def test_an_earlier_boot_is_dated_by_itself_only_where_one_day_is_possible(
    board: Board, store: Store, later: int, sure: bool
) -> None:
    board.shows = 0
    board.clock(store)
    board.reboot(NOW - DAY + later)
    watch = board.clock(store)
    assert watch.known
    (span,) = store.undated()
    assert span.shift == (0 if sure else None)


def test_who_was_there_dates_an_earlier_boot_within_what_is_possible(board: Board, store: Store) -> None:
    board.shows = 0
    watch = board.clock(store)
    board.go_on(HOUR)
    store.log_event("meanwhile", "", watch.now())
    board.reboot(0)
    watch = board.clock(store)
    with pytest.raises(ClockUnknown):
        watch.tell(1, NOW)
    board.shows = NOW + 3 * DAY
    watch.look()
    for wrong in (NOW - 2 * DAY, NOW + 3 * DAY):
        with pytest.raises(AwalError, match="cannot be"):
            watch.tell(1, wrong)
    watch.tell(1, NOW)
    assert store.undated()[0].shift == NOW - (NOW - DAY + MARGIN)
    assert NOW + HOUR in [at for at, kind, _ in store.events() if kind == "meanwhile"]
    with pytest.raises(AwalError, match="no time 1"):
        watch.tell(1, NOW)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["look", "hour", "1970", "right", "back", "ahead", "restart", "reboot"]), max_size=25))
def test_time_goes_on_whatever_the_clock_shows(acts: list[str]) -> None:
    """While it is unknown, every moment is later than all that was kept before; in the end none waits for this boot."""
    store, board, real = MemoryStore(), Board(), NOW
    watch = board.clock(store)
    for act in acts:
        before = max(store.newest(), 0)
        match act:
            case "look":
                watch.look()
            case "hour":
                board.go_on(HOUR)
                real += HOUR
            case "restart":
                watch = board.clock(store)
            case "reboot":
                board.reboot(0)
                watch = board.clock(store)
            case _:
                board.shows = {"1970": 0, "right": real, "back": board.shows - 2 * HOUR, "ahead": board.shows + DAY}[
                    act
                ]
        board.go_on(1)
        real += 1
        if not watch.known:
            assert watch.now() > before
            assert watch.day(watch.now())
            store.log_event("kept", "", watch.now())
    board.shows = max(real, milliseconds(BUILT) + 999 * DAY)
    watch.look()
    assert watch.known
    assert all(span.shift is not None for span in store.undated() if span.boot == board.boot)


# the parts that go by it ---------------------------------------------------------------------------------------
def test_whoever_is_alone_waits_for_those_inside_and_holds_up_the_rest() -> None:
    gate, order = Gate(), []
    entered = gate.enter()
    inside, begun = threading.Event(), threading.Event()

    def alone() -> None:
        begun.set()
        with gate.alone():
            order.append("alone")
            inside.set()

    thread = threading.Thread(target=alone)
    thread.start()
    assert begun.wait(10)
    assert not inside.is_set()
    order.append("leaves")
    entered.close()
    thread.join(10)
    gate.enter().close()
    assert order == ["leaves", "alone"]


def test_who_hands_something_over_leaves_when_it_has_ended_or_was_not_taken() -> None:
    gate, heard = Gate(), []
    with gate.handing(heard.append) as told:
        pass
    assert gate._inside == 1
    told("done")
    assert (gate._inside, heard) == (0, ["done"])
    with pytest.raises(ValueError, match="full"), gate.handing(heard.append):
        raise ValueError("full")
    assert gate._inside == 0


def test_what_ends_before_its_handing_over_fails_leaves_once() -> None:
    gate, heard = Gate(), list[object]()

    def hand_over() -> None:
        with gate.handing(heard.append) as told:
            told("done")
            raise ValueError("late")

    with pytest.raises(ValueError, match="late"):
        hand_over()
    assert (gate._inside, heard) == (0, ["done"])


def test_what_never_ends_does_not_hold_the_gate_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.gate.PATIENCE", 0.01)
    gate = Gate()
    gate.enter()
    with pytest.raises(AwalError), gate.alone():
        pass
    gate.enter().close()


def test_nothing_unasked_leaves_while_the_clock_is_not_known() -> None:
    store, known = MemoryStore(), [False]
    channel = Scripted("sms")
    sender = Sender(store, {"sms": channel}, Phones(), lambda: NOW, known=lambda: known[0])
    for id, kind in (("asked", "reply"), ("told", "reminder"), ("late", "reply")):
        row = OutboundRow(id, f"c-{id}", "sms", b"+212661234567", id, "gsm7", 1, NOW - DAY * (id == "late"), kind=kind)
        row = replace(row, ground="form 7" if kind == "reminder" else "")
        store.enqueue([row])
    sender.run_once(NOW)
    assert [message.text for message in channel.sent] == ["asked"]
    known[0] = True
    sender.run_once(NOW)
    assert {message.text for message in channel.sent} == {"asked", "told", "late"}


def test_what_is_on_its_way_when_the_clock_is_found_is_neither_old_nor_late() -> None:
    """Its moments are of the count when it was claimed, and the clock is months ahead of that when it is concluded."""
    store, now, known = MemoryStore(), [NOW], [False]
    channel = Scripted("sms", Sent("unreachable", error="no link"))
    sender = Sender(store, {"sms": channel}, Phones(), lambda: now[0], known=lambda: known[0])
    span = store.lose_clock("boot 1", 0, NOW - HOUR)
    for id in "ab":
        store.enqueue([OutboundRow(id, f"c{id}", "sms", b"+212661234567", id, "gsm7", 1, NOW, not_after=NOW + DAY)])

    def found(message: Sendable) -> None:
        store.find_clock(span.number, 90 * DAY, now[0])
        now[0], known[0] = NOW + 90 * DAY, True

    channel.during = found
    sender.run_once(NOW)
    assert [row.state for row in store.outbox()] == ["queued", "queued"]
    channel.during = lambda message: None
    for _ in range(3):
        now[0] += HOUR
        sender.run_once(now[0])
    assert [row.state for row in store.outbox()] == ["accepted", "accepted"]


def test_nothing_is_claimed_while_the_sender_is_still() -> None:
    store, channel = MemoryStore(), Scripted("sms")
    sender = Sender(store, {"sms": channel}, Phones(), lambda: NOW)
    store.enqueue([OutboundRow("m", "c", "sms", b"+212661234567", "m", "gsm7", 1, NOW)])
    with sender.still():
        thread = threading.Thread(target=sender.run_once, args=(NOW,))
        thread.start()
        assert store.outbox()[0].state == "queued"
    thread.join(10)
    assert store.outbox()[0].state == "accepted"


@pytest.fixture
def lost(demo: Path, board: Board) -> Any:
    """Return a project on a board in 1970."""
    board.shows = 0
    with Project(demo) as project:
        project.watch = board.clock(project.store)
        yield project


def test_nothing_goes_to_the_platform_with_a_wrong_date(lost: Project) -> None:
    outcome = sync(lost)
    assert not outcome["ok"]
    assert "clock is not known" in outcome["detail"]
    assert lost.store.syncs() == []
    with pytest.raises(ClockUnknown, match="awal clock confirm"):
        dated(lost)


def test_the_state_says_what_waits(lost: Project, board: Board) -> None:
    state = ask(lost)
    assert (state["known"], state["answers"]) == (False, 0)
    board.shows = NOW
    assert ask(lost)["known"] is True, "asking looks"
    with pytest.raises(AwalError, match="no time 9"):
        date_clock(lost, 9, NOW)


def signed(at: int) -> Request:
    body, stamp = b"{}", str(at)
    headers = {"X-Awal-Timestamp": stamp, "X-Awal-Signature": signature("s" * 64, stamp, body)}
    return Request(EnvironBuilder(method="POST", data=body, headers=headers).get_environ())


def test_the_signed_channel_serves_without_a_clock_and_signs_nothing_with_it() -> None:
    settings = Settings(name="h", type="http", secret="s" * 64, api_url="http://127.0.0.1:9", number="2626")
    channel = Http(settings, "https://awal.example", clock=lambda: 300.0)
    assert not channel.genuine(signed(NOW // 1000), "")
    channel.clock_known = lambda: False
    assert channel.genuine(signed(NOW // 1000), "")
    forged = signed(NOW // 1000)
    forged.environ["HTTP_X_AWAL_SIGNATURE"] = "0" * 64
    assert not channel.genuine(forged, "")
    sent = channel.send(Sendable(id="m", to="+212661234567", text="t", encoding="gsm7", segments=1))
    assert (sent.outcome, "clock" in sent.error) == ("unreachable", True)


# the beat ------------------------------------------------------------------------------------------------------
def test_the_beat_does_not_make_up_for_what_was_before() -> None:
    beat, today = Beat(20), datetime(2026, 11, 23, tzinfo=UTC)
    following = beat.get_next_fire_time(datetime(1970, 1, 1, tzinfo=UTC), today)
    assert (following - today).total_seconds() == 20
    assert beat.get_next_fire_time(None, today) == today


def test_somebody_notices_that_the_clock_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    apart, stepped = [0.0], threading.Event()
    monkeypatch.setattr("gateway.beat.apart", lambda: apart[0])
    steps = Steps(stepped.set, look=0.001)
    steps.start()
    assert not stepped.is_set()
    apart[0] = -3_600.0
    assert stepped.wait(10)
    steps.stop()


# the command ---------------------------------------------------------------------------------------------------
@pytest.fixture
def here(board: Board, monkeypatch: pytest.MonkeyPatch) -> Board:
    """Run the commands on the board."""
    for name in ("wall", "uptime", "boot", "vouches"):
        monkeypatch.setattr(Machine, name, lambda self, name=name: getattr(board, name)())
    return board


def test_the_command_shows_confirms_and_dates(demo: Path, awal: Callable[..., Any], here: Board) -> None:
    here.reboot(0)
    told = awal("clock", project=demo)
    assert "cannot be" in told.out
    assert "awal clock confirm" in told.out
    assert "timedatectl" in awal("clock", "confirm", project=demo).err
    here.reboot(NOW + 5 * DAY)
    assert awal("clock", "confirm", project=demo).code == 0
    state = awal("clock", "--json", project=demo).json
    assert state["known"] is True
    assert [one["state"] for one in state["times"]] == ["waits"]
    assert "no moment" in awal("clock", "date", 1, "Tuesday", project=demo).err
    assert "calendar" in awal("clock", "date", 1, "2026-02-30", project=demo).err
    assert "cannot be" in awal("clock", "date", 1, "2020-01-01", project=demo).err
    assert awal("clock", "date", 1, "2026-11-26 08:30", project=demo).code == 0
    assert awal("clock", "--json", project=demo).json["times"] == []


def test_citizens_are_served_in_1970_and_a_report_says_what_waits(
    demo: Path, awal: Callable[..., Any], here: Board
) -> None:
    here.reboot(0)
    with Project(demo) as project:
        project.keep_time()
        for number in range(3):
            whole = Received(
                channel="at",
                bearer="ussd",
                external_id=f"x{number}",
                sender=f"+21266100000{number}",
                session=f"s{number}",
                path="1*4*1*1*5*Oujda",
            )
            assert project.conversations.take(project.channels["at"], whole).startswith(b"END")
        waits = sum(span.answers for span in project.store.undated())
        assert waits == project.store.counts()["answers"] > 0
    told = awal("report", "--period", "this-week", project=demo)
    assert f"{waits} answers wait for the clock" in told.err
    assert f"{waits} answers wait" in awal("doctor", project=demo).out
    lines = awal("export", "answers", "--format", "jsonl", project=demo).lines
    assert {line["answered_at"] for line in lines} == {""}, "no moment rather than a wrong one"
    here.shows = NOW + DAY
    assert awal("clock", "--json", project=demo).json["answers"] == 0
    assert "wait for the clock" not in awal("report", "--period", "this-week", project=demo).err
    lines = awal("export", "answers", "--format", "jsonl", project=demo).lines
    assert {line["answered_at"][:10] for line in lines} == {"2026-11-24"}
