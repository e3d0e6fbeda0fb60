"""The twelve regions, and what an HCP code or a week label must look like."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from msgspec import Struct

MOROCCO = ZoneInfo("Africa/Casablanca")
AREA = r"^(0[1-9]|1[0-2])(\.[0-9]{1,3}){0,4}\Z"
WEEK = r"^[0-9]{4}-W[0-9]{2}\Z"


class Region(Struct, frozen=True):
    """One region of Morocco: HCP code, ISO 3166-2 code, names, population of 2024."""

    code: str
    iso: str
    name_fr: str
    name_ar: str
    population: int


@cache
def regions() -> Mapping[str, Region]:
    """Return the twelve regions by HCP code, in its order."""
    text = files("national").joinpath("data/ma_regions.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["hcp_code"]: _region(row) for row in rows}


def _region(row: Mapping[str, str]) -> Region:
    return Region(row["hcp_code"], row["iso_3166_2"], row["name_fr"], row["name_ar"], int(row["population_2024"]))


def region_of(area: str) -> str:
    """Return the region code an HCP area code begins with."""
    return area[:2]


def last_day(week: str) -> date | None:
    """Return the Sunday of an ISO week label; None when there is no such week."""
    if not re.match(WEEK, week):
        return None
    try:
        return date.fromisocalendar(int(week[:4]), int(week[6:]), 7)
    except ValueError:
        return None


def first_day(week: str) -> date | None:
    """Return the Monday of an ISO week label; None when there is no such week."""
    sunday = last_day(week)
    return None if sunday is None else sunday - timedelta(days=6)


def is_over(week: str, now: int) -> bool:
    """Tell whether a week is over in Morocco at `now` (milliseconds UTC)."""
    sunday = last_day(week)
    today = datetime.fromtimestamp(now / 1000, UTC).astimezone(MOROCCO).date()
    return sunday is not None and sunday < today
