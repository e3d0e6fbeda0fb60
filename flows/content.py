"""What a question shows: its words, its numbered options, and what `0` does. No state changes here."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from flows.conditions import compile_condition
from flows.encoding import bare, thrifty
from flows.model import Ask, Flow, Menu, Option
from flows.screens import Line, paginate
from flows.types import Conversation, Inbound
from flows.voice import Voice
from locales.tags import LATIN, MENU_ORDER

Zero = Literal["", "back", "skip"]
SIGN = "ⵣ"
"""The letter that stands for Amazigh itself: who sees it sees Tifinagh."""


class Content(Struct, frozen=True):
    """One question ready to be laid out. `options` are (value, label) pairs, numbered from 1 on the screen."""

    text: str
    options: tuple[tuple[str, str], ...] = ()
    zero: Zero = ""
    zero_key: str = "0"
    """`00` where 0 is a possible answer."""
    fixed: bool = False
    """The same for every citizen: it names no answer, and no option depends on one."""


def layout(content: Content, said: str, inbound: Inbound, voice: Voice) -> list[str]:
    """Return the pages of a question on USSD, or its one text on SMS; `said` goes ahead of it."""
    if said or not content.fixed:
        return _layout(content, said, inbound, voice)
    key = (content, inbound.bearer, inbound.limits)
    return voice.once(key, lambda: _layout(content, "", inbound, voice), lambda _: True)


def _layout(content: Content, said: str, inbound: Inbound, voice: Voice) -> list[str]:
    key = content.zero_key
    words = "\n".join(part for part in (said, content.text) if part)
    lines = [Line(line) for line in words.split("\n") if words]
    lines += [Line(f"{number} {label}", whole=True) for number, (_, label) in enumerate(content.options, 1)]
    if content.zero:
        lines.append(Line(f"{key} {voice.phrase(content.zero)}", whole=True))
    last = "" if content.zero else f"{key} {voice.phrase('back')}"
    return _pages(lines, inbound, voice, f"{key} {voice.phrase('more')}", last)


def closing(said: str, inbound: Inbound, voice: Voice) -> list[str]:
    """Return the pages of the last words; nothing follows the last one."""
    lines = [Line(line) for line in said.split("\n")]
    return _pages(lines, inbound, voice, f"0 {voice.phrase('more')}", "")


def leaving(asked: Content, said: str, inbound: Inbound, voice: Voice) -> tuple[str, list[str]]:
    """Return the last screen of a session whose next question goes out by SMS, and that SMS.

    What was said on the way stands on the screen where there is room, else in the SMS: no page follows the screen.
    """
    sms = replace(inbound, bearer="sms")
    away = voice.phrase("by_sms")
    whole = closing("\n".join(filter(None, (said, away))), inbound, voice)
    if len(whole) == 1:
        return whole[0], layout(asked, "", sms, voice)
    return closing(away, inbound, voice)[0], layout(asked, said, sms, voice)


def _pages(lines: list[Line], inbound: Inbound, voice: Voice, more: str, last: str) -> list[str]:
    """Return the pages of some lines, without accents where the flow allows it and that saves a page or a segment."""
    if inbound.bearer == "sms":
        text = "\n".join(line.text for line in lines)
        return [thrifty(text) if voice.flow.fold else text]
    pages = paginate(lines, inbound.limits, more, last)
    if voice.flow.fold and len(pages) > 1:
        folded = paginate([Line(bare(line.text), line.whole) for line in lines], inbound.limits, bare(more), bare(last))
        return folded if len(folded) < len(pages) else pages
    return pages


def language_menu(flow: Flow, voice: Voice) -> Content:
    """Return the language-neutral first screen: each language by its own name."""
    offered = [tag for tag in MENU_ORDER if tag in flow.languages]
    return Content("", tuple((tag, voice.texts.native(tag)) for tag in offered))


def script(voice: Voice) -> Content:
    """Return the question whether a phone shows Tifinagh, in letters that every phone has."""
    latin = Voice(voice.texts, voice.flow, LATIN, voice.answers)
    return Content(f"{SIGN}\n{latin.phrase('script_ask')}", _pairs(latin, yes="yes", no="no"))


def consent(voice: Voice) -> Content:
    """Return the question of consent, asked once per citizen."""
    return Content(voice.phrase("consent_ask"), _pairs(voice, yes="consent_yes", no="consent_no"))


def resume(flow: Flow, voice: Voice) -> Content:
    """Return the offer to go on with what was begun, or to begin again."""
    words = voice.phrase("resume_ask", title=voice.say(flow.title))
    return Content(words, _pairs(voice, go_on="resume_continue", again="resume_restart"))


def _pairs(voice: Voice, **names: str) -> tuple[tuple[str, str], ...]:
    return tuple((value, voice.phrase(name)) for value, name in names.items())


def visible(options: tuple[Option, ...], state: Conversation, voice: Voice) -> tuple[Option, ...]:
    """Return the options whose `when` holds."""
    voice.personal += any(one.when for one in options)
    return tuple(one for one in options if not one.when or compile_condition(one.when)(state.answers))


def question(ask: Ask, state: Conversation, voice: Voice) -> Content:
    """Return any question but a place: its words, the hint its type needs, its options."""
    if state.path:
        return _question(ask, state, voice)
    return voice.once(ask.id, lambda: _question(ask, state, voice), lambda made: made.fixed)


def _question(ask: Ask, state: Conversation, voice: Voice) -> Content:
    personal = voice.personal
    hint = _hint(ask, voice)
    words = voice.say(ask.text)
    return Content(
        f"{words}\n{hint}" if hint else words,
        _options(ask, state, voice),
        "back" if state.path else ("skip" if ask.optional else ""),
        "00" if takes_zero(ask) else "0",
        fixed=voice.personal == personal and not state.path,
    )


def unconditional(ask: Ask, state: Conversation) -> bool:
    """Tell whether a question offers the same options to every citizen."""
    return not state.path and not any(one.when for one in ask.options)


def _options(ask: Ask, state: Conversation, voice: Voice) -> tuple[tuple[str, str], ...]:
    if ask.type == "yes_no":
        return _pairs(voice, yes="yes", no="no")
    if ask.type == "language":
        return language_menu(voice.flow, voice).options
    return tuple((one.key, voice.say(one.label)) for one in choosable(ask, state, voice))


def choosable(ask: Ask, state: Conversation, voice: Voice) -> tuple[Option, ...]:
    """Return the options to choose among: all that are visible, or the few that an unclear reply may have meant."""
    found = visible(ask.options, state, voice)
    return tuple(one for one in found if one.key in state.path) or found


def _hint(ask: Ask, voice: Voice) -> str:
    """Return the short line that says how to answer, where the options do not say it."""
    if ask.type == "rating" and not ask.options:
        return voice.phrase("hint_rating", min=1, max=marks(ask))
    if ask.type == "nps":
        return voice.phrase("hint_rating", min=0, max=10)
    if ask.type in ("choices", "date"):
        return voice.phrase(f"hint_{ask.type}")
    return ""


def marks(ask: Ask) -> int:
    """Return the highest mark of a rating."""
    return len(ask.options) or int(ask.max or 5)


def takes_zero(ask: Ask) -> bool:
    """Tell whether 0 can be an answer, so that it cannot also be a key."""
    if ask.type == "nps":
        return True
    if ask.type not in ("integer", "decimal"):
        return ask.type == "phone"
    return (ask.min is None or ask.min <= 0) and (ask.max is None or ask.max >= 0)


def opened(menu: Menu, path: tuple[str, ...]) -> tuple[Option | None, tuple[Option, ...]]:
    """Return the option that `path` leads to (None at the top) and the options below it."""
    current: Option | None = None
    below = menu.options
    for key in path:
        current = next((one for one in below if one.key == key), None)
        below = current.options if current else ()
    return current, below


def directory(menu: Menu, state: Conversation, voice: Voice) -> Content:
    """Return one level of a menu, or the information at its end."""
    current, below = opened(menu, state.path)
    if current is not None and not below:
        words = voice.say(current.say) if current.say else ""
        return Content(words, _pairs(voice, finish="finish"), "back")
    heading = voice.say(menu.text if current is None else current.say or current.label)
    options = tuple((one.key, voice.say(one.label)) for one in visible(below, state, voice))
    return Content(heading, options, "back" if state.path else "")


def hint_for(ask: Ask, content: Content, voice: Voice) -> str:
    """Return how to answer, for a citizen whose reply was not understood."""
    if ask.type in ("choice", "language"):
        return voice.phrase("hint_choice", last=len(content.options))
    if ask.type == "rating":
        return voice.phrase("hint_rating", min=1, max=marks(ask))
    if ask.type == "nps":
        return voice.phrase("hint_rating", min=0, max=10)
    if ask.type == "place":
        return voice.phrase(f"hint_place_{ask.level}")
    if ask.type in ("integer", "decimal") and ask.min is not None and ask.max is not None:
        return voice.phrase("hint_range", min=f"{ask.min:g}", max=f"{ask.max:g}")
    return voice.phrase(f"hint_{ask.type}")
