"""Runs conversation tests: each in its languages and over its bearers, on a citizen of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from flows.encoding import fits
from flows.load.values import seconds
from flows.model import Bearer, Flow, Value
from flows.texts import Texts
from gateway.talk.script import Line, Script
from gateway.talk.talker import Talker

BEARERS: tuple[Bearer, ...] = ("ussd", "sms")


class Failure(Struct, frozen=True):
    """What a test expected and did not find, on a line of its file."""

    line: int
    message: str


class Run(Struct, frozen=True):
    """One test in one language over one bearer; passed when there is no failure."""

    script: Script
    language: str
    bearer: Bearer
    failure: Failure | None = None


def run(scripts: Sequence[Script], flows: Mapping[str, Flow], texts: Texts) -> Iterator[Run]:
    """Run each test in every language and over every bearer that it does not restrict."""
    for script in scripts:
        flow = flows.get(script.flow)
        if flow is None:
            yield Run(script, "", "ussd", Failure(script.line, f"there is no flow '{script.flow}' to test"))
            continue
        for language in script.languages or flow.languages:
            for bearer in script.bearers or BEARERS:
                yield Run(script, language, bearer, _talk(script, flows, texts, language, bearer))


def _talk(script: Script, flows: Mapping[str, Flow], texts: Texts, language: str, bearer: Bearer) -> Failure | None:
    known = "" if script.new_citizen else language
    talker = Talker([*flows.values()], texts, opens=script.flow, language=known, bearer=bearer)
    for line in script.talk:
        wrong = _perform(line, talker, language)
        if wrong:
            return Failure(line.number, wrong)
    return _compare(script, talker.answers())


def _perform(line: Line, talker: Talker, language: str) -> str:
    """Do one line; return what is wrong, or nothing."""
    words = line.expected(language)
    if line.action in ("see", "unseen", "end"):
        return _look(line, words, talker)
    if line.action == "wait":
        talker.wait(seconds(words[0]))
    elif line.action == "bearer":
        talker.switch("sms" if words[0] == "sms" else "ussd")
    elif line.action == "reply":
        return _reply(words, talker)
    else:
        {"start": talker.start, "drop": talker.drop, "repeat": talker.repeat}[line.action]()
    return _too_long(talker)


def _reply(words: tuple[str, ...], talker: Talker) -> str:
    if talker.ended:
        return f"the conversation is over, nobody waits for {words[0]!r}. The last screen was:\n{talker.screen}"
    talker.reply(words[0] if words else "")
    return _too_long(talker)


def _look(line: Line, words: tuple[str, ...], talker: Talker) -> str:
    if line.action == "end" and not talker.ended:
        return f"the conversation goes on. The screen shows:\n{talker.screen}"
    for word in words:
        if (word in talker.screen) == (line.action == "unseen"):
            seen = "must not be" if line.action == "unseen" else "is not"
            return f"{word!r} {seen} on the screen, which shows:\n{talker.screen}"
    return ""


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
