"""Eight channels, each with threads of its own: no citizen reads out of order, no slow provider delays another."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

from sending_bench import Bench, Scripted

from gateway.channels.base import Sendable, Sent
from gateway.sending.health import Health

Make = Callable[..., Bench]
PATIENCE = 30.0


class Recorder:
    """Notes what reaches the providers, in order, and says when `expected` messages have."""

    def __init__(self, expected: int) -> None:
        self.lock = threading.Lock()
        self.seen: dict[tuple[str, str], list[int]] = defaultdict(list)
        self.left = expected
        self.done = threading.Event()
        self.queued = threading.Event()
        """Set once all is queued: the first message of each citizen is on its way until then."""

    def on(self, channel: str) -> Callable[[Sendable], None]:
        def note(message: Sendable) -> None:
            citizen, at = message.id.split("-")
            if at == "0":
                self.queued.wait(PATIENCE)
            with self.lock:
                self.seen[channel, citizen].append(int(at))
                self.left -= 1
                if self.left == 0:
                    self.done.set()

        return note


def test_each_citizen_reads_in_order_over_eight_channels_and_their_threads(bench: Make) -> None:
    names = [f"ch{at}" for at in range(8)]
    recorder = Recorder(8 * 6 * 5)
    channels = [Scripted(name, window=1 + at % 3) for at, name in enumerate(names)]
    for channel in channels:
        channel.during = recorder.on(channel.name)
    on = bench(*channels)
    on.sender.start()
    try:
        for at in range(5):
            for name in names:
                for citizen in range(6):
                    on.queue(f"{name}.{citizen}-{at}", name, f"c{citizen}")
            on.sender.notify()
        recorder.queued.set()
        assert recorder.done.wait(PATIENCE)
    finally:
        on.sender.stop()
    assert len(recorder.seen) == 8 * 6
    assert all(order == [0, 1, 2, 3, 4] for order in recorder.seen.values())


def test_a_provider_that_hangs_delays_nobody_else(bench: Make) -> None:
    slow, fast = Scripted("slow"), Scripted("fast")
    free, recorder = threading.Event(), Recorder(50)
    slow.during = lambda message: free.wait(PATIENCE)
    fast.during = recorder.on("fast")
    recorder.queued.set()
    on = bench(slow, fast)
    on.queue("s-0", "slow")
    for at in range(50):
        on.queue(f"f{at}-0", "fast")
    on.sender.start()
    try:
        assert recorder.done.wait(PATIENCE)
        assert on.row("s-0").state == "sending"
    finally:
        free.set()
        on.sender.stop()


def test_a_window_lets_so_many_messages_be_on_their_way_at_once(bench: Make) -> None:
    channel = Scripted(window=4)
    four, free = threading.Event(), threading.Event()
    lock, count = threading.Lock(), [0]

    def hold(_: object) -> None:
        with lock:
            count[0] += 1
            if count[0] == 4:
                four.set()
        free.wait(PATIENCE)

    channel.during = hold
    on = bench(channel)
    for at in range(40):
        on.queue(f"m{at}")
    on.sender.start()
    try:
        assert four.wait(PATIENCE)
        assert count[0] == 4
    finally:
        free.set()
        on.sender.stop()


def test_a_poison_message_of_each_kind_holds_back_nobody(bench: Make) -> None:
    poisons = [Sent("retry", error="HTTP 500"), KeyError("bug"), Sent("failed", error="403")]
    channel = Scripted("sms", *poisons)
    on = bench(channel)
    for at in range(3):
        on.queue(f"poison{at}")
    for at in range(40):
        on.queue(f"m{at}")
    on.run()
    assert {on.row(f"m{at}").state for at in range(40)} == {"accepted"}


def test_threads_that_fail_together_are_one_failure() -> None:
    health = Health()
    threads = [threading.Thread(target=health.fails, args=(1_000, lambda misses: 5_000 * misses)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (health.misses, health.until, health.down_for(3_000)) == (1, 6_000, 2_000)
    assert health.fails(6_000, lambda misses: 5_000 * misses) == 16_000
    health.works()
    assert (health.rests(7_000), health.down_for(7_000)) == (False, 0)
