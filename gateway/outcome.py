"""What the turns of one inbound come to, taken together: a direct dial carries several inputs at once."""

from __future__ import annotations

from msgspec.structs import replace

from flows.model import Ask, Flow
from flows.types import Answer, Conversation, Happening, Screen, Turn
from storage.consents import Act
from storage.store import Citizen

PROVEN: dict[str, Act] = {"consent": "agreed", "stop": "stopped", "started": "started"}
"""Happenings of which a proof is kept."""
LOGGED = ("refusal", "stop", "failed", "unclear", "look-up")
"""Happenings that the operator can read later."""
FREE = ("text", "phone", "date")
"""Types of question answered in the citizen's own words: figures count them without their values."""


class Outcome:
    """Collects the answers that count, what the citizen asked for, and what to remember of them."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.free: set[str] = set()
        """The steps answered in the citizen's own words."""
        self.withdrawn: list[str] = []
        self.restarted = False
        self.erased = False
        self.fallbacks: dict[str, int] = {}
        self.logged: list[tuple[str, str]] = []
        self.screens: tuple[Screen, ...] = ()
        self.ends = False
        self.messages: list[str] = []
        self._remembered: dict[str, str] = {}
        self._last: Conversation | None = None

    @property
    def state(self) -> Conversation:
        """The conversation after the last turn."""
        if self._last is None:
            raise LookupError("an inbound has at least one input")
        return self._last

    def add(self, turn: Turn, flow: Flow) -> None:
        """Take one more turn of a flow."""
        self._last, self.screens, self.ends = turn.conversation, turn.screens, turn.ends
        self.messages += turn.messages
        for event in turn.events:
            self._happened(event)
        for answer in turn.answers:
            self.answers[answer.step] = answer
            asked = flow.steps[flow.index[answer.step]]
            if isinstance(asked, Ask) and asked.type in FREE:
                self.free.add(answer.step)

    def _happened(self, event: Happening) -> None:
        if event.kind == "restart":
            self.restarted = True
            self.answers.clear()
        elif event.kind == "withdraw":
            self.answers.pop(event.detail, None)
            self.withdrawn.append(event.detail)
        elif event.kind == "fallback":
            self.fallbacks[event.detail] = self.fallbacks.get(event.detail, 0) + 1
        elif event.kind == "erase":
            self.erased = True
        elif event.kind in LOGGED:
            self.logged.append((event.kind, event.detail))
        self._remembered[event.kind] = event.detail

    def citizen(self, before: Citizen, now: int, told: str = "") -> Citizen:
        """Return what is remembered of the citizen from now on; a stop holds until they ask to begin again.

        `told` is the language that the first word of a conversation told. One that a flow has because it offers no
        other is not remembered.
        """
        happened = self._remembered
        if not happened and (before.language or not told):
            return before
        return replace(
            before,
            language=happened.get("language") or before.language or told,
            consented_at=now if "consent" in happened else before.consented_at,
            place=happened.get("place") or before.place,
            stopped_at=0 if "started" in happened else before.stopped_at or (now if "stop" in happened else 0),
        )

    def proven(self, before: Citizen) -> list[Act]:
        """Return what this inbound proves of the citizen; a second stop proves nothing new."""
        if not self._remembered:
            return []
        acts = [PROVEN[kind] for kind in self._remembered if kind in PROVEN]
        return [act for act in acts if act != "stopped" or not before.stopped_at]
