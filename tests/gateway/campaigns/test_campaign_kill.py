"""A campaign of 300 citizens whose gateway is killed again and again, paused and resumed in between."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from campaign_world import CASABLANCA, Campaigner

COMMUNES = ("02.411.01.33", "02.113.01.01", "02.113.01.05", "02.113.01.07", "02.381.01.03", "02.381.01.05")
CAMPAIGN = """\
campaign: pilot
flow: water
start: 2026-11-24 09:00
hours: 09:00-17:00
rest: 0
waves: [{size: 50}, {after: 1d}]
quota: {commune: 40}
stop: {completed: 130, stopped: 40%, failed: 40%, spent: 420}
"""
KILLS = 5
PRICE = 0.5


def test_everyone_is_asked_at_most_once_within_money_hours_and_quota_however_often_it_dies(
    tmp_path: Path, root: Path
) -> None:
    chance = random.Random(11)
    on = Campaigner(tmp_path / "p", settings="[campaigns]\nthreshold = 50", campaign=CAMPAIGN)
    on.known(300, COMMUNES)
    on.at("2026-11-24 08:50")
    assert on.preview()["citizens"] == 240
    on.do("start", "amina")
    on.do("approve", "brahim")
    places = {on.phone(number): COMMUNES[number % len(COMMUNES)] for number in range(300)}
    on.close()

    now, pauses = on.watch.at, list[tuple[int, int]]()
    for kill in range(KILLS):
        now = run(on.folder, now, root, chance.randint(2, 9))
        if kill in (1, 3):
            pauses.append((now, now := paused(on.folder, now)))
    now = run(on.folder, now, root)

    took = [line.split() for line in (on.folder / "provider.log").read_text().splitlines()]
    asked = Counter(phone for _, phone, _, kind in took if kind == "campaign")
    assert set(asked.values()) == {1}, "somebody was asked twice"
    assert len(asked) > 130
    assert max(Counter(places[phone] for phone in asked).values()) <= 40
    for at, _, _, kind in took:
        civil = f"{CASABLANCA.at(int(at)):%H:%M}"
        assert kind == "reply" or "09:00" <= civil < "17:00", civil
        assert kind == "reply" or not any(begin < int(at) < end for begin, end in pauses), "asked in a pause"

    last = Campaigner.again(on.folder, now)
    found = last.status()
    assert (found["state"], found["reason"]) == ("done", "enough have answered")
    assert 130 <= found["completed"] <= found["answered"] <= found["asked"]
    assert found["asked"] >= len(asked)
    assert sum(int(segments) for _, _, segments, _ in took) * PRICE <= 420
    assert found["spent"] <= 420
    began = {one.citizen for one in last.project.store.members("pilot", 0) if one.state == "asked"}
    answers = [row for row in last.project.store.answers("water") if row.step == "supply"]
    assert len(answers) == len({row.conversation for row in answers})
    assert {row.citizen for row in answers} <= began
    assert found["completed"] <= len(answers) <= found["answered"]
    last.close()


def run(folder: Path, now: int, root: Path, lines: int = 0) -> int:
    """Run the gateway for some looks at the clock, kill it, and return the moment it had come to."""
    fakes = (root / "tests" / "fakes", root)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, fakes))}
    program = Path(__file__).with_name("campaign_killed.py")
    with subprocess.Popen(
        [sys.executable, str(program), str(folder), str(now)],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            for count, line in enumerate(process.stdout, 1):
                now = int(line.split()[-1])
                if lines and count >= lines:
                    break
            else:
                assert not lines, "the campaign was over before it was killed as often as it should be"
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    return now


def paused(folder: Path, now: int) -> int:
    """Pause the campaign, let an hour pass in which nobody may be asked, and resume it."""
    on = Campaigner.again(folder, now)
    before = on.do("pause")["asked"]
    for _ in range(6):
        on.later(10)
        assert on.tick()["asked"] == before
    on.do("resume")
    on.close()
    return on.watch.at
