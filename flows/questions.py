"""How a question takes a reply: a value goes on, an unclear one is asked again, too many apply `on_fail`."""

from __future__ import annotations

from flows import content, places
from flows.model import END, Ask, Menu, Option, Value
from flows.reading import Reading, Spec
from flows.walk import Walk


def answer(walk: Walk) -> int | None:
    """Let the current question read the reply; return the index to go on at, or None when it stays."""
    here = walk.current
    if isinstance(here, Menu):
        return _menu(here, walk)
    if not isinstance(here, Ask):
        return walk.state.at
    return _place(here, walk) if here.type == "place" else _question(here, walk)


def _question(ask: Ask, walk: Walk) -> int | None:
    shown = content.question(ask, walk.state, walk.voice)
    if walk.turns_page(shown):
        return None
    if walk.is_zero(shown):
        if shown.zero == "skip":
            return _skip(walk)
        _offer(ask, (), walk)
        return None
    reading = _reading(ask, walk)
    if reading.candidates:
        walk.note("unclear", ask.id)
        _offer(ask, reading.candidates, walk)
        return None
    if reading.value is None:
        return unclear(ask, shown, walk)
    walk.keep(ask, reading.value, walk.inbound.text)
    return target(walk, ask, reading.value)


def _reading(ask: Ask, walk: Walk) -> Reading:
    """Read the reply. What a bare number means is kept: it is the most frequent reply by far."""
    text = walk.inbound.text
    if ask.type in BY_NUMBER and len(text) <= 2 and text.isdigit() and not walk.state.path:
        fixed = content.unconditional
        return walk.voice.once((ask.id, text), lambda: walk.read(spec(ask, walk)), lambda _: fixed(ask, walk.state))
    return walk.read(spec(ask, walk))


BY_NUMBER = ("yes_no", "choice", "rating", "nps")
"""The questions whose reply is nearly always a number, which means the same for everybody."""


def _offer(ask: Ask, keys: tuple[str, ...], walk: Walk) -> None:
    """Ask with only the options that the reply may have meant; with none, with all of them again."""
    walk.move(path=keys)
    walk.show(content.question(ask, walk.state, walk.voice))


def target(walk: Walk, ask: Ask, value: Value) -> int:
    """Do what an answer does besides being kept, and return the index it leads to."""
    if ask.type == "language":
        walk.speak(str(value))
    if ask.type == "place":
        walk.move(place=str(value))
        walk.note("place", str(value))
    return _after(walk, ask.options, value)


def _place(ask: Ask, walk: Walk) -> int | None:
    """A place is looked up by name or code, or through menus from region to commune."""
    shown = places.question(ask, walk)
    if walk.turns_page(shown):
        return None
    if walk.is_zero(shown):
        if shown.zero == "skip":
            return _skip(walk)
        places.back(ask, walk)
        return None
    code = places.reply(ask, walk)
    if code is None:
        return unclear(ask, shown, walk)
    if not code:
        return None
    walk.keep(ask, code, walk.inbound.text)
    return target(walk, ask, code)


def _menu(menu: Menu, walk: Walk) -> int | None:
    """A directory: open a level, show an information, jump, or go on."""
    shown = content.directory(menu, walk.state, walk.voice)
    if walk.turns_page(shown):
        return None
    if walk.is_zero(shown):
        walk.move(path=walk.state.path[:-1])
        walk.show(content.directory(menu, walk.state, walk.voice))
        return None
    current, below = content.opened(menu, walk.state.path)
    if current is not None and not below:
        return walk.state.at + 1
    key = _choose(content.visible(below, walk.state, walk.voice), walk)
    if key is None:
        walk.said.append(walk.voice.phrase("unclear"))
        walk.show(content.directory(menu, walk.state, walk.voice))
        return None
    return _open(menu, next(one for one in below if one.key == key), walk)


def _open(menu: Menu, option: Option, walk: Walk) -> int | None:
    path = (*walk.state.path, option.key)
    walk.note("look-up", "/".join((menu.id, *path)))
    if option.say is None and not option.options:
        return _after(walk, (option,), option.key)
    walk.move(path=path)
    walk.show(content.directory(menu, walk.state, walk.voice))
    return None


def _choose(options: tuple[Option, ...], walk: Walk) -> str | None:
    labels = {one.key: walk.voice.labels(one) for one in options}
    value = walk.read(Spec(type="choice", options=labels)).value
    return None if value is None else str(value)


def spec(ask: Ask, walk: Walk) -> Spec:
    """Return what a reply to this question may be."""
    low, high = ask.min, ask.max
    if ask.type == "rating":
        low, high = 1, content.marks(ask)
    return Spec(
        type=ask.type,
        options=_labels(ask, walk),
        min=low,
        max=high,
        level=ask.level,
        today=walk.now.date(),
        language=walk.state.language,
    )


def _labels(ask: Ask, walk: Walk) -> dict[str, tuple[str, ...]]:
    """Return every label of each option that can be chosen now."""
    if ask.type == "language":
        return {tag: (label,) for tag, label in content.language_menu(walk.flow, walk.voice).options}
    if walk.state.path:
        return _made_labels(ask, walk)
    key = ("labels", ask.id)
    return walk.voice.once(key, lambda: _made_labels(ask, walk), lambda _: content.unconditional(ask, walk.state))


def _made_labels(ask: Ask, walk: Walk) -> dict[str, tuple[str, ...]]:
    return {one.key: walk.voice.labels(one) for one in content.choosable(ask, walk.state, walk.voice)}


def unclear(ask: Ask, shown: content.Content, walk: Walk) -> int | None:
    """Ask again with a hint; after `retries` times skip the question or end the conversation."""
    walk.note("unclear", ask.id)
    if ask.retries is not None and walk.state.tries >= ask.retries:
        walk.note("failed", ask.id)
        if ask.on_fail == "skip":
            return _skip(walk)
        walk.close("failed", walk.voice.phrase("ended_failed"))
        return None
    walk.move(tries=walk.state.tries + 1)
    walk.said.append(walk.voice.phrase("unclear"))
    hint = content.hint_for(ask, shown, walk.voice)
    if hint not in shown.text and places.LIST not in walk.state.path:
        walk.said.append(hint)
    walk.show(places.question(ask, walk) if ask.type == "place" else shown)
    return None


def _skip(walk: Walk) -> int:
    walk.move(trail=(*walk.state.trail, walk.state.at), tries=0, path=())
    return walk.state.at + 1


def _after(walk: Walk, options: tuple[Option, ...], value: object) -> int:
    """Return where an option leads: its `go`, else the next step."""
    go = next((one.go for one in options if one.key == value), "")
    if go == END:
        return len(walk.flow.steps)
    return walk.flow.index[go] if go else walk.state.at + 1
