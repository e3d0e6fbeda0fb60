"""The pace of a channel: never over its rate for long, and never stopped by a clock that jumps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sending_bench import NOW, Bench, Scripted

from gateway.sending.pace import Pace

Make = Callable[..., Bench]


@given(
    rate=st.floats(0.1, 500),
    moves=st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 10)), min_size=1, max_size=80),
)
def test_no_stretch_of_time_sees_more_than_the_rate_and_a_burst(rate: float, moves: list[tuple[int, int]]) -> None:
    pace, now = Pace(rate), NOW
    gone: list[tuple[int, int]] = []
    for wait, segments in moves:
        now += wait
        if pace.room(now):
            pace.took(segments)
            gone.append((now, segments))
    for first in range(len(gone)):
        for last in range(first, len(gone)):
            sent = sum(segments for _, segments in gone[first:last])  # the last one may go into debt
            assert sent <= max(1.0, rate / 5) + rate * (gone[last][0] - gone[first][0]) / 1000 + 1e-6


@pytest.mark.parametrize("rate", [1.0, 7.5, 100.0, 333.0])
def test_a_thread_that_waits_as_told_sustains_the_rate(rate: float) -> None:
    pace, now, sent = Pace(rate), float(NOW), 0
    while now < NOW + 60_000:
        room = pace.room(int(now))
        pace.took(room)
        sent += room
        now += max(1.0, pace.wait(int(now)) * 1000)
    assert 60 * rate * 0.97 <= sent <= 60 * rate + max(1.0, rate / 5)


def test_no_rate_is_no_limit() -> None:
    pace = Pace(0.0)
    pace.took(10_000)
    assert (pace.room(NOW), pace.wait(NOW)) == (-1, 0.0)


@given(jump=st.integers(-86_400_000, 86_400_000))
def test_a_clock_that_jumps_neither_stops_the_channel_nor_floods_it(jump: int) -> None:
    pace = Pace(1.0)
    pace.took(pace.room(NOW))
    assert pace.room(NOW + jump) <= 1
    assert pace.room(NOW + jump + 1_000) == 1


def test_a_long_message_goes_and_the_next_waits_for_its_segments(bench: Make) -> None:
    channel = Scripted(rate=1.0)
    on = bench(channel)
    on.queue("long", segments=3)
    on.queue("next")
    assert on.run() == 1
    on.now += 2_999
    assert on.run() == 0
    on.now += 1
    assert on.run() == 1


def test_a_channel_at_its_pace_delays_no_other(bench: Make) -> None:
    slow, fast = Scripted("slow", rate=1.0), Scripted("fast")
    on = bench(slow, fast)
    for at in range(30):
        on.queue(f"s{at}", "slow")
        on.queue(f"f{at}", "fast")
    on.run()
    assert (len(slow.sent), len(fast.sent)) == (1, 30)
