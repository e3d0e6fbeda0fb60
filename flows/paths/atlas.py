"""The places that make the longest and the shortest way through a place question, in one language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from flows.encoding import GSM7
from flows.texts import Place, Places

LEVELS = ("region", "province", "commune")


class Atlas:
    """Looks at the gazetteer once, for one language."""

    def __init__(self, places: Places, language: str) -> None:
        self.places = places
        self.language = language
        self._burdens: dict[str, int] = {}
        self._levels: dict[str, list[Place]] = {}
        self._longest: dict[tuple[str, str], list[str]] = {}

    def name(self, place: Place) -> str:
        """Return a place's name as this language shows it."""
        return place.name(self.language)

    def level(self, level: str) -> list[Place]:
        """Return every place of a level."""
        if level not in self._levels:
            found = list(self.places.children(""))
            for _ in LEVELS[: LEVELS.index(level)]:
                found = [below for place in found for below in self.places.children(place.code)]
            self._levels[level] = found
        return self._levels[level]

    def lengths(self, level: str) -> list[Place]:
        """Return a place whose name is of middle length, the longest, and the longest that GSM-7 cannot write."""
        ordered = sorted(self.level(level), key=lambda place: len(self.name(place)))
        if not ordered:
            return []
        costly = [place for place in ordered if not GSM7.issuperset(self.name(place))]
        return list({one.code: one for one in (ordered[len(ordered) // 2], ordered[-1], *costly[-1:])}.values())

    def longest(self, level: str, held: str) -> list[str]:
        """Return places of the level `held` in those of `level` with the longest names, as `lengths` takes them.

        None where `held` is above `level`: nothing is known then.
        """
        key = (level, held)
        if key not in self._longest:
            self._longest[key] = list(self._within(level, held))
        return self._longest[key]

    def _within(self, level: str, held: str) -> Iterator[str]:
        if held not in LEVELS[LEVELS.index(level) :]:
            return
        for place in self.lengths(level)[1:] or self.lengths(level):
            below: Place | None = place
            while below is not None and below.level != held:
                below = next(iter(self.places.children(below.code)), None)
            if below is not None:
                yield below.code

    def shared(self, level: str) -> str:
        """Return the name that most places of a level have; empty when each has its own."""
        counts = Counter(self.name(place) for place in self.level(level))
        name, count = max(counts.items(), key=lambda pair: pair[1], default=("", 0))
        return name if count > 1 else ""

    def spread(self, places: Sequence[Place]) -> list[str]:
        """Return the codes of the lightest, the middle and the heaviest of some places, by the menus below them."""
        ordered = sorted(places, key=lambda place: self._burden(place.code))
        return list(dict.fromkeys(ordered[at].code for at in (0, len(ordered) // 2, -1)))

    def _burden(self, code: str) -> int:
        """Return how much there is to read below a place."""
        if code not in self._burdens:
            below = self.places.children(code)
            own = sum(len(self.name(place)) + 4 for place in below)
            self._burdens[code] = own + max((self._burden(place.code) for place in below), default=0)
        return self._burdens[code]
