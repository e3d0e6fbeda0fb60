"""What a question accepts, and what came of a reply."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from msgspec import Struct

from flows.model import PlaceLevel, QuestionType, Value


class Spec(Struct, frozen=True):
    """What a reply to a question may be.

    `options` maps an option's key to its labels in every language, the shown one first; their order gives the
    positions. In a rating they are the marks' labels. `min`/`max` bound numbers, `max_date` a date, `within` a place.
    """

    type: QuestionType
    options: Mapping[str, tuple[str, ...]] = {}
    min: float | None = None
    max: float | None = None
    level: PlaceLevel = "commune"
    today: date | None = None
    max_date: date | None = None
    language: str = ""
    within: str = ""


class Reading(Struct, frozen=True):
    """The one reading of a reply: exactly one of `value`, `command` and `invalid` is set.

    `invalid` is a short stable word for why the reply is asked again; `candidates` are the option keys or HCP codes
    worth offering then.
    """

    value: Value | None = None
    command: str | None = None
    invalid: str | None = None
    candidates: tuple[str, ...] = ()


def unclear(reason: str = "unclear", candidates: tuple[str, ...] = ()) -> Reading:
    """Return the reading of a reply that is asked again."""
    return Reading(invalid=reason, candidates=candidates)
