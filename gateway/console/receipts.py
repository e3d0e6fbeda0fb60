"""The page where an operator looks up the receipt number that a citizen quotes; no phone number is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import render_template, request
from msgspec import Struct

from flows.model import Ask, Flow
from flows.receipt import LENGTH, read_receipt
from gateway.console import speech
from gateway.console.access import here
from gateway.receipts import behind

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from storage.store import AnswerRow


class Found(Struct, frozen=True):
    """One conversation: what it was about, where and when, and each question with what was answered."""

    title: str
    place: str
    at: int
    channel: str
    answers: tuple[tuple[str, str], ...]


def page() -> ResponseReturnValue:
    """Show the answers behind the number asked for; say whether it was misread or is unknown."""
    written = request.args.get("number", "")[:40]
    number = read_receipt(written)
    found = [_found(rows) for rows in behind(here().store, number)] if number else []
    problem = "" if found or not written.strip() else "receipt_unknown" if number else "receipt_wrong"
    return render_template("receipt.html", written=written, number=number, found=found, problem=problem, signs=LENGTH)


def _found(rows: list[AnswerRow]) -> Found:
    project, last = here(), rows[-1]
    flow = project.library.pinned(last.flow_hash)
    place = project.texts.places.get(last.place) if last.place else None
    title = _words(flow, "") if flow else last.flow
    named = place.name(speech.language()) if place else ""
    return Found(title, named, last.answered_at, last.channel, tuple(_answer(flow, row) for row in rows))


def _answer(flow: Flow | None, row: AnswerRow) -> tuple[str, str]:
    """Return a question and its answer in the visitor's language, as far as the flow has the words."""
    keys = row.value if isinstance(row.value, list) else [row.value]
    told = [_words(flow, row.step, str(key)) if flow else str(key) for key in keys]
    return (_words(flow, row.step) if flow else row.step), ", ".join(told)


def _words(flow: Flow, step: str, option: str = "") -> str:
    """Return the words of a flow's title, of a question, or of one of its options; else what stands for them."""
    if option in ("yes", "no"):
        return here().texts.phrase(option, speech.language())
    ask = next((one for one in flow.steps if one.id == step and isinstance(one, Ask)), None)
    label = next((one.label for one in ask.options if one.key == option), None) if ask else None
    text = label if option else ask.text if ask else flow.title if not step else None
    if text is None:
        return option or step
    return here().texts.flow(text, speech.language(), flow.language).text
