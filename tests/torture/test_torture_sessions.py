"""USSD as networks really behave: sessions interleaved, dropped, repeated, reordered, and replayed by strangers."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from walks import Desk, Script, a_script, kept_of, oracle

from gateway.channels.base import ForeignSession

SESSIONS = int(os.environ.get("AWAL_TORTURE_SESSIONS", "300"))
AT_ONCE = 64
"""Citizens whose sessions are open at the same time."""
WITHIN = 1_200_000
"""Milliseconds, at most, before a citizen dials again: inside the half hour in which a conversation waits for sure."""
RESUMES_FROM = 3
"""Inputs before which there is no question yet: language, service, consent."""


@dataclass
class Walker:
    """One citizen on the way: how far they are, in which session, and what that session has sent."""

    number: int
    script: Script
    step: int = 0
    """Inputs of the script that were taken."""
    sessions: int = 0
    sent: list[str] = field(default_factory=list)
    before: bytes = b""
    """What the phone shows."""

    @property
    def phone(self) -> str:
        return f"+2126{self.number:08d}"

    @property
    def session(self) -> str:
        return f"s{self.number}.{self.sessions}"

    @property
    def done(self) -> bool:
        return self.step == len(self.script)


class Network:
    """Lets one thing happen to one of the open sessions, and holds what is shown against what should be."""

    def __init__(self, desk: Desk, expected: Callable[[Script], object], seed: int) -> None:
        self.desk = desk
        self.expected = expected
        self.chance = random.Random(seed)
        self.open: list[Walker] = []
        self.all: list[Walker] = []
        self.sessions = 0
        self.seen: Counter[str] = Counter()

    def run(self, sessions: int) -> None:
        """Go on until that many sessions were opened and every citizen has come to the end."""
        while self.open or self.sessions < sessions:
            while len(self.open) < AT_ONCE and self.sessions < sessions:
                self._arrive()
            self.desk.now += self.chance.randrange(500)
            walker = self.chance.choice(self.open)
            event = self.chance.choices(
                [self._go_on, self._repeat, self._reorder, self._drop, self._stranger], [70, 8, 8, 6, 8]
            )[0]
            event(walker)
            if walker.done:
                self.open.remove(walker)

    def _arrive(self) -> None:
        walker = Walker(len(self.all), a_script(self.chance))
        self.all.append(walker)
        self.open.append(walker)
        self._dial(walker)
        assert walker.before == self._screen(walker)

    def _dial(self, walker: Walker) -> None:
        walker.sessions += 1
        walker.sent = []
        self.sessions += 1
        walker.before = self.desk.ask(walker.phone, walker.session, "")

    def _screen(self, walker: Walker) -> bytes:
        screens: tuple[bytes, ...] = self.expected(walker.script).screens  # type: ignore[attr-defined]
        return screens[walker.step]

    def _go_on(self, walker: Walker) -> None:
        """The citizen answers what the phone shows."""
        walker.sent.append(walker.script[walker.step])
        walker.step += 1
        walker.before = self.desk.ask(walker.phone, walker.session, "*".join(walker.sent))
        assert walker.before == self._screen(walker)
        self.seen["steps"] += 1

    def _repeat(self, walker: Walker) -> None:
        """The provider delivers the last callback again: the same bytes, nothing changed."""
        assert self.desk.ask(walker.phone, walker.session, "*".join(walker.sent)) == walker.before
        self.seen["repeats"] += 1

    def _reorder(self, walker: Walker) -> None:
        """An older callback arrives after the newer ones: nothing is written."""
        if walker.sent:
            older = walker.sent[: self.chance.randrange(len(walker.sent))]
            self.desk.ask(walker.phone, walker.session, "*".join(older))
            self.seen["reorders"] += 1

    def _drop(self, walker: Walker) -> None:
        """The session is lost, the citizen dials again in time: the question they were at is asked."""
        at_question = walker.step >= RESUMES_FROM
        self.desk.now += self.chance.randrange(WITHIN // AT_ONCE)
        self._dial(walker)
        if at_question:
            if walker.before != self._screen(walker):  # there are answers: "1 go on, 2 begin anew"
                walker.sent = ["1"]
                walker.before = self.desk.ask(walker.phone, walker.session, "1")
            self.seen["redials"] += 1
            self.seen["resumed"] += walker.before == self._screen(walker)
        else:
            self.seen["early"] += 1
            walker.step = self._found(walker)

    def _found(self, walker: Walker) -> int:
        """Return where a citizen without a question was led: to one of the screens before the first question."""
        screens: tuple[bytes, ...] = self.expected(walker.script).screens  # type: ignore[attr-defined]
        assert walker.before in screens[:RESUMES_FROM]
        return screens.index(walker.before)

    def _stranger(self, walker: Walker) -> None:
        """Another phone sends this session's callbacks, seen or not yet: it is refused."""
        stranger = self.chance.choice(self.all)
        phone = "+212799999999" if stranger is walker else stranger.phone
        path = [*walker.sent, "1"] if self.chance.random() < 0.5 else walker.sent
        with pytest.raises(ForeignSession):
            self.desk.ask(phone, walker.session, "*".join(path))
        self.seen["strangers"] += 1


def test_sessions_that_drop_repeat_reorder_and_meet_strangers(swift: Path, figures: Callable[..., None]) -> None:
    desk = Desk(swift / "demo")
    with oracle() as expected:
        network = Network(desk, expected, 20261123)
        network.run(SESSIONS)
        kept = kept_of(desk.store)
        wrong = [
            one.number
            for one in network.all
            if kept.pop(desk.pseudonym(one.phone), {}) != expected(one.script).answers[-1]
        ]
    seen = network.seen
    figures(sessions=network.sessions, citizens=len(network.all), **seen, wrong_owner=len(wrong) + len(kept))
    assert not wrong, "answers are missing, or another's"
    assert not kept, "someone who never answered has answers"
    assert min(seen[event] for event in ("repeats", "reorders", "redials", "strangers")) > SESSIONS // 100
    assert seen["resumed"] >= seen["redials"] * 0.999
    desk.close()
