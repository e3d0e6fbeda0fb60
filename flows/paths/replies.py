"""What a citizen may reply to each question; of replies that lead the same way, the one shown longest comes first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from flows.content import opened
from flows.encoding import GSM7, units
from flows.model import Ask, Menu, Value
from flows.paths.atlas import Atlas
from flows.paths.reads import Reads
from flows.paths.scene import Scene, spoken
from flows.paths.values import Candidate, candidates
from flows.places import ELSEWHERE, OTHER
from flows.walk import Walk

Kind = Literal["answer", "open", "skip", "unclear", "back", "refuse"]
ONWARD: tuple[Kind, ...] = ("answer", "open", "skip")
"""The kinds of reply that bring a conversation nearer to its end."""
UNREADABLE = "?"
"""What no question takes for an answer."""


class Reply(Struct, frozen=True):
    """One reply: what is typed, how a path tells it, and after how many pages of the screen it is typed.

    `weight` says how often it is given, beside the others of its question; 0 is possible, but not to be expected.
    Replies with the same `like` lead to the same state, so that the first stands for all.
    """

    text: str
    name: str
    kind: Kind
    pages: int
    weight: float = 1
    like: tuple[object, ...] = ()


class Replies:
    """Knows what can be replied in every state of one flow."""

    def __init__(self, reads: Reads, atlas: Atlas, language: str) -> None:
        self.reads = reads
        self.atlas = atlas
        self.language = language

    def of(self, walk: Walk, scene: Scene) -> list[Reply]:
        """Return the replies to what the citizen looks at."""
        match walk.state.phase:
            case "language":
                return [_numbered(scene, self.language)]
            case "script":
                return [_numbered(scene, "yes")]
            case "consent":
                return [_numbered(scene, "yes"), _numbered(scene, "no", "refuse")]
            case "steps":
                return [*self._onward(walk, scene), Reply(UNREADABLE, "", "unclear", len(scene.pages))]
        return []

    def _onward(self, walk: Walk, scene: Scene) -> Iterator[Reply]:
        here = walk.current
        if isinstance(here, Menu):
            yield from _menu(here, walk, scene)
        elif isinstance(here, Ask):
            yield from self._place(here, walk, scene) if here.type == "place" else self._question(here, scene)
        zero = scene.content.zero if scene.content else ""
        if zero and scene.content:
            name = f"{here.id}: -" if zero == "skip" else ""
            yield Reply(scene.content.zero_key, name, "skip" if zero == "skip" else "back", len(scene.pages))

    def _question(self, ask: Ask, scene: Scene) -> Iterator[Reply]:
        options = scene.content.options if scene.content else ()
        found = candidates(ask, [value for value, _ in options], self.reads.literals[ask.id], self.language)
        return self._replies(ask, found, scene)

    def _replies(self, ask: Ask, found: Iterable[Candidate], scene: Scene) -> Iterator[Reply]:
        """Yield the candidates as replies, those a slot shows longest first among their like."""
        said = ask.id in self.reads.spoken
        jumps = {option.key: option.go for option in ask.options}
        replies: list[tuple[int, Reply]] = []
        for one in found:
            go = jumps.get(one.value, "") if isinstance(one.value, str) else ""
            shown = spoken(ask.id, one.value, scene.voice) if said else ""
            like = (go, self.reads.likeness(ask.id, one.value), one.apart if said or ask.type == "language" else "")
            reply = Reply(
                one.text,
                f"{ask.id}: {one.name or _told(one.value)}",
                "answer",
                scene.page_of(one.number) if one.number else len(scene.pages),
                one.weight,
                (*like, GSM7.issuperset(shown)),
            )
            replies.append((units(shown), reply))
        typed: dict[tuple[object, ...], int] = {}
        for _, reply in sorted(replies, key=lambda pair: -pair[0]):
            if reply.weight or len(reply.text) > typed.get(reply.like, 0):
                typed[reply.like] = max(len(reply.text), typed.get(reply.like, 0))
                yield reply

    def _place(self, ask: Ask, walk: Walk, scene: Scene) -> Iterator[Reply]:
        """A place by menu: the answers of the last one; of those before only the lightest, middle and heaviest."""
        options = scene.content.options if scene.content else ()
        codes = [code for code, _ in options if code not in (OTHER, ELSEWHERE)]
        places = [place for code in codes if (place := self.atlas.places.get(code))]
        if places and places[0].level == ask.level:
            numbered = enumerate(places, 1)
            found = [Candidate(str(at), one.code, name=self.atlas.name(one), number=at) for at, one in numbered]
            yield from self._replies(ask, found, scene)
        for code in self.atlas.spread(places) if places and places[0].level != ask.level else ():
            at = codes.index(code) + 1
            yield Reply(str(at), "", "open", scene.page_of(at))
        if len(codes) < len(options):
            yield Reply(str(len(options)), "", "open", scene.page_of(len(options)), 0)
        if not walk.state.path:
            yield from self._replies(ask, self._typed(ask, walk), scene)
            if shared := self.atlas.shared(ask.level):
                yield Reply(shared, "", "open", len(scene.pages), 0)

    def _typed(self, ask: Ask, walk: Walk) -> Iterator[Candidate]:
        expected = 0 if walk.inbound.bearer == "ussd" else 1
        for at, place in enumerate(self.atlas.lengths(ask.level)):
            name = self.atlas.name(place)
            yield Candidate(name, place.code, name=name, weight=expected if at == 0 else 0, apart=str(at))
        for literal in self.reads.literals[ask.id]:
            named = self.atlas.places.get(str(literal))
            if named is not None and named.level == ask.level:
                yield Candidate(named.code, named.code, name=self.atlas.name(named), weight=0)


def _numbered(scene: Scene, value: str, kind: Kind = "answer") -> Reply:
    options = scene.content.options if scene.content else ()
    at = next((at for at, (one, _) in enumerate(options, 1) if one == value), 1)
    return Reply(str(at), "", kind, scene.page_of(at))


def _menu(menu: Menu, walk: Walk, scene: Scene) -> Iterator[Reply]:
    """Yield the options of a level of a menu, or the way on from an information."""
    options = scene.content.options if scene.content else ()
    current, below = opened(menu, walk.state.path)
    told = current is not None and not below
    for at, (key, _) in enumerate(options, 1):
        option = next((one for one in below if one.key == key), None)
        name = "" if told else f"{menu.id}: {'/'.join((*walk.state.path, key))}"
        deeper = option is not None and bool(option.options)
        like = (option.go,) if option is not None and option.say is None and not option.options else (key,)
        yield Reply(str(at), "" if deeper else name, "open" if deeper else "answer", scene.page_of(at), 1, like)


def _told(value: Value) -> str:
    """Return an answer as a path tells it."""
    return " ".join(value) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)
