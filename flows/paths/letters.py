"""The letters of a French flow that cost: what each screen is sent in, and what it would be without their accents."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from flows.encoding import bare_letter, costly, segments
from flows.model import Flow, Text
from flows.paths.explore import Explored, Node
from flows.paths.reads import texts as texts_of
from flows.paths.scene import NOW, scene
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
    folding = replace(explored.flow, fold="accents")
    for node in explored.nodes:
        if not costly("".join(node.scene.pages)):
            continue
        before = cost(explored, node.scene.pages)
        after = cost(explored, scene(_walk(explored, folding, node, texts)).pages)
        if after < before:
            yield from _blamed(explored.flow, node, texts, before, after)


def _blamed(flow: Flow, node: Node, texts: Texts, before: int, after: int) -> Iterator[Dear]:
    """Yield the texts on a screen that hold the letters; a place's name is no text of the flow."""
    shown = "\n".join(node.scene.pages)
    found = {text.context: text for step in flow.steps for text in texts_of(step) if text.context in node.contexts}
    for text in found.values():
        words = Voice(texts, flow, FOLDED, {}).say(text)
        letters = tuple(one for one in costly(words) if bare_letter(one))
        if letters and all(one in shown for one in letters):
            yield Dear(text, words, letters, before, after)


def cost(explored: Explored, pages: tuple[str, ...]) -> int:
    """Return what some pages cost: segments by SMS, pages by USSD."""
    return len(pages) if explored.bearer == "ussd" else sum(segments(page) for page in pages)


def untouched(explored: Explored, texts: Texts) -> int:
    """Return what all screens of a walk would cost with every sign as the operator typed it."""
    flow = replace(explored.flow, fold="")
    total = 0
    for node in explored.nodes:
        walk = _walk(explored, flow, node, texts)
        total += cost(explored, scene(walk, _Raw(texts, flow, node.state.language, node.state.answers)).pages)
    return total


class _Raw(Voice):
    """A voice that sends every text as it was typed."""

    def sendable(self, text: str) -> str:
        return text


def _walk(explored: Explored, flow: Flow, node: Node, texts: Texts) -> Walk:
    return Walk(flow, node.state, Inbound(bearer=explored.bearer, limits=explored.limits), NOW, texts)
