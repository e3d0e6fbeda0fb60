"""Frames on their way to the platform: lost, repeated, out of order, of many numbers; and what it answers."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from frame_world import PLAIN, Body, bodies, body, link, polled, texts, width
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_world import OTHER_SIGNING, PUBLIC, SIGNING, W47, W48

from national.errors import Refused
from national.reception import Reception
from national.store import Store, open_store
from national.wire import read
from reports.frames.acks import Ack, read_ack
from reports.frames.counts import code_frames, sms_frames
from reports.frames.envelope import Link
from reports.frames.layout import code_layout, sms_layout
from reports.keys import public_key, signing_key
from reports.wire import canonical


class Platform:
    """A store with one gateway, and the link that gateway has to it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        store.enrol("demo", "02", PUBLIC, W47)
        self.link: Link = link(store.identity().public)
        self.reception = Reception(store)

    def take(self, *given: str) -> list[str]:
        """Take texts; return the outcomes."""
        return [self.reception.take(text, W48).outcome for text in given]

    def counts(self, made: Body) -> list[str]:
        return texts(sms_frames(made, self.link))

    def layout(self, made: Body) -> list[str]:
        return texts(sms_layout(made, self.link))

    def kept(self) -> Any:
        """Return the one snapshot held (what is shown of it may lag behind, by the rule on small changes)."""
        ((data,),) = self.store.database.read("SELECT body FROM snapshots")
        return read(data.encode())

    def number(self) -> tuple[int, int] | None:
        rows = self.store.cursor("demo")
        return (rows[0].epoch, rows[0].seq) if rows else None

    def ack(self, *given: str) -> Ack:
        (text,) = self.reception.receipts([self.reception.take(one, W48) for one in given], W48)
        return read_ack(text, self.link)


@contextmanager
def platform_in(folder: Path, url: str = "") -> Iterator[Platform]:
    store = open_store(url or f"sqlite:{folder / 'national.db'}")
    yield Platform(store)
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    """A platform on either database."""
    url = request.getfixturevalue("postgres_server").new_database() if request.param == "postgresql" else ""
    with platform_in(tmp_path, url) as made:
        yield made


def large(seq: int = 7, **changes: Any) -> Body:
    """A body that takes several SMS."""
    areas = [f"02.411.01.{at:02d}" for at in range(12)]
    return polled(random.Random(seq), areas, 12, 5) | {"seq": seq, **changes}


def small(counts: int, seq: int, epoch: int = 1) -> Body:
    return body({"02": [counts, counts, *[counts] * (width() - 2)]}, seq=seq, epoch=epoch)


def figures(one: Any) -> tuple[Any, ...]:
    return one.cells, one.areas, one.walks.started, one.walks.completed, one.final, one.number


def told(made: Body) -> tuple[Any, ...]:
    walks = made["walks"]
    numbers = (made["epoch"], made["seq"])
    return made["cells"], made["areas"], walks["started"], walks["completed"], made["final"], numbers


def test_frames_and_put_keep_the_same_snapshot(platform: Platform) -> None:
    """Same figures under the same number: the link's PUT of a snapshot that came by SMS is held already."""
    made = large()
    assert platform.take(*platform.layout(made), *platform.counts(made))[-1] == "merged"
    assert figures(platform.kept()) == told(made)
    assert platform.store.put(read(canonical(made)), W48) == "held"


def test_counts_wait_for_the_layout_whatever_brings_it(platform: Platform, tmp_path: Path) -> None:
    made = large(8)
    assert set(platform.take(*platform.counts(made))) == {"waiting"}
    assert platform.number() is None
    platform.store.put(read(canonical(large(7))), W48)
    platform.reception.settle("demo", made["flow_hash"], W48)
    assert figures(platform.kept()) == told(made)
    (tmp_path / "b").mkdir()
    with platform_in(tmp_path / "b") as by_sms:
        by_sms.take(*by_sms.counts(made))
        assert by_sms.take(*by_sms.layout(made))[-1] == "layout"
        assert figures(by_sms.kept()) == told(made)
    (tmp_path / "c").mkdir()
    with platform_in(tmp_path / "c") as by_code:
        key = signing_key(SIGNING)
        by_code.take(*texts(code_frames(made, by_code.link, key)))
        by_code.take(*texts(code_layout(made, by_code.link)))
        assert figures(by_code.kept()) == told(made)


def test_the_words_of_a_former_snapshot_stay(platform: Platform) -> None:
    worded = large(7)
    worded["questions"][0]["text"] = {"fr": "De l'eau ?"}
    platform.store.put(read(canonical(worded)), W48)
    platform.take(*platform.counts(large(8)))
    assert platform.kept().questions[0].text == {"fr": "De l'eau ?"}
    assert platform.number() == (1, 8)


def test_a_partly_received_snapshot_leaves_the_whole_one_alone(platform: Platform) -> None:
    before, after = large(7), large(8)
    platform.take(*platform.layout(before), *platform.counts(before))
    *most, last = platform.counts(after)
    assert set(platform.take(*most)) == {"waiting"}
    assert figures(platform.kept()) == told(before)
    assert platform.take(last) == ["merged"]
    assert figures(platform.kept()) == told(after)


def test_parts_of_two_numbers_are_never_put_together(platform: Platform) -> None:
    one, two = large(8), large(9)
    first, second = platform.counts(one), platform.counts(two)
    platform.take(*platform.layout(one))
    mixed = [*first[::2], *second[1::2]]
    assert set(platform.take(*mixed)) == {"waiting"}
    assert platform.number() is None


@st.composite
def journeys(draw: st.DrawFn) -> tuple[list[Body], list[tuple[int, int]]]:
    """Draw what a gateway made (numbers rise, figures rise and fall, epochs jump) and how its frames arrive.

    All frames of the last one arrive, some of the others, some twice, in any order; -1 stands for the layout.
    """
    made, epoch, seq = [], 1, 0
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.integers(0, 3)) == 0:
            epoch, seq = epoch + 1, draw(st.integers(0, seq))  # restored from an older backup
        seq += 1
        made.append(draw(bodies()) | {"epoch": epoch, "seq": seq})
    number = [(at, part) for at in range(-1, len(made)) for part in range(40)]
    arriving = [one for one in number if one[0] in (-1, len(made) - 1) or draw(st.booleans())]
    return made, draw(st.permutations(arriving + draw(st.lists(st.sampled_from(number), max_size=8))))


@given(journeys())
@settings(max_examples=25, deadline=None)
def test_the_newest_wins_whatever_happens_on_the_way(journey: tuple[list[Body], list[tuple[int, int]]]) -> None:
    made, arriving = journey
    with tempfile.TemporaryDirectory() as folder, platform_in(Path(folder)) as platform:
        sent = {at: platform.counts(one) for at, one in enumerate(made)} | {-1: platform.layout(made[0])}
        for at, part in arriving:
            if part < len(sent[at]):
                platform.take(sent[at][part])
        assert figures(platform.kept()) == told(made[-1])


def test_a_repeat_an_older_one_and_a_restored_gateway(platform: Platform) -> None:
    older, newer, restored = small(5, 6), small(3, 7), small(1, 2, epoch=2)
    platform.take(*platform.layout(older))
    assert platform.take(*platform.counts(newer), *platform.counts(newer), *platform.counts(older)) == [
        "merged",
        "held",
        "held",
    ]
    assert platform.kept().walks.started == [3]
    assert platform.take(*platform.counts(restored), *platform.counts(newer)) == ["merged", "held"]
    assert platform.kept().walks.started == [1]


def test_one_number_with_two_meanings_is_a_conflict_and_changes_nothing(platform: Platform) -> None:
    platform.take(*platform.layout(small(5, 6)), *platform.counts(small(5, 6)))
    assert platform.take(*platform.counts(small(9, 6))) == ["held"]
    assert platform.kept().walks.started == [5]


def test_only_an_enrolled_gateway_is_heard_and_only_for_itself(platform: Platform) -> None:
    stranger = link(platform.store.identity().public, signing=OTHER_SIGNING)
    with pytest.raises(Refused) as fault:
        platform.take(*texts(sms_frames(small(5, 6), stranger)))
    assert fault.value.status == 403
    platform.store.enrol("other", "05", public_key(OTHER_SIGNING), W47)
    theirs = link(platform.store.identity().public, "other", OTHER_SIGNING)
    platform.take(*texts(sms_layout(small(5, 6), theirs)), *texts(sms_frames(small(5, 6), theirs)))
    assert platform.number() is None
    assert [one.gateway for one in platform.store.shown("2026-W47", running=True)] == ["other"]


def test_another_gateways_layout_does_not_say_what_ours_counts(platform: Platform) -> None:
    platform.store.enrol("other", "05", public_key(OTHER_SIGNING), W47)
    theirs = link(platform.store.identity().public, "other", OTHER_SIGNING)
    twisted = small(5, 6)
    twisted["questions"][0]["options"].reverse()
    platform.take(*texts(sms_layout(twisted, theirs)))
    platform.store.put(read(canonical(twisted | {"gateway": "other", "region": "05"})), W48)
    assert platform.take(*platform.counts(small(5, 6))) == ["waiting"]


def test_an_authentic_frame_that_makes_no_sense_is_refused_and_can_come_again(platform: Platform) -> None:
    """The layout says another number of options than the counts were written for."""
    platform.take(*platform.layout(small(5, 6)))
    shape = [*PLAIN, ("more", "choice", 3)]
    with pytest.raises(Refused) as fault:
        platform.take(*platform.counts(body({"02": [5] * width(shape)}, shape, seq=7)))
    assert fault.value.status == 422
    assert platform.take(*platform.counts(small(4, 7))) == ["merged"]


@pytest.mark.parametrize("text", ["", "Bonjour", "A" * 28, "E" * 160, "Ea" * 3000, "Ech=", "é" * 40, "E\x00" * 30])
def test_other_texts_are_no_frames(platform: Platform, text: str) -> None:
    with pytest.raises(Refused):
        platform.take(text)


def test_the_receipt_tells_what_is_held_what_waits_and_what_is_wanted(platform: Platform) -> None:
    made = large()
    first, second, *_ = sent = platform.counts(made)
    ack = platform.ack(first, first, second)
    assert (ack.held, ack.wanted, ack.date) == (frozenset(), {"5d41d585"}, W48)
    assert ack.parts == {7: {0, 1}}
    ack = platform.ack(*platform.layout(made), *sent[1:])
    assert (ack.held, ack.wanted, dict(ack.parts)) == ({7}, frozenset(), {})
    ack = platform.ack(platform.counts(small(1, 3))[0])
    assert ack.held == {7}, "an older one is told which newer one is held"


def test_receipts_come_one_a_window_of_sixteen(platform: Platform) -> None:
    weeks = [small(1, at) | {"period": f"2026-W{at:02d}"} for at in range(1, 41)]
    platform.take(*platform.layout(weeks[0]))
    taken = [platform.reception.take(text, W48) for one in weeks for text in platform.counts(one)]
    acks = [read_ack(text, platform.link) for text in platform.reception.receipts(taken, W48)]
    assert len(acks) == 3
    assert set().union(*(one.held for one in acks)) == set(range(1, 41))
