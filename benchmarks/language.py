"""The flow language: steps of the engine, conditions, loading. Each against what one would use instead."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from benchmarks.measure import Row
from flows.conditions import compile_condition
from flows.engine import step, take
from flows.load import load
from flows.model import Ask, Flow, Option, Text, Value
from flows.texts import Texts
from flows.types import Conversation, Inbound, Turn
from flows.walk import Walk
from gateway.flowfiles import FlowFiles
from locales.catalogue import Catalogues

RUNNER = Path(__file__).with_name("flow_runner")
CONVERSATIONS, RUNNERS = 3_000, 30
"""Walked in a burst, by ours and by the flow runner: both bursts then last about as long."""
LOADS = 30
"""Loads of the compiled flow that last about as long as one parse."""
BURSTS = 7
"""A side's figure of a round is the best of so many short bursts: the others met the noise of the machine."""
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONDITIONS = (
    ("satisfaction <= 2", lambda a: "satisfaction" in a and a["satisfaction"] <= 2),
    ('age >= 18 and region == "04"', lambda a: a.get("age", 0) >= 18 and a.get("region") == "04"),
    (
        'problem in ("cuts", "price") or not answered(commune)',
        lambda a: a.get("problem") in ("cuts", "price") or "commune" not in a,
    ),
)
ASKED = {
    "fr": "Êtes-vous satisfait du service de l'eau dans votre quartier",
    "ar": "هل أنتم راضون عن خدمة الماء في حيكم",
    "zgh": "ⵎⴰⵏⴰⴳⵓ ⴰⵙⵇⵙⵉ ⵏ ⵡⴰⵎⴰⵏ",
}
ANSWERED = {"fr": "Plusieurs fois par mois", "ar": "عدة مرات في الشهر", "zgh": "ⵜⴰⵎⵔⴰⵔⵓⵜ"}
Step = Callable[[Flow, Conversation, Inbound, datetime, Texts], Turn]
ANSWERS: dict[str, Value] = {"satisfaction": 2, "age": 40, "region": "04", "problem": "price"}


def rows(project: Path, long: bool) -> list[Row]:  # noqa: ARG001 - every file's
    """Return the comparisons of this file."""
    yaml_parse = "the bare C YAML parse"
    found = [
        Row("conditions", "ns", conditions, by_hand, 8.0, against="hand-written Python"),
        Row("loading a flow", "ms", loading, parsing, 1.5, against=yaml_parse),
        Row("loading a compiled flow", "ms", Compiled(project), parsing, 1 / 30, against=yaml_parse),
    ]
    return found + engines()


# the engine ----------------------------------------------------------------------------------------------------
def engines() -> list[Row]:
    """Return the comparisons with the flow runner; none where it cannot be had."""
    runner, apart = FlowRunner.installed(), FlowRunner.installed("apart")
    if not runner or not apart:
        return []
    peer = "npm's @floip/flow-runner"
    return [
        Row("engine", "steps/s", engine, runner, 50.0, at_most=False, against=peer),
        Row("engine, flow apart", "steps/s", engine, apart, None, against=f"{peer} that saves no flow"),
        Row("engine, no turn known", "steps/s", lambda: engine(work_out), runner, None, against=peer),
    ]


def engine(take_step: Step = step) -> float:
    """Return our steps a second over the five questions, the session saved and read back at each."""
    flow, replies = five_questions()
    texts = Catalogues()
    fastest = _best(lambda: [conversation(flow, replies, texts, take_step) for _ in range(CONVERSATIONS)])
    return CONVERSATIONS * (1 + len(replies)) / fastest * 1000


def work_out(flow: Flow, state: Conversation, inbound: Inbound, now: datetime, texts: Texts) -> Turn:
    """Take a step as if no citizen had taken it before: what a reply costs that is a name, a date or a text."""
    return take(Walk(flow, state, inbound, now, texts))


def conversation(flow: Flow, replies: list[str], texts: Catalogues, take_step: Step) -> int:
    """Walk one conversation to its end and return its steps."""
    state = Conversation(id="1", bearer="ussd", flow=flow.id, language="fr", started_at=NOW, updated_at=NOW)
    saved = ENCODER.encode(state)
    for text in (None, *replies):
        inbound = Inbound(bearer="ussd", event="start" if text is None else "reply", text=text or "")
        turn = take_step(flow, DECODER.decode(saved), inbound, NOW, texts)
        saved = ENCODER.encode(turn.conversation)
    if not turn.ends or len(turn.conversation.answers) != len(replies):
        raise RuntimeError("the conversation did not end")
    return 1 + len(replies)


ENCODER = msgspec.json.Encoder()
DECODER = msgspec.json.Decoder(Conversation)


@cache
def five_questions() -> tuple[Flow, list[str]]:
    """Return the flow that both sides walk, and the replies."""
    written = json.loads((RUNNER / "flow.json").read_text("utf-8"))
    steps = tuple(_question(f"q{at}", one) for at, one in enumerate(written["questions"], 1))
    flow = Flow("five", 1, Text("five", "Cinq questions"), "fr", tuple(written["languages"]), steps, consent=False)
    return flow, written["replies"]


def _question(name: str, written: dict[str, Any]) -> Ask:
    options = (Option(f"o{at}", _text(f"five/{name}/o{at}", one)) for at, one in enumerate(written["options"], 1))
    return Ask(name, _text(f"five/{name}", written["ask"]), "choice", tuple(options))


def _text(context: str, written: dict[str, str]) -> Text:
    return Text(context, written["fr"], {tag: words for tag, words in written.items() if tag != "fr"})


class FlowRunner:
    """The peer, in one Node process for the whole run, so that its compiler is warm."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            ["node", "runner.js", *options], cwd=RUNNER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self()

    def __call__(self) -> float:
        """Return its steps a second."""
        return max(self._burst() for _ in range(BURSTS))

    def _burst(self) -> float:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{RUNNERS}\n")
        self.process.stdin.flush()
        made = json.loads(self.process.stdout.readline())
        return float(made["steps"] / made["seconds"])

    @classmethod
    def installed(cls, *options: str) -> FlowRunner | None:
        """Return the peer, installed at the first use; where npm is absent or offline, say so and leave it out."""
        try:
            if not (RUNNER / "node_modules" / "@floip").is_dir():
                command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
                subprocess.run(command, cwd=RUNNER, check=True, capture_output=True, timeout=300)
            return cls(*options)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            print(f"engine: left out, since npm's @floip/flow-runner cannot be had ({error})")
            return None


# conditions ----------------------------------------------------------------------------------------------------
def conditions() -> float:
    """Return the nanoseconds that our closures take for the conditions together."""
    return _timed([compile_condition(source) for source, _ in CONDITIONS])


def by_hand() -> float:
    """Return the same for Python written by hand."""
    return _timed([function for _, function in CONDITIONS])


def _timed(tests: list[Callable[[Mapping[str, Value]], object]], rounds: int = 100_000) -> float:
    total = 0.0
    for test in tests:
        begun = time.perf_counter()
        for _ in range(rounds):
            test(ANSWERS)
        total += time.perf_counter() - begun
    return total / rounds * 1e9


# loading -------------------------------------------------------------------------------------------------------
@cache
def big() -> str:
    """Return a flow of 50 questions, 5 options each, in 3 languages."""
    options = {f"o{at}": {tag: f"{words} {at}" for tag, words in ANSWERED.items()} for at in range(1, 6)}
    steps = [
        {
            "id": f"q{at}",
            "ask": {tag: f"{words} ({at}) ?" for tag, words in ASKED.items()},
            "type": "choice",
            "options": options,
        }
        for at in range(1, 51)
    ]
    head = {"flow": "big", "version": 1, "title": {"fr": "Grand", "ar": "كبير", "zgh": "ⴰⵎⵇⵔⴰⵏ"}, "language": "fr"}
    whole = {**head, "languages": ["fr", "ar", "zgh"], "steps": steps}
    return yaml.dump(json.loads(json.dumps(whole)), allow_unicode=True, sort_keys=False)


def loading() -> float:
    """Return the milliseconds from a file's text to its checked values."""
    return _best(lambda: load(big(), "big.yaml"), time.thread_time)


def parsing() -> float:
    """Return the milliseconds in which PyYAML's C parser reads the same text into dictionaries."""
    return _best(lambda: yaml.load(big(), yaml.CSafeLoader), time.thread_time)


class Compiled:
    """A folder with the same flow, compiled before: what a gateway reads at its start."""

    def __init__(self, project: Path) -> None:
        self.folder = project / "compiled"
        self.folder.mkdir()
        (self.folder / "big.yaml").write_text(big(), "utf-8")
        self.cache = project / "compiled.msgpack"
        if not self._files().sound():
            raise RuntimeError("the flow is not sound")
        later = time.time() + 60
        os.utime(self.cache, (later, later))  # as if the flow had not been written just before

    def __call__(self) -> float:
        """Return the milliseconds from the folder to its flows."""
        return _best(lambda: self._files().sound(), time.thread_time, BURSTS * LOADS)

    def _files(self) -> FlowFiles:
        return FlowFiles(self.folder, Catalogues, self.folder / "locales", self.cache)


def _best(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter, bursts: int = BURSTS) -> float:
    """Return the milliseconds of the fastest of some bursts; by `time.thread_time` those that the processor worked."""
    found = []
    for _ in range(bursts):
        begun = clock()
        work()
        found.append(clock() - begun)
    return min(found) * 1000
