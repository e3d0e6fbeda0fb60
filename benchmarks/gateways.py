"""Two gateways on one PostgreSQL against one: durable steps a second over HTTP, and who had the cores.

The phones, both gateways and the server share this machine. Where they fill its cores, a second gateway can only take
what the first one left: the row says how much each had.
"""

from __future__ import annotations

import os
import re
import statistics
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path

from benchmarks import server
from benchmarks.lane import BURST, SERVING, webhook
from benchmarks.load import WARM, call_all
from benchmarks.measure import Row
from benchmarks.servers import awal, free_port, running, tree
from gateway.cli.init import create

PHONES = 64
TICKS = os.sysconf("SC_CLK_TCK")


def rows(project: Path, long: bool) -> list[Row]:  # noqa: ARG001 - every file's
    """Return the comparisons of this file."""
    if not server.there("Two gateways on PostgreSQL"):
        return []
    fleet = Fleet(project)
    return [
        Row(
            "two gateways on PostgreSQL",
            "steps/s",
            partial(fleet.rate, 2),
            partial(fleet.rate, 1),
            None,
            at_most=False,
            against="one gateway",
            aside=fleet.told,
        )
    ]


class Fleet:
    """Two gateways of one project that run from the first burst on; a burst calls one of them, or both."""

    def __init__(self, project: Path) -> None:
        self.project = project / "fleet"
        self.shares: dict[int, list[dict[str, float]]] = defaultdict(list)
        """By the number of gateways called: the cores each kind of process had, burst by burst."""

    @cached_property
    def gateways(self) -> list[tuple[int, int]]:
        """The port and the process of each."""
        create(self.project, demo=True)
        settings = self.project / "awal.toml"
        url = f'store = "{server.database()}"'
        settings.write_text(re.sub(r'^store = ".*"', url, settings.read_text(), flags=re.MULTILINE))
        made = []
        for _ in range(2):
            port = free_port()
            made.append((port, SERVING.enter_context(running(awal(self.project, port), port)).process.pid))
        return made

    @cached_property
    def path(self) -> str:
        """The path that the phones call."""
        return webhook(self.project)

    def rate(self, gateways: int) -> float:
        """Return the steps a second of so many gateways; the same phones call them all, each always the same one."""
        ports = [port for port, _ in self.gateways][:gateways]
        before = self._used()
        calls = call_all(ports, self.path, PHONES, BURST)
        after = self._used()
        lasted = BURST + WARM
        self.shares[gateways].append({name: (after[name] - before[name]) / lasted for name in after})
        return calls.rate

    def _used(self) -> dict[str, float]:
        """Return the seconds of processor that each kind of process has had."""
        first, second = ([process] for _, process in self.gateways)
        kinds = {
            "first gateway": first,
            "second gateway": second,
            "server": [server.running().process],
            "phones": [os.getpid()],
        }
        return {name: used(processes, children=name != "phones") for name, processes in kinds.items()}

    def told(self) -> list[str]:
        """Say how many cores each had, the median of the bursts."""
        return [
            f"cores of {os.cpu_count()} with {gateways} called: "
            + ", ".join(f"{name} {statistics.median(one[name] for one in bursts):.2f}" for name in bursts[0])
            for gateways, bursts in sorted(self.shares.items())
        ]


def used(processes: Sequence[int], children: bool) -> float:
    """Return the seconds of processor of some processes, those that they started and that ended since included."""
    total = 0
    for process in processes:
        for one in tree(process) if children else [process]:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += sum(int(ticks) for ticks in fields[11 : 15 if children else 13])
    return total / TICKS
