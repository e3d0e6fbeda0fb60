"""Dates: the day always first, or ISO; months named in French, Arabic and Amazigh; today and near (rule 19).

The year has four digits: `12/03/24` would leave the century to a guess.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from flows.reading.courtesy import without_thanks
from flows.reading.spec import Reading, Spec, unclear
from locales.folding import fold, spaced, strip_edges

MONTHS: tuple[str, ...] = (
    "janvier janv jan يناير ⵉⵏⵏⴰⵢⵔ innayr",
    "février févr fév فبراير ⴱⵕⴰⵢⵕ bṛayṛ",
    "mars مارس ⵎⴰⵕⵚ maṛṣ",
    "avril avr أبريل ⵉⴱⵔⵉⵔ ibrir",
    "mai ماي مايو ⵎⴰⵢⵢⵓ mayyu",
    "juin يونيو ⵢⵓⵏⵢⵓ yunyu",
    "juillet juill juil يوليوز يوليو ⵢⵓⵍⵢⵓⵣ yulyuz",
    "août غشت أغسطس ⵖⵓⵛⵜ ɣuct",
    "septembre sept sep شتنبر سبتمبر ⵛⵓⵜⴰⵏⴱⵉⵔ cutanbir",
    "octobre oct أكتوبر ⴽⵜⵓⴱⵔ ktubr",
    "novembre nov نونبر نوفمبر ⵏⵓⵡⴰⵏⴱⵉⵔ nuwanbir",
    "décembre déc دجنبر ديسمبر ⴷⵓⵊⴰⵏⴱⵉⵔ dujanbir",
)
WEEKDAYS: tuple[str, ...] = (
    "lundi الاثنين الإثنين ⴰⵢⵏⴰⵙ aynas",
    "mardi الثلاثاء ⴰⵙⵉⵏⴰⵙ asinas",
    "mercredi الأربعاء ⴰⴽⵕⴰⵙ akṛas",
    "jeudi الخميس ⴰⴽⵡⴰⵙ akwas",
    "vendredi الجمعة ⴰⵙⵉⵎⵡⴰⵙ asimwas",
    "samedi السبت ⴰⵙⵉⴹⵢⴰⵙ asiḍyas",
    "dimanche الأحد ⴰⵙⴰⵎⴰⵙ asamas",
)
NEAR: dict[int, tuple[str, ...]] = {
    -2: ("avant-hier", "أول أمس", "أمس الأول", "أول البارح", "أول البارحة"),
    -1: ("hier", "أمس", "يوم أمس", "البارح", "البارحة", "lbare7", "lbareh"),
    0: ("aujourd'hui", "aujourdhui", "اليوم", "ليوم", "lyoum", "lyouma", "ⴰⵙⵙⴰ", "assa"),
    1: ("demain", "غدا", "الغد", "يوم غد", "ghedda", "ghda"),
}
FIRST_YEAR, LAST_YEAR = 1900, 2100

_MONTH = {fold(word): at for at, words in enumerate(MONTHS, start=1) for word in words.split()}
_WEEKDAY = {fold(word): at for at, words in enumerate(WEEKDAYS) for word in words.split()}
_NEAR = {spaced(fold(word)): days for days, words in NEAR.items() for word in words}

_FIGURES = re.compile(r"(\d{1,2}) ?([/.\-]|(?<=\d) (?=\d)) ?(\d{1,2}) ?\2 ?(\d{4})")
_ISO = re.compile(r"(\d{4}) ?([/-]) ?(\d{1,2}) ?\2 ?(\d{1,2})")
_NAMED = re.compile(r"(\d{1,2}|1 ?er|premier)[ .-]*([^\W\d_]+)[ .,،-]*(\d{4})")
_LEADING = re.compile(r"(?:(?:le|يوم) )?(?:([^\W\d_]+)[ ,،]+)?(?:le |يوم )?(?=\d|premier)")


def read_date(text: str, spec: Spec) -> Reading:
    """Read folded text as a day; the value is ISO `YYYY-MM-DD`."""
    bare = strip_edges(without_thanks(text))
    found = _near(bare, spec.today) or _written(bare)
    if found is None:
        return unclear("not-a-date")
    if spec.max_date is not None and found > spec.max_date:
        return unclear("out-of-range")
    return Reading(value=found.isoformat())


def _near(text: str, today: date | None) -> date | None:
    days = _NEAR.get(spaced(text))
    return None if days is None or today is None else today + timedelta(days=days)


def _written(text: str) -> date | None:
    """Read a written date; a weekday before it must be that date's."""
    lead = _LEADING.match(text)
    weekday = lead[1] if lead else None
    found = _plain(text[lead.end() :] if lead else text)
    if found is None or (weekday and _WEEKDAY.get(weekday) != found.weekday()):
        return None
    return found


def _plain(text: str) -> date | None:
    if found := _FIGURES.fullmatch(text):
        return _day(found[4], int(found[3]), found[1])
    if found := _ISO.fullmatch(text):
        return _day(found[1], int(found[3]), found[4])
    found = _NAMED.fullmatch(text)
    if found is None or found[2] not in _MONTH:
        return None
    return _day(found[3], _MONTH[found[2]], found[1] if found[1].isdigit() else "1")


def _day(year: str, month: int, day: str) -> date | None:
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        return None
    try:
        return date(int(year), month, int(day))
    except ValueError:
        return None
