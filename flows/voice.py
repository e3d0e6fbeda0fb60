"""The words of one conversation: every text it shows, in its language, with the fallbacks counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeVar

from flows.encoding import sms_safe
from flows.model import Ask, Flow, Option, Text, Value
from flows.receipt import receipt_number
from flows.texts import Texts
from locales.slots import fill, slots

T = TypeVar("T")
RECEIPT = "receipt"
"""The slot that no answer fills."""


class Voice:
    """Speaks one flow in one language. Keeps what it had to serve in another language in `fallbacks`."""

    def __init__(
        self, texts: Texts, flow: Flow, language: str, answers: Mapping[str, Value], conversation: str = ""
    ) -> None:
        self.texts = texts
        self.flow = flow
        self.language = language or flow.language
        self.answers = answers
        self.conversation = conversation
        self.fallbacks: list[str] = []
        self.personal = 0
        """How often something of the citizen's own has counted: an answer in a text or in a condition, their place."""
        self._kept = flow.kept.setdefault((type(self), texts, self.language), {})

    def once(self, key: object, make: Callable[[], T], fixed: Callable[[T], bool]) -> T:
        """Return what `make` says for this flow and language: kept where it is `fixed`, the same for every citizen."""
        known: tuple[T, list[str]] | None = self._kept.get(key)
        if known is None:
            before = len(self.fallbacks)
            made = make()
            if fixed(made):
                self._kept[key] = made, self.fallbacks[before:]
            return made
        self.fallbacks += known[1]
        return known[0]

    def say(self, text: Text) -> str:
        """Return a flow's text, its slots filled with what the citizen answered."""
        words = self.texts.flow(text, self.language, self.flow.language)
        if words.language != self.language:
            self.fallbacks.append(f"{self.language}>{words.language}")
        plain = self.sendable(words.text)
        return self._filled(plain, text.scope, words.language) if "{" in plain else plain

    def sendable(self, text: str) -> str:
        """Return a text as it will be sent, so that a screen is cut where it must be and not sooner."""
        return _sendable(text)

    def phrase(self, name: str, **slots: object) -> str:
        """Return one of the gateway's own phrases."""
        return self.texts.phrase(name, self.language, **slots)

    def labels(self, option: Option) -> tuple[str, ...]:
        """Return an option's label in every language of the flow, the shown one first: a citizen may write either."""
        languages = dict.fromkeys((self.language, *self.flow.languages))
        texts = (self.texts.flow(option.label, tag, self.flow.language).text for tag in languages)
        return tuple(dict.fromkeys(texts))

    def _filled(self, text: str, scope: str, language: str) -> str:
        """Fill the slots that name answers; in a sub-flow its own answers come before the others."""
        self.personal += 1
        own = {name.removeprefix(scope): name for name in self.answers if scope and name.startswith(scope)}
        known = {name: name for name in self.answers} | own
        named = slots(text)
        words = {slot: self._spoken(known[slot], self.answers[known[slot]]) for slot in named & known.keys()}
        if RECEIPT in named:
            words[RECEIPT] = receipt_number(self.conversation)
        return fill(text, words, language)

    def _spoken(self, name: str, value: Value) -> str:
        """Return an answer as the citizen would read it: a label, a place's name, a number."""
        at = self.flow.index.get(name)
        asked = self.flow.steps[at] if at is not None else None
        if not isinstance(asked, Ask):
            return str(value)
        if asked.type == "yes_no":
            return self.phrase(str(value))
        if asked.type == "place":
            place = self.texts.places.get(str(value))
            return place.name(self.language) if place else str(value)
        chosen = value if isinstance(value, list) else [str(value)]
        labels = {option.key: option.label for option in asked.options}
        comma = "، " if self.language == "ar" else ", "
        return comma.join(self.say(labels[key]) if key in labels else key for key in chosen)


@lru_cache(maxsize=4096)
def _sendable(text: str) -> str:
    return sms_safe(text)
