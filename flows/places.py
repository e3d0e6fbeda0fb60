"""The place question: by name or code at once, or through menus region → province → commune on USSD.

A citizen whose place is known confirms it in one key. `Conversation.path` holds the codes opened so far. `ANY` as the
first says that the citizen left the gateway's own region; `LIST` that the codes after it are candidates for an
ambiguous name; `ELSEWHERE` that the known place was not the one meant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from flows.content import Content
from flows.model import Ask
from flows.reading import Reading, Spec
from flows.texts import Place
from flows.walk import Walk

ANY = "*"
LIST = "?"
ELSEWHERE = "-"
OTHER = "other"
MOST_OFFERED = 9
"""Places in a short menu: `Sidi` alone may be one of over a hundred."""


def question(ask: Ask, walk: Walk) -> Content:
    """Return the place question as it stands: the level's menu on USSD, a request to write the name on SMS."""
    walk.voice.personal += 1
    words = walk.voice.say(ask.text)
    if _codes(walk)[:1] == (LIST,):
        return Content(walk.voice.phrase("place_candidates"), _named(_listed(walk), walk), "back")
    known = _known(ask, walk)
    if known is not None:
        options = (*_named([known], walk), (ELSEWHERE, walk.voice.phrase("other_place")))
        return Content(words, options, "skip" if ask.optional else "")
    if walk.inbound.bearer == "sms":
        return Content(f"{words}\n{walk.voice.phrase(f'hint_place_{ask.level}')}", (), "skip" if ask.optional else "")
    listed = _listed(walk)
    words = _heading(words, listed, ask, walk)
    options = _named(listed, walk)
    if _at_home(ask, walk):
        options += ((OTHER, walk.voice.phrase("other_region")),)
    return Content(words, options, "back" if _codes(walk) else ("skip" if ask.optional else ""))


def _heading(words: str, listed: Sequence[Place], ask: Ask, walk: Walk) -> str:
    """Return what stands above a menu of places: the question, and which level is chosen first where it is another."""
    if not listed or listed[0].level == ask.level:
        return words
    level = walk.voice.phrase(f"place_ask_{listed[0].level}")
    return level if _codes(walk) else f"{words}\n{level}"


def _known(ask: Ask, walk: Walk) -> Place | None:
    """Return the citizen's place at the level asked, where it is known and not yet declined."""
    place = walk.texts.places.get(walk.state.place) if walk.state.place and not walk.state.path else None
    while place is not None and place.level != ask.level:
        place = walk.texts.places.get(place.parent) if place.parent else None
    return place


def reply(ask: Ask, walk: Walk) -> str | None:
    """Read a reply: the HCP code when the place is known, `""` when a menu was opened, None when it is unclear."""
    shown = question(ask, walk)
    picked = walk.pick(shown) if shown.options and walk.inbound.text.strip().isdigit() else None
    if picked == OTHER:
        return _open(ask, (*_declined(walk), ANY), walk)
    if picked == ELSEWHERE:
        return _open(ask, (ELSEWHERE,), walk)
    if picked is not None:
        return _chosen(ask, picked, walk)
    reading = walk.read(Spec(type="place", level=ask.level, language=walk.state.language))
    if reading.value is not None:
        return str(reading.value)
    if reading.candidates:
        return _open(ask, (*_declined(walk), *offered(reading)), walk)
    named = walk.pick(shown) if shown.options else None
    if named == ELSEWHERE:
        return _open(ask, (ELSEWHERE,), walk)
    return None if named is None or named == OTHER else _chosen(ask, named, walk)


def offered(reading: Reading) -> tuple[str, ...]:
    """Return the path of the menu of the places that an unclear reply may have meant, the most populous first."""
    return (LIST, *reading.candidates[:MOST_OFFERED])


def back(ask: Ask, walk: Walk) -> None:
    """Close the menu opened last."""
    listed = _codes(walk)[:1] == (LIST,)
    _open(ask, _declined(walk) if listed else walk.state.path[:-1], walk)


def _chosen(ask: Ask, code: str, walk: Walk) -> str:
    place = walk.texts.places.get(code)
    if place is None or place.level == ask.level:
        return code
    return _open(ask, (*walk.state.path, code), walk)


def _codes(walk: Walk) -> tuple[str, ...]:
    """Return what is open, without the note that the known place was declined."""
    return walk.state.path[len(_declined(walk)) :]


def _declined(walk: Walk) -> tuple[str, ...]:
    """Return the note that the known place was declined, which stays until another is answered."""
    return walk.state.path[:1] if walk.state.path[:1] == (ELSEWHERE,) else ()


def _open(ask: Ask, path: tuple[str, ...], walk: Walk) -> str:
    walk.move(path=path, tries=0)
    walk.show(question(ask, walk))
    return ""


def _at_home(ask: Ask, walk: Walk) -> bool:
    """Tell whether the menu shown is the gateway's own region, with a way to the others."""
    return bool(walk.inbound.within) and ask.level != "region" and not _codes(walk)


def _listed(walk: Walk) -> Sequence[Place]:
    """Return the places of the menu that is open."""
    places, path = walk.texts.places, _codes(walk)
    if path[:1] == (LIST,):
        return [place for code in path[1:] if (place := places.get(code))]
    if path:
        return places.children("" if path[-1] == ANY else path[-1])
    here = walk.current
    return places.children(walk.inbound.within if isinstance(here, Ask) and here.level != "region" else "")


def _named(found: Sequence[Place], walk: Walk) -> tuple[tuple[str, str], ...]:
    """Return the places as options; those of one name are told apart by where they lie."""
    language = walk.voice.language
    names = Counter(place.name(language) for place in found)
    return tuple((place.code, _told(place, walk, apart=names[place.name(language)] > 1)) for place in found)


def _told(place: Place, walk: Walk, *, apart: bool) -> str:
    above = walk.texts.places.get(place.parent) if apart else None
    name = place.name(walk.voice.language)
    return f"{name} ({above.name(walk.voice.language)})" if above else name
