"""The worked example: an SMS that the program itself has understood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from flows.model import Ask, Flow, Value
from gateway.poster.questions import Asked, replies
from gateway.talk.talker import Talker
from locales.catalogue import Catalogues
from locales.places import Place
from locales.tags import menu_order


class Example(Struct, frozen=True):
    """An SMS word by word: (question's number, what is written). `phases` names what is asked before they count."""

    keyword: str
    words: tuple[tuple[int, str], ...]
    phases: frozenset[str]

    @property
    def text(self) -> str:
        """The whole SMS."""
        return " ".join((self.keyword, *(word for _, word in self.words)))


def example(
    flow: Flow,
    flows: Sequence[Flow],
    found: Sequence[Asked],
    keyword: str,
    language: str,
    texts: Catalogues,
    within: str,
) -> Example | None:
    """Return an SMS that answers the questions `found`; None when the program does not understand every word."""
    words: list[tuple[int, str]] = []
    given: dict[int, str] = {}
    for asked in found:
        if asked.only and given.get(asked.only.question) not in asked.only.replies:
            continue
        word = _reply(asked, language, texts, within)
        if not word:
            return None
        given[asked.number] = word
        words.append((asked.number, word))
        if word in asked.ends:
            break
    ids = [found[number - 1].ask.id for number, _ in words]
    phases = _understood(flow, flows, " ".join([keyword, *given.values()]), ids, language, texts)
    return None if phases is None else Example(keyword, tuple(words), phases)


def _understood(
    flow: Flow, flows: Sequence[Flow], text: str, ids: Sequence[str], language: str, texts: Catalogues
) -> frozenset[str] | None:
    """Send the SMS as somebody who never wrote before; return what was asked first, or None when a word was lost."""
    talker = Talker(flows, texts, opens=flow.id, bearer="sms")
    talker.reply(text)
    phases = set()
    for _ in range(3):
        current = talker.store.dialogue("talk", "", talker.citizen).current
        if current is None or current.state.phase not in ("language", "consent"):
            break
        phases.add(current.state.phase)
        chosen = menu_order(flow.languages).index(language) + 1 if current.state.phase == "language" else 1
        talker.reply(str(chosen))
    kept = talker.answers()
    unclear = any(texts.phrase("unclear", tag) in talker.screen for tag in flow.languages)
    return frozenset(phases) if list(kept) == list(ids) and not unclear else None


def _reply(asked: Asked, language: str, texts: Catalogues, within: str) -> str:
    """Return a likely reply: no complaint, and none that ends the survey where another goes on."""
    ask = asked.ask
    known = [reply for reply in replies(ask) if reply not in asked.ends]
    if ask.type in ("rating", "nps"):
        return known[-2] if len(known) > 1 else ""
    if known:
        return known[0]
    if ask.type == "choices":
        return several(ask)
    if ask.type in ("integer", "decimal"):
        return _number(ask)
    if ask.type == "place":
        return _place(ask, language, texts, within)
    own = {"text": texts.phrase("poster_own_words", language), "date": "23/11/2025", "phone": "0612345678"}
    return own.get(ask.type, "")


def several(ask: Ask) -> str:
    """Return two options of a question that takes several."""
    return "1,3" if len(ask.options) > 2 else "1,2"


def _number(ask: Ask) -> str:
    low = ask.min if ask.min is not None else 0
    high = ask.max if ask.max is not None else max(low, 30)
    likely: Value = 30 if low <= 30 < high else (low + high) // 2
    return f"{likely:g}"


def _place(ask: Ask, language: str, texts: Catalogues, within: str) -> str:
    """Return the name of a populous place that is one word and means no other."""
    for place in sorted(_below(within, ask.level, texts), key=lambda one: -one.population):
        name = place.name(language)
        if " " not in name and list(texts.places.find(name, ask.level)) == [place]:
            return name
    return ""


def _below(code: str, level: str, texts: Catalogues) -> Iterable[Place]:
    for place in texts.places.children(code):
        if place.level == level:
            yield place
        else:
            yield from _below(place.code, level, texts)
