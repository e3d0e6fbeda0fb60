"""A durable USSD step over HTTP: the whole gateway, in Arabic and French, against bare Flask on the same server."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import load, wrk
from benchmarks.limit import limited
from benchmarks.load import Burst
from benchmarks.measure import Row
from benchmarks.servers import ROOT, awal, bare, free_port, memory, running
from gateway.cli.init import create

BURST = 2.0
"""Seconds of one burst, after the warm-up."""
CONVERSATIONS = 10_000
SETTLES = 45.0
"""Seconds in which a gateway has done what it does once after a start: it walks every path of its flows."""
CEILING = 128.0
"""Megabytes that the gateway may take while it serves them."""

SERVING = ExitStack()
"""The servers that run; to be left before the folder of their projects goes."""


class Side:
    """A server that runs from its first burst until `SERVING` ends, and the path that the phones call."""

    def __init__(self, command: Callable[[int], list[str]], path: Callable[[], str], settles: float = 0) -> None:
        self.command = command
        self.path = path
        self.settles = settles
        self.bursts: list[Burst] = []

    @cached_property
    def server(self) -> tuple[int, int]:
        """Return the port and the process of the server, started now and settled."""
        port = free_port()
        process = SERVING.enter_context(running(self.command(port), port)).process.pid
        time.sleep(self.settles)
        return port, process

    def burst(self, phones: int) -> Burst:
        """Call it from so many phones: wrk's, or where it is not installed those in Python."""
        call = wrk.call if wrk.there() else load.call
        self.bursts.append(call(self.server[0], self.path(), phones, BURST))
        return self.bursts[-1]


def rows(project: Path, long: bool) -> list[Row]:
    """Return the comparisons of this file."""
    folder = project / "lane"
    create(folder, demo=True)
    ours = Side(partial(awal, folder), lambda: webhook(folder), SETTLES)
    base = Side(bare, lambda: "/ussd")

    def rate(side: Side) -> Callable[[], float]:
        return lambda: side.burst(64).rate

    def p99(side: Side, phones: int) -> Callable[[], float]:
        return lambda: side.burst(phones).p99

    said = partial(callers, (ours, base))
    found = [
        Row("durable step over HTTP", "steps/s", rate(ours), rate(base), 1.5, at_most=False, aside=said),
        Row("p99 of a step, 64 phones", "ms", p99(ours, 64), p99(base, 64), 3.0, aside=said),
        Row("p99 of a step, 256 phones", "ms", p99(ours, 256), p99(base, 256), 3.0, aside=said),
    ]
    if long:
        soak = Soak(folder.with_name("soak"))
        peak = Row(
            "memory at its peak",
            "MB",
            lambda: soak.peak,
            lambda: CEILING,
            1.0,
            against="128 MB",
            aside=lambda: [soak.limit],
        )
        grown = Row(
            f"memory after {CONVERSATIONS:,} conversations",
            "MB",
            lambda: soak.after,
            lambda: soak.before,
            1.05,
            against="that after 1,000",
        )
        found += [grown, peak]
    return found


def callers(sides: Sequence[Side]) -> list[str]:
    """Say who called, and in how many of all bursts a session may have run ahead of its answers."""
    if not wrk.there():
        return ["called by phones in Python, which take more of the cores: wrk is not installed (make programs)"]
    doubtful = [burst.doubtful for side in sides for burst in side.bursts]
    if not any(doubtful):
        return ["called by wrk -t1"]
    return [f"called by wrk -t1; in {sum(doubtful)} of {len(doubtful)} bursts a session may have gone on unanswered"]


def webhook(project: Path) -> str:
    """Return the path of the demo's Africa's Talking callback."""
    command = [sys.executable, "-m", "gateway", "-C", str(project), "channels", "--json"]
    channels = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    return urlsplit(next(one["urls"]["ussd"] for one in channels if one["name"] == "at")).path


class Soak:
    """One gateway through ten thousand conversations: what it held before, after, and at most. Run once."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.limit = ""
        """How it was held to the ceiling."""

    @cached_property
    def held(self) -> list[float]:
        """The megabytes held after each thousand conversations."""
        create(self.project, demo=True)
        group = SERVING.enter_context(limited(CEILING))
        kept = "the kernel kept it under 128 MB, pages of files included" if group else "no limit could be set here"
        self.limit = f"{kept}; the figure is what its processes held (PSS)"
        side = Side(lambda port: [*group, *awal(self.project, port)], lambda: webhook(self.project), SETTLES)
        port, process = side.server
        held: list[float] = []
        requests = 0
        while requests < CONVERSATIONS * 6:
            requests += load.call(port, side.path(), 64, 6.0).requests
            if requests >= 6_000 * (len(held) + 1):
                held.append(memory(process, "Pss"))
        return held

    @property
    def before(self) -> float:
        """What it held after the first thousand."""
        return self.held[0]

    @property
    def after(self) -> float:
        """What it held at the end."""
        return self.held[-1]

    @property
    def peak(self) -> float:
        """The most it held at the end of any thousand."""
        return max(self.held)
