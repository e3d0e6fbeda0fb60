"""Morocco's regions, provinces and communes: codes, names, and what a citizen may mean by a name.

The tables come from the Haut-Commissariat au Plan (`data/README.md`). Nothing is read before the first question
about a place, so a gateway starts without them; an index is made the first time its level is asked.
"""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

from msgspec import Struct

from locales.naming import (
    SHORTEST_MISTYPED,
    SHORTEST_PREFIX,
    Half,
    Key,
    bare_words,
    half_candidates,
    halves,
    key,
    mistyped,
    opens,
    request,
)
from locales.ordinary import is_ordinary

PlaceLevel = Literal["region", "province", "commune"]
LEVELS: tuple[PlaceLevel, ...] = ("region", "province", "commune")
DATA = Path(__file__).with_name("data")


class Place(Struct, frozen=True):
    """A region, province or commune of the HCP code book (`02`, `02.411`, `02.411.01.23`)."""

    code: str
    level: PlaceLevel
    names: Mapping[str, str]
    """Language tag to name; always `fr` and `ar`."""
    parent: str = ""
    population: int = 0
    """Inhabitants in the census of 2024."""
    kind: str = ""
    """`province` or `prefecture`; `urban` or `rural` for a commune; empty for a region."""

    def name(self, language: str) -> str:
        """Return the name in `language`; Latin-script languages get the French one, others the Arabic one."""
        if language in self.names:
            return self.names[language]
        return self.names["fr" if language.endswith("Latn") else "ar"]


class Gazetteer:
    """All places, in memory; fulfils `flows.texts.Places`. `rows` gives them, and is called at the first use."""

    def __init__(self, rows: Callable[[], Iterable[Place]]) -> None:
        self._rows = rows
        self._indexes: dict[str, _Index] = {}

    def get(self, code: str) -> Place | None:
        """Return the place with this HCP code."""
        return self._places.get(code)

    def children(self, code: str) -> Sequence[Place]:
        """Return the places directly below `code`, in code order; the regions for an empty code."""
        return self._children.get(code, ())

    def find(self, text: str, level: PlaceLevel, within: str = "") -> Sequence[Place]:
        """Return every place of `level` that a citizen's `text` may mean, the most populous first.

        `text` is a code or a name in French, Arabic or Tifinagh. The best kind of likeness alone counts: the same
        name, the same but for its articles, a beginning, the same sound, one typing error. `within` keeps the places
        below that code. A text that names another level (`province de Nador` for a commune) means none.
        """
        asked = request(text)
        if asked.level not in ("", level):
            return ()
        index = self._index(level)
        for likeness in (index.coded(asked.digits),) if asked.digits else self._likenesses(asked.key, level):
            found = [place for place in likeness if not within or place.code.startswith(f"{within}.")]
            if found:
                return sorted(found, key=lambda place: (-place.population, place.code))
        return ()

    def _likenesses(self, asked: Key, level: PlaceLevel) -> Iterator[list[Place]]:
        """Yield the places by each kind of likeness, the best first; what names another level is no slip of this one.

        An ordinary word is a name only where it is exactly one.
        """
        index = self._index(level)
        yield index.same(asked)
        yield index.but_for_articles(asked)
        if is_ordinary(asked.whole):
            return
        if any(self._index(other).same(asked) for other in LEVELS if other != level):
            yield index.opening(asked)
            yield index.mistaken(asked) if index.holding(asked) else []
        else:
            yield index.begun(asked)
            yield index.sounding(asked)
            yield index.mistaken(asked)

    def _index(self, level: str) -> _Index:
        known = self._indexes.get(level)
        if known is None:
            known = self._indexes[level] = _Index([one for one in self._places.values() if one.level == level])
        return known

    @cached_property
    def _places(self) -> dict[str, Place]:
        return {place.code: place for place in self._rows()}

    @cached_property
    def _children(self) -> dict[str, tuple[Place, ...]]:
        below: dict[str, list[Place]] = defaultdict(list)
        for code in sorted(self._places):
            below[self._places[code].parent].append(self._places[code])
        return {code: tuple(places) for code, places in below.items()}


class _Index:
    """The names of one level, by every kind of likeness. The rarer kinds are made when first needed."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places
        self._keys = [(key(name), place) for place in places for name in place.names.values()]
        self._whole = _grouped((one.whole, place) for one, place in self._keys)
        self._bare = _grouped((one.bare, place) for one, place in self._keys)

    def coded(self, digits: str) -> list[Place]:
        """Return the place whose code has these digits; its dots may be left out."""
        return [place for place in self._places if place.code.replace(".", "") == digits]

    def same(self, asked: Key) -> list[Place]:
        """Return the places of this name."""
        return self._whole.get(asked.whole, [])

    def but_for_articles(self, asked: Key) -> list[Place]:
        """Return the places whose name differs in its articles only."""
        return self._bare.get(asked.bare, [])

    def begun(self, asked: Key) -> list[Place]:
        """Return the places whose name begins so."""
        begun: list[str] = []
        for start in {asked.whole, asked.bare}:
            if len(start) >= SHORTEST_PREFIX:
                at = bisect_left(self._sorted, start)
                begun += self._sorted[at : bisect_left(self._sorted, f"{start}\U0010ffff", at)]
        return self._of(begun)

    def opening(self, asked: Key) -> list[Place]:
        """Return the places whose first words these are: Tanger is the first of Tanger-Assilah."""
        return [place for place in self.begun(asked) if any(opens(asked, name) for name in place.names.values())]

    def sounding(self, asked: Key) -> list[Place]:
        """Return the places that are spoken alike."""
        return self._sounding.get(asked.sound, []) if len(asked.sound) >= SHORTEST_PREFIX else []

    def holding(self, asked: Key) -> list[Place]:
        """Return the places with this very word in their name."""
        return self._words.get(asked.bare, [])

    def mistaken(self, asked: Key) -> list[Place]:
        """Return the places whose name is one typing error away.

        A text that is a word of other names may be no error at all: Ifni is Sidi Ifni rather than Tifni.
        """
        near = self._mistyped(asked)
        return [*near, *(place for place in self.holding(asked) if place not in near)] if near else []

    def _mistyped(self, asked: Key) -> list[Place]:
        near: set[str] = set()
        for text in {asked.whole, asked.bare}:
            candidates = (name for half in half_candidates(text) for name in self._halves.get(half, ()))
            near.update(name for name in candidates if mistyped(text, name))
        return self._of(near)

    def _of(self, names: Iterable[str]) -> list[Place]:
        places = (place for name in names for by in (self._whole, self._bare) for place in by.get(name, ()))
        return list({place.code: place for place in places}.values())

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted({*self._whole, *self._bare})

    @cached_property
    def _sounding(self) -> dict[str, list[Place]]:
        return _grouped((one.sound, place) for one, place in self._keys)

    @cached_property
    def _words(self) -> dict[str, list[Place]]:
        names = ((name, place) for place in self._places for name in place.names.values())
        return _grouped((word, place) for name, place in names for word in bare_words(name))

    @cached_property
    def _halves(self) -> dict[Half, list[str]]:
        names: dict[Half, list[str]] = defaultdict(list)
        for name in self._sorted:
            if len(name) >= SHORTEST_MISTYPED:
                for half in halves(name):
                    names[half].append(name)
        return dict(names)


def _grouped(pairs: Iterable[tuple[str, Place]]) -> dict[str, list[Place]]:
    groups: dict[str, list[Place]] = {}
    for name, place in pairs:
        group = groups.setdefault(name, [])
        if place not in group:
            group.append(place)
    return groups


def load(folder: Path = DATA) -> Gazetteer:
    """Return the gazetteer of a folder with the three tables `ma_*.csv`, which are read at its first use."""
    return Gazetteer(partial(_read, folder))


def _read(folder: Path) -> Iterator[Place]:
    for level, table, parent, kind in _TABLES:
        with (folder / f"ma_{table}.csv").open(encoding="utf-8", newline="") as rows:
            for row in csv.DictReader(rows):
                names = {"fr": row["name_fr"], "ar": row["name_ar"].translate(_DASHES)}
                people = int(row["population_2024"])
                yield Place(row["hcp_code"], level, names, row.get(parent, ""), people, row.get(kind, ""))


_TABLES: tuple[tuple[PlaceLevel, str, str, str], ...] = (
    ("region", "regions", "", ""),
    ("province", "provinces", "region_code", "type"),
    ("commune", "communes", "province_code", "type"),
)
_DASHES = str.maketrans("–", "-")
"""One Arabic name has an en dash, which would be read aloud as a mark of its own."""
