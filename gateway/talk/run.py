"""Runs conversation tests: each in its languages and over its bearers, on a citizen of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from flows import engine
from flows.encoding import fits, measure
from flows.load.values import seconds
from flows.model import Bearer, Flow, Value
from flows.texts import Texts
from gateway.talk.script import Line, Script
from gateway.talk.talker import Step, Talker

BEARERS: tuple[Bearer, ...] = ("ussd", "sms")


class Failure(Struct, frozen=True):
    """What a test expected and did not find, on a line of its file."""

    line: int
    message: str


class Miss(Struct, frozen=True):
    """Words that a `see` or `sms` line expects and the screen or the last SMS does not show."""

    line: int
    word: str
    screen: str
    sms: bool = False


class Count(Struct, frozen=True):
    """Segments on a line of the file: how many it expects, how many there were."""

    line: int
    expected: int
    found: int
    message: str


class Run(Struct, frozen=True):
    """One test in one language over one bearer; passed when there is no failure."""

    script: Script
    language: str
    bearer: Bearer
    failure: Failure | None = None
    misses: tuple[Miss, ...] = ()
    counts: tuple[Count, ...] = ()

    @property
    def outdated(self) -> bool:
        """Tell whether words or segments were otherwise than expected."""
        return bool(self.misses) or any(one.expected != one.found for one in self.counts)


def run(scripts: Sequence[Script], flows: Mapping[str, Flow], texts: Texts, step: Step = engine.step) -> Iterator[Run]:
    """Run each test in every language and over every bearer that it does not restrict.

    `step` may be an engine that watches (`gateway.talk.coverage`). What must be seen and is not, or takes other
    segments, does not stop a test: its failure is the first, its `misses` and `counts` are all.
    """
    for script in scripts:
        flow = flows.get(script.flow)
        if flow is None:
            yield Run(script, "", "ussd", Failure(script.line, f"there is no flow '{script.flow}' to test"))
            continue
        for language in script.languages or flow.languages:
            for bearer in script.bearers or BEARERS:
                yield _Talk(script, flows, texts, language, bearer, step).run()


class _Talk:
    """One conversation going on: each line is done in turn, up to the first that cannot be."""

    def __init__(
        self,
        script: Script,
        flows: Mapping[str, Flow],
        texts: Texts,
        language: str,
        bearer: Bearer,
        step: Step,
    ) -> None:
        self.script, self.language, self.bearer = script, language, bearer
        known = "" if script.new_citizen else language
        self.talker = Talker([*flows.values()], texts, opens=script.flow, language=known, bearer=bearer, step=step)
        self.misses: list[Miss] = []
        self.counts: list[Count] = []

    def run(self) -> Run:
        """Do every line, and compare what was kept and sent."""
        failure = self._lines() or _compare(self.script, self.talker.answers())
        if self.script.segments is not None:
            self._count(self.script.segments, self.talker.segments, "this conversation takes")
        for found in (*self._unseen(), *self._otherwise()):
            if failure is None or found.line <= failure.line:
                failure = found
        return Run(self.script, self.language, self.bearer, failure, tuple(self.misses), tuple(self.counts))

    def _unseen(self) -> Iterator[Failure]:
        for miss in self.misses[:1]:
            where = "in the last SMS, which reads" if miss.sms else "on the screen, which shows"
            yield Failure(miss.line, f"{miss.word!r} is not {where}:\n{miss.screen}")

    def _otherwise(self) -> Iterator[Failure]:
        yield from (Failure(one.line, one.message) for one in self.counts if one.expected != one.found)

    def _lines(self) -> Failure | None:
        for line in self.script.talk:
            wrong = self._perform(line, line.expected(self.language))
            if wrong:
                return Failure(line.number, wrong)
        return None

    def _perform(self, line: Line, words: tuple[str, ...]) -> str:
        """Do one line; return what is wrong, or nothing."""
        talker = self.talker
        if line.action in ("see", "unseen", "sms", "end", "segments"):
            return self._look(line, words)
        if line.action in ("reply", "late") and (words or line.by_language):
            return self._say(line, words)
        if line.action in ("repeat", "late"):
            return self._repeated(line)
        if line.action == "wait":
            talker.wait(seconds(words[0]))
        elif line.action == "bearer":
            talker.switch("sms" if words[0] == "sms" else "ussd")
        else:
            {"start": talker.start, "drop": talker.drop}[line.action]()
        return _too_long(talker)

    def _say(self, line: Line, words: tuple[str, ...]) -> str:
        if not words:
            return f"nothing is written to reply in {self.language!r}. Add it to this line, or restrict `language`"
        if line.action == "late":
            self.talker.late(words[0])
        elif self.talker.ended:
            over = f"the conversation is over, nobody waits for {words[0]!r}"
            return f"{over}. The last screen was:\n{self.talker.screen}"
        else:
            self.talker.reply(words[0])
        return _too_long(self.talker)

    def _repeated(self, line: Line) -> str:
        """Deliver something again; it must get its own reply and change nothing."""
        back = 1 if line.action == "repeat" else 2
        if self.talker.inbounds < back:
            return f"nothing was sent that could be delivered again. Begin with `start`, and `{line.action}` after it"
        same = self.talker.repeat() if line.action == "repeat" else self.talker.late()
        return "" if same else "what was delivered again did not get its own reply, or changed something"

    def _look(self, line: Line, words: tuple[str, ...]) -> str:
        screen = self.talker.screen
        if line.action == "end" and not self.talker.ended:
            return f"the conversation goes on. The screen shows:\n{screen}"
        if line.action == "segments":
            self._count(line, measure(screen).segments, "this message takes")
            return ""
        if line.action == "sms":
            screen = self.talker.messages[-1] if self.talker.messages else ""
        for word in words:
            if line.action in ("see", "sms") and word not in screen:
                self.misses.append(Miss(line.number, word, screen, line.action == "sms"))
            if line.action == "unseen" and word in screen:
                return f"{word!r} must not be on the screen, which shows:\n{screen}"
        return ""

    def _count(self, line: Line, found: int, what: str) -> None:
        """Note a number of segments; where all goes over USSD there are none to count."""
        words = line.expected(self.language)
        if words and (self.talker.bearer == "sms" or self.talker.segments):
            self.counts.append(
                Count(line.number, int(words[0]), found, f"{what} {found} segments, expected {words[0]}")
            )


def _too_long(talker: Talker) -> str:
    limits = talker.channel.limits
    if talker.bearer == "ussd" and not fits(talker.screen, limits.gsm, limits.ucs2):
        return f"the screen does not fit:\n{talker.screen}"
    return ""


def _compare(script: Script, kept: Mapping[str, Value]) -> Failure | None:
    """Compare the answers kept with those the test names; one it names without a value must not be there."""
    for step, expected in (script.answers or {}).items():
        found = _written(kept[step]) if step in kept else ""
        if found != expected:
            said = f"{found!r} was kept" if found else "nothing was kept"
            return Failure(script.line, f"for {step!r} {said}, expected {expected!r}")
    return None


def _written(value: Value) -> str | tuple[str, ...]:
    """Return a value as a test file writes it."""
    if isinstance(value, list):
        return tuple(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
