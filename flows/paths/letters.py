"""The letters of a French flow that cost: what each screen is sent in, and what it would be without their accents."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from flows.encoding import bare_letter, costly, segments
from flows.model import Flow, Text
from flows.paths.explore import Explored, Node
from flows.paths.reads import texts as texts_of
from flows.paths.scene import NOW, scene
from flows.paths.shown import Shown
from flows.texts import Texts
from flows.types import Inbound
from flows.voice import Voice
from flows.walk import Walk

FOLDED = "fr"
"""The language that loses accents only: in Arabic and Amazigh every letter is outside GSM-7."""


class Dear(Struct, frozen=True):
    """A text whose letters cost on a screen: `before` segments (USSD: pages), `after` without their accents."""

    text: Text
    words: str
    letters: tuple[str, ...]
    before: int
    after: int

    @property
    def instead(self) -> str:
        """What can be written for the letters, in words."""
        return ", ".join(f"{bare_letter(one)} for {one}" for one in self.letters)


def dear(explored: Explored, texts: Texts) -> Iterator[Dear]:
    """Yield every text whose letters make a screen of this walk dearer, once for each screen."""
    if explored.language != FOLDED:
        return
    folding, shown = replace(explored.flow, fold="accents"), Shown(explored.flow, texts)
    blamed = list(_blamed(explored.flow, shown))
    for node in explored.nodes:
        if not costly("".join(node.scene.pages)):
            continue
        before = cost(explored, node.scene.pages)
        after = cost(explored, scene(_walk(explored, folding, node, texts)).pages)
        if after < before:
            yield from (Dear(*one, before, after) for one in blamed if shown.holds(node, one[0]))


def _blamed(flow: Flow, shown: Shown) -> Iterator[tuple[Text, str, tuple[str, ...]]]:
    """Yield the texts that hold such letters; a place's name is no text of the flow."""
    for text in {text.context: text for step in flow.steps for text in texts_of(step)}.values():
        words = shown.words(text, FOLDED)
        letters = tuple(one for one in costly(words) if bare_letter(one))
        if letters:
            yield text, words, letters


def cost(explored: Explored, pages: tuple[str, ...]) -> int:
    """Return what some pages cost: segments by SMS, pages by USSD."""
    return len(pages) if explored.bearer == "ussd" else sum(segments(page) for page in pages)


def spoken(explored: Explored) -> list[Node]:
    """Return a state for each screen in the language of the walk: all but the menu of languages, none twice."""
    found = {node.scene.pages: node for node in reversed(explored.nodes) if node.state.phase != "language"}
    return [*found.values()]


def untouched(explored: Explored, texts: Texts, *, typeset: bool = False) -> int:
    """Return what all screens of a walk would cost with every sign as it was typed.

    `typeset` counts them as a word processor types French: with curly quotes, and no-break spaces before double signs.
    """
    flow = replace(explored.flow, fold="")
    kind = _Typeset if typeset else _Typed
    total = 0
    for node in spoken(explored):
        walk = _walk(explored, flow, node, texts)
        total += cost(explored, scene(walk, kind(texts, flow, node.state.language, node.state.answers)).pages)
    return total


class _Typed(Voice):
    """A voice that sends every text as it was typed."""

    def sendable(self, text: str) -> str:
        return text


class _Typeset(Voice):
    """A voice that sends every text as a French word processor would have it."""

    def sendable(self, text: str) -> str:
        quoted = re.sub(r'"([^"]*)"', "«\u00a0\\1\u00a0»", text.replace("'", "’"))
        return re.sub(r" ([?!:;])", "\u202f\\1", quoted)

    def phrase(self, name: str, **slots: object) -> str:
        return self.sendable(super().phrase(name, **slots))


def _walk(explored: Explored, flow: Flow, node: Node, texts: Texts) -> Walk:
    inbound = Inbound(bearer=explored.bearer, limits=explored.limits, within=explored.within)
    return Walk(flow, node.state, inbound, NOW, texts)
