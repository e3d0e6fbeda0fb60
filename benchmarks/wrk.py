"""The phones of `load.py` played by wrk, which takes little of the cores from the server that is measured.

wrk has one thread (`wrk -t1`), the phones are in `phones.lua`. Before each burst two citizens play alone, and what they
see is what everybody has to see. Then the sessions of the ring are opened and brought to different requests, so that a
burst is from its first request to its last an even mix of all of them, in both languages.

wrk's percentiles count a slow answer more than once: as often as its connection would else have called meanwhile.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.load import FORM, TURNS, Burst, citizens, form, request

SCRIPT = Path(__file__).with_name("phones.lua")
AHEAD = 8
"""Sessions for each connection: so many requests of each, on average, lie between two of the same session."""
LEAST = 1_024
"""Sessions at least, so that a round of them takes longer than a pause of the machine."""
PATIENCE = 10
"""Seconds after which an answer counts as missing, as for the phones of `load.py`."""
NEWCOMERS = 100_000
"""Citizens set aside for a burst: more than can dial in it."""
NOBODY = 99_999_999
"""Stands for a citizen's number in what `phones.lua` sends."""
HANDS = 8
"""Connections that open the sessions of a burst."""


def there() -> bool:
    """Tell whether wrk is installed."""
    return shutil.which("wrk") is not None


def call(port: int, path: str, phones: int, seconds: float) -> Burst:
    """Call a server from so many phones for so long, in whole seconds; raises RuntimeError where anything was wrong."""
    first = citizens(NEWCOMERS + 2)
    screens = [play(port, path, number, TURNS) for number in (first, first + 1)]
    if first % 2:
        screens.reverse()
    behind = [place // 2 % TURNS for place in range(max(phones * AHEAD, LEAST))]
    opened(port, path, first + 2, behind, screens)
    return run(port, path, phones, seconds, [str(first + 2), ",".join(map(str, behind)), *turns(path, screens)])


def play(port: int, path: str, number: int, turns: int) -> list[str]:
    """Dial as a citizen, send so many requests of the session, and return the screens; each has to ask for a reply."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        return [screen(connection, path, form(number, turn)) for turn in range(turns)]
    finally:
        connection.close()


def screen(connection: HTTPConnection, path: str, sent: str) -> str:
    """Send a form and return the screen that answers it."""
    connection.request("POST", path, sent, FORM)
    answer = connection.getresponse()
    shown = answer.read().decode()
    if answer.status != 200 or not shown.startswith("CON"):
        raise RuntimeError(f"a citizen alone got {answer.status} {shown!r} for {sent}")
    return shown


def opened(port: int, path: str, first: int, behind: Sequence[int], screens: Sequence[Sequence[str]]) -> None:
    """Bring the sessions of the ring to where they stand when the burst begins."""
    numbers = range(first, first + len(behind))
    with ThreadPoolExecutor(HANDS) as hands:
        for number, seen in zip(numbers, hands.map(partial(play, port, path), numbers, behind), strict=True):
            if seen != screens[number % 2][: len(seen)]:
                raise RuntimeError(f"citizen {number} saw {seen!r} where one alone saw {screens[number % 2]!r}")


def turns(path: str, screens: Sequence[Sequence[str]]) -> list[str]:
    """Return what citizens of even and of odd numbers send, each request followed by its screen."""
    return [
        text
        for kind, shown in enumerate(screens)
        for turn, due in enumerate(shown)
        for text in (request(path, form(NOBODY, turn, kind)), due)
    ]


def run(port: int, path: str, phones: int, seconds: float, arguments: Sequence[str]) -> Burst:
    """Run wrk and read what `phones.lua` says at its end."""
    options = ["-t1", f"-c{phones}", f"-d{max(1, round(seconds))}s", f"--timeout={PATIENCE}s", "-s", str(SCRIPT)]
    command = ["wrk", *options, f"http://127.0.0.1:{port}{path}", "--", *arguments]
    ran = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", timeout=seconds + 6 * PATIENCE
    )
    if ran.returncode or not ran.stdout.strip().endswith("}"):
        raise RuntimeError(f"wrk ended with {ran.returncode}: {ran.stdout[-500:]}{ran.stderr[-500:]}")
    said = json.loads(ran.stdout.splitlines()[-1])
    if said["wrong"]:
        raise RuntimeError(f"{said['wrong']} wrong answers, the first: {said['first']!r}")
    if any(said["errors"].values()) or said["unanswered"] > phones or not said["requests"]:
        raise RuntimeError(f"not every request of wrk was answered: {said}")
    return Burst(said["requests"], said["rate"], said["p50"], said["p99"], said["slowest"] >= said["round"])
