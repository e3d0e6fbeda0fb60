"""The state of one `step()` while it is being worked out. It lives for one inbound and leaves a `Turn`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from flows.conditions import compile_condition
from flows.content import Content, closing, layout, leaving
from flows.model import Ask, Flow, Step, Value
from flows.reading import Reading, Spec, read
from flows.receipt import receipt_number
from flows.texts import Texts
from flows.types import Answer, Conversation, Happening, Inbound, Screen, Status, Turn
from flows.voice import Voice


class Walk:
    """Collects what one inbound does: the next state, the words to say, the answers, the happenings."""

    def __init__(self, flow: Flow, state: Conversation, inbound: Inbound, now: datetime, texts: Texts) -> None:
        self.flow = flow
        pending = inbound.ahead or state.pending
        self.state = replace(state, bearer=inbound.bearer, updated_at=now, pending=pending)
        self.inbound = inbound
        self.now = now
        self.texts = texts
        self.voice = Voice(texts, flow, state.language, state.answers, state.id)
        self.said: list[str] = []
        self.answers: list[Answer] = []
        self.events: list[Happening] = []
        self.screens: tuple[Screen, ...] = ()
        self.messages: tuple[str, ...] = ()

    # words and state -------------------------------------------------------------------------------------------
    def move(self, **changes: object) -> None:
        """Change the conversation's state; a new question begins on its first page."""
        self.state = replace(self.state, page=0, **changes)

    def note(self, kind: str, detail: str = "") -> None:
        """Tell the gateway that something happened."""
        self.events.append(Happening(kind, detail))

    def speak(self, language: str, *, chosen: bool = True) -> None:
        """Go on in another language; one that the citizen has not chosen is not remembered."""
        self.state = replace(self.state, language=language)
        before = self.voice
        self.voice = Voice(self.texts, self.flow, language, self.state.answers, self.state.id)
        self.voice.fallbacks, self.voice.personal = before.fallbacks, before.personal
        if chosen:
            self.note("language", language)

    def keep(self, step: Ask, value: Value, raw: str) -> None:
        """Keep an answer, and remember the way back to its question."""
        trail = (*self.state.trail, self.state.at)
        self.move(answers={**self.state.answers, step.id: value}, trail=trail, tries=0, path=())
        self.voice.answers = self.state.answers
        self.answers.append(Answer(step.id, value, raw))

    def know(self, values: Mapping[str, Value]) -> None:
        """Remember values that no citizen gave."""
        self.move(answers={**self.state.answers, **values})
        self.voice.answers = self.state.answers

    def forget(self, step: Step) -> None:
        """Take an answer back."""
        answers = {name: value for name, value in self.state.answers.items() if name != step.id}
        self.move(answers=answers, tries=0, path=())
        self.voice.answers = answers
        self.note("withdraw", step.id)

    def enters(self, step: Step) -> bool:
        """Tell whether a step's `when` lets it run."""
        if not step.when:
            return True
        self.voice.personal += 1
        return bool(compile_condition(step.when)(self.state.answers))

    @property
    def current(self) -> Step:
        """The step that waits for a reply."""
        return self.flow.steps[self.state.at]

    # replies ---------------------------------------------------------------------------------------------------
    def read(self, spec: Spec, text: str | None = None) -> Reading:
        """Read the citizen's reply, or another text as if it were one."""
        return read(self.inbound.text if text is None else text, spec, self.texts.places)

    def pick(self, content: Content, kind: str = "choice") -> str | None:
        """Read the reply as one of a question's options; None when it is not clear."""
        labels = {value: (label,) for value, label in content.options}
        reading = self.read(Spec(type="yes_no" if kind == "yes_no" else "choice", options=labels))
        return None if reading.value is None else str(reading.value)

    def turns_page(self, content: Content) -> bool:
        """Take the paging key: show the next page, or the first again after the last. False when it is no paging."""
        if self.inbound.text.strip() != content.zero_key:
            return False
        pages = layout(content, self.state.said, self.inbound, self.voice)
        at = self.state.page
        if len(pages) == 1 or (at == len(pages) - 1 and content.zero):
            return False
        self.state = replace(self.state, page=(at + 1) % len(pages))
        self._page(pages, ends=False)
        return True

    def is_zero(self, content: Content) -> bool:
        """Tell whether the reply is the key that skips or goes back."""
        return bool(content.zero) and self.inbound.text.strip() == content.zero_key

    # screens ---------------------------------------------------------------------------------------------------
    def show(self, content: Content) -> None:
        """Show a question from its first page, after what was said on the way to it."""
        said = "\n".join(self.said)
        if said != self.state.said or self.state.page:
            self.state = replace(self.state, said=said, page=0)
        self._page(layout(content, self.state.said, self.inbound, self.voice), ends=False)

    def close(self, status: Status, *words: str) -> None:
        """End the conversation on its last words, which may take several screens."""
        said = "\n".join([*self.said, *words])
        if status == "done" and self.flow.receipt and self.state.answers:
            said = self._receipted(said)
        self.state = replace(self.state, phase="closing", said=said, page=-1, status=status)
        self.read_on()

    def _receipted(self, said: str) -> str:
        """Return the last words with the receipt number; where it is sent by SMS, it makes no screen more."""
        self.voice.personal += 1
        number = receipt_number(self.state.id)
        told = said if number in said else "\n".join(filter(None, (said, self.voice.phrase("receipt", number=number))))
        if self.flow.receipt != "sms" or self.inbound.bearer == "sms" or not self.inbound.sms:
            return told
        words = self.voice.phrase("receipt_sms", title=self.voice.say(self.flow.title), number=number)
        self.messages = (words,)
        before, after = (len(closing(one, self.inbound, self.voice)) for one in (said, told))
        return told if after == before else said

    def send(self, content: Content) -> None:
        """Leave USSD: the question goes out by SMS, and is answered there."""
        screen, messages = leaving(content, "\n".join(self.said), self.inbound, self.voice)
        self.state = replace(self.state, said="", page=0)
        self._page([screen], ends=True)
        self.messages = tuple(messages)

    def read_on(self) -> None:
        """Show the next page of the last words."""
        pages = closing(self.state.said, self.inbound, self.voice)
        at = min(self.state.page + 1, len(pages) - 1)
        more = at < len(pages) - 1
        self.state = replace(self.state, page=at, more=more)
        self._page(pages, ends=not more)

    def _page(self, pages: list[str], *, ends: bool) -> None:
        self.screens = (Screen(pages[min(self.state.page, len(pages) - 1)], ends),)

    def turn(self) -> Turn:
        """Return what this inbound came to."""
        fallbacks = [Happening("fallback", one) for one in self.voice.fallbacks]
        return Turn(
            conversation=self.state,
            screens=self.screens,
            answers=tuple(self.answers),
            events=(*self.events, *fallbacks),
            messages=self.messages,
        )
