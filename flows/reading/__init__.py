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
    match spec.type:
        case "yes_no":
            return read_yes_no(text)
        case "choice":
            return read_choice(text, spec)
        case "choices":
            return read_choices(text, spec)
        case "rating":
            return read_rating(raw, text, spec)
        case "nps":
            return read_nps(raw, text)
        case "integer":
            return read_integer(raw, text, spec)
        case "decimal":
            return read_decimal(raw, text, spec)
        case "text":
            return read_text(raw)
        case "date":
            return read_date(text, spec)
        case "phone":
            return read_phone(text)
        case "place":
            return read_place(text, spec, places)
        case "language":
            return read_language(text, spec)
