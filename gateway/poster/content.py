"""What the poster says, each text with the language it could be served in."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from flows.content import marks
from flows.errors import AwalError
from flows.link import link
from flows.model import Ask, Flow
from gateway.poster.example import Example, example, several
from gateway.poster.fit import size
from gateway.poster.questions import Asked, asked, is_menu
from locales.catalogue import Catalogues, Words
from locales.negotiation import keyword_language
from locales.slots import fill
from locales.tags import chain


class PosterError(AwalError):
    """A flow of which no poster can be made; the message says why and what to do."""


class Item(Struct, frozen=True):
    """One question: its number, its words, its options with the number to write, how to answer, and its conditions."""

    number: int
    text: Words
    options: tuple[tuple[str, Words], ...]
    hints: tuple[Words, ...]
    only: Words | None
    ends: Words | None


class Poster(Struct, frozen=True):
    """One page. `example` holds each word of the worked example with what it means."""

    language: str
    title: Words
    number: str
    keyword: str
    items: tuple[Item, ...]
    example: tuple[tuple[str, str, Words], ...]
    after: tuple[Words, ...]
    gratis: bool

    @property
    def uri(self) -> str:
        """What the QR code holds: a phone opens its messages, with the number and the keyword filled in."""
        return f"SMSTO:{self.number}:{self.keyword} "


class Writer:
    """Speaks one flow in one language."""

    def __init__(self, flow: Flow, texts: Catalogues, language: str) -> None:
        self.flow = flow
        self.texts = texts
        self.language = language

    def phrase(self, name: str, **values: object) -> Words:
        """Return one of the program's phrases."""
        words = self.texts.phrase_words(name, self.language)
        return Words(fill(words.text, values), words.language)

    def item(self, one: Asked) -> Item:
        """Return what is said about one question."""
        comma = "، " if self.language == "ar" else ", "
        only = ends = None
        if one.only:
            replies = comma.join(one.only.replies)
            only = self.phrase("poster_only", question=one.only.question, numbers=replies)
        if one.ends:
            ends = self.phrase("poster_ends", numbers=comma.join(one.ends))
        text = self.texts.flow(one.ask.text, self.language, self.flow.language)
        return Item(one.number, text, self.options(one.ask), self.hints(one.ask), only, ends)

    def options(self, ask: Ask) -> tuple[tuple[str, Words], ...]:
        """Return the options with their numbers; a rating without labels has none."""
        if ask.type == "yes_no":
            return (("1", self.phrase("yes")), ("2", self.phrase("no")))
        labels = (self.texts.flow(option.label, self.language, self.flow.language) for option in ask.options)
        return tuple((str(at), label) for at, label in enumerate(labels, 1))

    def hints(self, ask: Ask) -> tuple[Words, ...]:
        """Return how to answer, where the options do not say it."""
        if ask.type == "choices":
            return (self.phrase("poster_several", example=several(ask)),)
        if ask.type in ("rating", "nps"):
            low, high = (1, marks(ask)) if ask.type == "rating" else (0, 10)
            return () if ask.options else (self.phrase("hint_rating", min=low, max=high),)
        if ask.type in ("integer", "decimal") and ask.min is not None and ask.max is not None:
            return (self.phrase("hint_range", min=f"{ask.min:g}", max=f"{ask.max:g}"),)
        if ask.type == "place":
            return (self.phrase(f"hint_place_{ask.level}"),)
        return () if ask.type in ("yes_no", "choice") else (self.phrase(f"hint_{ask.type}"),)

    def meaning(self, one: Asked, word: str) -> Words:
        """Return what a word of the example says: the option's label, or nothing where it speaks for itself."""
        return dict(self.options(one.ask)).get(word, Words("", self.language))


def poster(
    flow: Flow,
    texts: Catalogues,
    language: str,
    number: str,
    *,
    flows: Sequence[Flow] = (),
    within: str = "",
    gratis: bool = False,
) -> Poster:
    """Return the poster of a flow; raises PosterError when the flow cannot be answered in one SMS."""
    _possible(flow, language)
    keyword = _keyword(flow, language)
    writer = Writer(flow, texts, language)
    found, rest = asked(link(flow, {one.id: one for one in flows}))
    while found:
        said = example(flow, flows or (flow,), found, keyword, language, texts, within)
        made = said and _written(writer, found, said, rest, number, gratis)
        if made and size(made):
            return made
        found, rest = found[:-1], True
    raise PosterError(
        f"flow '{flow.id}': one SMS cannot answer its first question, whose turn or words only a conversation "
        "can tell. Begin the flow with a question without a slot, a jump or a free text."
    )


def _written(writer: Writer, found: Sequence[Asked], said: Example, rest: bool, number: str, gratis: bool) -> Poster:
    words = ((str(at), word, writer.meaning(found[at - 1], word)) for at, word in said.words)
    return Poster(
        language=writer.language,
        title=writer.texts.flow(writer.flow.title, writer.language, writer.flow.language),
        number=number,
        keyword=said.keyword,
        items=tuple(writer.item(one) for one in found),
        example=(("", said.keyword, writer.phrase("poster_keyword")), *words),
        after=_after(writer, said, rest),
        gratis=gratis,
    )


def _after(writer: Writer, made: Example, rest: bool) -> tuple[Words, ...]:
    """Return what follows the SMS, so that no citizen is surprised."""
    accept = f"1 ({writer.phrase('consent_yes').text})"
    said = [writer.phrase("poster_language")] if "language" in made.phases else []
    said += [writer.phrase("poster_consent", accept=accept)] if "consent" in made.phases else []
    return (*said, *([writer.phrase("poster_rest")] if rest else []))


def _possible(flow: Flow, language: str) -> None:
    if language not in flow.languages:
        raise PosterError(f"flow '{flow.id}' is not offered in {language!r}. Use {', '.join(flow.languages)}.")
    if is_menu(flow):
        raise PosterError(f"flow '{flow.id}' is a menu: it informs and asks nothing. Name a flow that asks questions.")
    if not flow.keywords:
        raise PosterError(f"flow '{flow.id}' has no keyword to begin an SMS with. Write keywords: [WORD] in its head.")


def _keyword(flow: Flow, language: str) -> str:
    """Return the keyword that tells the poster's language, or the next language of its fallback."""
    told = {keyword_language(word, flow.language): word for word in reversed(flow.keywords)}
    return next((told[tag] for tag in chain(language) if tag in told), flow.keywords[0])
