"""How a reply is read: a value, a command, or unclear; never a guess. One rule book for every bearer and flow.

`read` takes the raw text and what the question accepts; the files beside this one hold one idea each.
"""

from __future__ import annotations

from flows.reading.commands import command
from flows.reading.dates import read_date
from flows.reading.free_text import read_text
from flows.reading.languages import read_language
from flows.reading.numbers import read_decimal, read_integer, read_nps, read_rating
from flows.reading.options import read_choice
from flows.reading.phones import read_phone
from flows.reading.places import read_place
from flows.reading.several import read_choices
from flows.reading.spec import Reading, Spec, unclear
from flows.reading.yes_no import read_yes_no
from flows.texts import Places
from locales.folding import plain, strip_edges

__all__ = ["Reading", "Spec", "command", "read"]

_WORDED = {
    "yes_no": read_yes_no,
    "choice": read_choice,
    "choices": read_choices,
    "date": read_date,
    "language": read_language,
}
_NUMERIC = {"rating": read_rating, "nps": read_nps, "integer": read_integer, "decimal": read_decimal}


def read(raw: str, spec: Spec, places: Places | None = None) -> Reading:
    """Return the one reading of a reply. It never raises, whatever the text.

    >>> read("نعم", Spec(type="yes_no")).value, read("24ans", Spec(type="integer")).value
    ('yes', 24)
    >>> read("STOP", Spec(type="text")).command
    'STOP'
    >>> read("pas la route", Spec(type="choice", options={"road": ("Route",), "water": ("Eau",)})).invalid
    'not-an-option'
    """
    obeyed = command(raw)
    if obeyed is not None:
        return Reading(command=obeyed)
    text = plain(raw)
    if not strip_edges(text):
        return unclear("empty")
    return _value(raw, text, spec, places)


def _value(raw: str, text: str, spec: Spec, places: Places | None) -> Reading:
    worded = _WORDED.get(spec.type)
    if worded:
        return worded(text, spec)
    numeric = _NUMERIC.get(spec.type)
    if numeric:
        return numeric(raw, text, spec)
    if spec.type == "place":
        return read_place(text, spec, places)
    return read_phone(text) if spec.type == "phone" else read_text(raw)
