"""What a flow is once loaded: frozen, typed, free of YAML.

A flow is data only. Conditions stay as their source text (`flows.conditions` compiles them), texts stay as
references (`Text`) that a `flows.texts.Texts` turns into words in the citizen's language.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from functools import cache, cached_property
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct

QuestionType = Literal[
    "yes_no",
    "choice",
    "choices",
    "rating",
    "nps",
    "integer",
    "decimal",
    "text",
    "date",
    "phone",
    "place",
    "language",
]
PlaceLevel = Literal["region", "province", "commune"]
OnFail = Literal["skip", "end"]
Ground = Literal["consent", "authorisation"]
Personal = Literal["", "yes", "sensitive", "political", "religious", "union", "health", "identity"]
"""What is personal in a question; all but `yes` is sensitive."""
Bearer = Literal["ussd", "sms"]
Value = str | int | float | list[str]
"""An answer's value: an option key, a number, a text, an HCP code, an ISO date, or the keys of a `choices`."""

QUESTION_TYPES: tuple[str, ...] = get_args(QuestionType)
SECTORS = (
    "health",
    "education",
    "water",
    "roads",
    "energy",
    "transport",
    "administration",
    "environment",
    "security",
    "business",
    "other",
)


class Text(Struct, frozen=True, omit_defaults=True, gc=False):  # a leaf: no cycle can pass through it
    """A text for citizens, before its language is chosen.

    `context` is the gettext context (`flow/step` or `flow/step/option`), `source` the words in the flow's own
    language, `inline` the translations written in place (language tag to words), which win over the catalogue.
    """

    context: str
    source: str
    inline: dict[str, str] = {}
    scope: str = ""
    """What the answers that its slots name are called here: `home-` where a sub-flow runs as the step `home`."""


class Option(Struct, frozen=True, omit_defaults=True, gc=False):  # a tree of its own kind
    """One line of a choice or menu. In a menu it may hold an information (`say`) or a deeper menu (`options`)."""

    key: str
    label: Text
    go: str = ""
    when: str = ""
    say: Text | None = None
    options: tuple[Option, ...] = ()


class Say(Struct, frozen=True, omit_defaults=True, tag_field="verb", tag="say"):
    """Words without a question: shown with the next question, or alone when nothing follows."""

    id: str
    text: Text
    when: str = ""
    line: int = 0
    audio: str = ""


class Ask(Struct, frozen=True, omit_defaults=True, tag_field="verb", tag="ask"):
    """A question. `min`/`max` bound numbers (rating: 1..max), `options` are a choice's keys or a rating's labels.

    `retries` is how often an unclear reply is asked again before `on_fail` applies; None asks for ever.
    """

    id: str
    text: Text
    type: QuestionType
    options: tuple[Option, ...] = ()
    when: str = ""
    optional: bool = False
    retries: int | None = None
    on_fail: OnFail = "end"
    min: float | None = None
    max: float | None = None
    level: PlaceLevel = "commune"
    measure: str = ""
    line: int = 0
    audio: str = ""
    personal: Personal = ""
    by: Literal["", "sms"] = ""
    """`sms`: who is asked by USSD gets the question by SMS, and answers there at any length."""


class Menu(Struct, frozen=True, omit_defaults=True, tag_field="verb", tag="menu"):
    """A directory of any depth: options inform (`say`), open (`options`) or jump (`go`)."""

    id: str
    text: Text
    options: tuple[Option, ...]
    when: str = ""
    line: int = 0
    audio: str = ""


class Go(Struct, frozen=True, omit_defaults=True, tag_field="verb", tag="go"):
    """A jump to the step `to`, or out of the flow with `end`."""

    id: str
    to: str
    when: str = ""
    line: int = 0


class End(Struct, frozen=True, omit_defaults=True, tag_field="verb", tag="end"):
    """The last words of a path; the conversation ends here."""

    id: str
    text: Text
    when: str = ""
    line: int = 0
    audio: str = ""


class Set(Struct, frozen=True, omit_defaults=True, tag_field="verb", tag="set"):
    """Values kept for conditions and slots without asking; no answer of the citizen."""

    id: str
    values: dict[str, Value]
    when: str = ""
    line: int = 0


class Run(Struct, frozen=True, omit_defaults=True, tag_field="verb", tag="run"):
    """Another flow as a part of this one. `flows.link` puts its steps here before a citizen walks them."""

    id: str
    flow: str
    when: str = ""
    line: int = 0


Step = Say | Ask | Menu | Go | End | Set | Run
END = "end"
"""The reserved target of `go` that ends the conversation."""


class Legal(Struct, frozen=True, omit_defaults=True):
    """The legal ground of a flow's personal questions (law 09-08): consent, or the authorisation with this number."""

    ground: Ground
    number: str = ""


RESUME = 24 * 3600
REMINDERS = (4 * 3600, 20 * 3600)
"""When who leaves an SMS conversation is reminded, where the flow says nothing of it."""


class Flow(Struct, frozen=True, omit_defaults=True, dict=True):
    """One version of a survey or menu, ready for `flows.engine.step`."""

    id: str
    version: int
    title: Text
    language: str
    languages: tuple[str, ...]
    steps: tuple[Step, ...]
    sector: str = "other"
    keywords: tuple[str, ...] = ()
    provisional: tuple[str, ...] = ()
    consent: bool = True
    resume: int = RESUME
    """Seconds during which a dropped conversation can be taken up again."""
    fold: Literal["", "accents"] = ""
    """`accents`: letters outside GSM-7 may lose their accents where that saves a page or a segment."""
    receipt: Literal["", "shown", "sms"] = ""
    """Whether who has answered gets a receipt number: on the last screen, and by SMS too where that was USSD."""
    legal: Legal | None = None
    """What allows it to ask for personal data."""
    lost: bool = False
    """Whether who lost a USSD session is told by SMS how to go on."""
    remind: tuple[int, ...] = REMINDERS
    """Seconds of silence by SMS after which the open question is asked again, two at most; rising."""

    @property
    def reminders(self) -> tuple[int, ...]:
        """The reminders that come while the conversation can be taken up."""
        return tuple(one for one in self.remind if one < self.resume)

    @cached_property
    def hash(self) -> str:
        """Sixteen hex digits of SHA-256 over everything but line numbers: two equal flows, one hash."""
        steps = tuple(msgspec.structs.replace(step, line=0) for step in self.steps)
        whole = _plain(msgspec.structs.replace(self, steps=steps))
        return hashlib.sha256(msgspec.json.encode(whole, order="deterministic")).hexdigest()[:16]

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each step by its id."""
        return {step.id: at for at, step in enumerate(self.steps)}

    @cached_property
    def kept(self) -> dict[object, dict[object, Any]]:
        """What is worked out once for this version (`Voice.once`) and lives as long as it does."""
        return {}

    @cached_property
    def turns(self) -> dict[Hashable, Any]:
        """The turns that are the same for every citizen (`flows.known`)."""
        return {}

    @property
    def crosses(self) -> bool:
        """True when who dials may be sent an SMS besides: a question, or the receipt number."""
        return self.receipt == "sms" or any(ask.by == "sms" for ask in self.questions)

    @property
    def questions(self) -> tuple[Ask, ...]:
        """The steps that keep an answer, in order."""
        return tuple(step for step in self.steps if isinstance(step, Ask))


def _plain(value: object) -> object:
    """Return a value without the fields that equal their default, so that a field added later changes no hash.

    msgspec's own `omit_defaults` goes by identity for texts: a flow read from a file and the same flow read back from
    the store would encode differently.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Struct):
        kept: dict[str, object] = {"": type(value).__name__}
        for name, blank in _blanks(type(value)):
            found = getattr(value, name)
            if found != blank and found != {}:
                kept[name] = _plain(found)
        return kept
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


@cache
def _blanks(kind: type[Struct]) -> tuple[tuple[str, object], ...]:
    """Return each field of a kind with its default."""
    return tuple((one.name, one.default) for one in msgspec.structs.fields(kind))


def dump(flow: Flow) -> bytes:
    """Return the flow as JSON, for the store that keeps the version each conversation began on."""
    return msgspec.json.encode(flow)


def restore(data: bytes) -> Flow:
    """Return the flow that `dump` wrote; raises msgspec.ValidationError when the data are not a flow."""
    return msgspec.json.decode(data, type=Flow)
