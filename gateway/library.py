"""The flows being served: by id, by SMS keyword, and every older version a conversation still walks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from flows.home import HOME, chosen, home
from flows.link import LinkError, link
from flows.model import Flow, Text, dump, restore
from flows.types import Turn
from gateway import log
from locales.folding import fold
from locales.negotiation import keyword_language
from locales.phrases import PHRASES
from locales.tags import LATIN, TIFINAGH, script_language
from locales.tifinagh import to_ascii, to_latin
from storage.store import Store

MOST_KEYWORDS = 3
"""The words that a keyword may have where answers follow it."""


class Library:
    """The flows of one gateway. `serve` swaps them while conversations go on with the versions they began on."""

    def __init__(self, store: Store, languages: Sequence[str]) -> None:
        self.store = store
        self.languages = tuple(languages)
        self._pinned: dict[str, Flow] = {}
        self.serve(())

    def serve(self, flows: Sequence[Flow], now: int = 0) -> None:
        """Serve these flows from now on, each in the languages that it and the gateway share."""
        self.flows = {flow.id: self._limited(flow) for flow in self._linked(flows)}
        self.keywords = {fold(word): flow for flow in self.flows.values() for word in flow.keywords}
        self.latin = {fold(word): flow for flow in self.flows.values() for word in _in_latin(flow.keywords)}
        self.home = home(list(self.flows.values()), self._spoken(), Text("home_ask", PHRASES["home_ask"]))
        for flow in (*self.flows.values(), self.home):
            if self.store.flow_data(flow.hash) is None:  # a read is free, a durable write at every start is not
                self.store.keep_flow(flow.hash, flow.id, flow.version, dump(flow), now)
            self._pinned[flow.hash] = flow

    def _linked(self, flows: Sequence[Flow]) -> Iterator[Flow]:
        """Yield the flows with their sub-flows put in; one whose sub-flow is missing is not served."""
        known = {flow.id: flow for flow in flows}
        for flow in flows:
            try:
                yield link(flow, known)
            except LinkError as error:
                log.event("flow not served", level=40, problem=str(error))

    def _limited(self, flow: Flow) -> Flow:
        """Return a flow in the languages that the gateway speaks; what is in Tifinagh is there in Latin letters too."""
        kept = tuple(tag for tag in flow.languages if tag in self.languages)
        if TIFINAGH in kept and LATIN in self.languages and LATIN not in kept:
            kept = (*kept, LATIN)
        return replace(flow, languages=kept or flow.languages)

    def _spoken(self) -> tuple[str, ...]:
        """Return the languages that any flow offers: one flow in French alone takes Tamazight from nobody."""
        offered = {tag for flow in self.flows.values() for tag in flow.languages}
        return tuple(tag for tag in self.languages if tag in offered) or self.languages

    def first(self, flow: str = "") -> Flow:
        """Return what a dial opens: the channel's own flow, the only flow there is, or the menu of all."""
        if flow in self.flows:
            return self.flows[flow]
        return next(iter(self.flows.values())) if len(self.flows) == 1 else self.home

    def picked(self, flow: Flow, turn: Turn) -> Flow | None:
        """Return the flow that a turn of the first menu chose."""
        return self.flows.get(chosen(turn)) if flow.id == HOME else None

    def by_keyword(self, text: str) -> Flow | None:
        """Return the flow that an SMS text starts, when the whole text is one of its keywords."""
        return self.keywords.get(fold(text)) or self.latin.get(fold(text))

    def by_first_words(self, text: str) -> tuple[Flow, tuple[str, ...]] | None:
        """Return the flow whose keyword an SMS begins with, and the words after it: `EAU 1 4 2`."""
        words = text.split()
        for count in range(min(len(words) - 1, MOST_KEYWORDS), 0, -1):
            flow = self.by_keyword(" ".join(words[:count]))
            if flow is not None:
                return flow, tuple(words[count:])
        return None

    def told_language(self, text: str, flow: Flow) -> str:
        """Return the language that a keyword tells by its script, if the flow offers it; else empty."""
        latin = fold(text) in self.latin and fold(text) not in self.keywords
        tag = TIFINAGH if latin else keyword_language(text, flow.language)
        return tag if tag in flow.languages else ""

    def pinned(self, flow_hash: str) -> Flow | None:
        """Return the very version that a conversation began on; None when it is not known (any more)."""
        if flow_hash not in self._pinned:
            data = self.store.flow_data(flow_hash)
            if data is None:
                return None
            self._pinned[flow_hash] = restore(data)
        return self._pinned[flow_hash]


def _in_latin(keywords: Sequence[str]) -> Iterator[str]:
    """Yield the Amazigh keywords as a phone without Tifinagh writes them."""
    for word in keywords:
        if script_language(word) == TIFINAGH:
            yield from (to_latin(word), to_ascii(word))
