"""The pages: twelve regional sections, readable on a small screen, on 2G and without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from flask import Blueprint, abort, current_app, render_template, request

from national.figures import SECTORS
from national.publication import Publication, Week
from national.regions import MOROCCO
from national.store import Totals

blueprint = Blueprint("pages", __name__)

MONTHS = (
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()  # noqa: SIM905
)
FAULTS = {404: "Cette page n’existe pas.", 405: "Cette adresse ne s’utilise pas ainsi."}


@blueprint.get("/")
def index() -> str:
    """Show the twelve sections."""
    sections = _publication().sections()
    sums = [one.totals for one in sections]
    nation = Totals(*(sum(getattr(one, name) for one in sums) for name in Totals.__struct_fields__))
    gateways = sum(len(one.gateways) for one in sections)
    return render_template("index.html", sections=sections, nation=nation, gateways=gateways)


@blueprint.get("/regions/<code>")
def region(code: str) -> str:
    """Show one section, for one week."""
    section = _publication().section(code, request.args.get("period"))
    if section is None:
        abort(404)
    return render_template("region.html", section=section)


def fault_page(status: int) -> str:
    """Return a page that says what went wrong in plain words."""
    return render_template("fault.html", status=status, words=FAULTS.get(status, "La page ne peut pas être servie."))


@blueprint.app_template_filter("number")
def number(value: int) -> str:
    """Write a number as French does, with thin spaces that do not break."""
    return f"{value:,}".replace(",", "\u202f")


@blueprint.app_template_filter("words")
def words(labels: Mapping[str, str]) -> str:
    """Return a text in French, or in the first language it has."""
    return labels.get("fr") or next(iter(labels.values()), "")


@blueprint.app_template_filter("day")
def day(value: date) -> str:
    """Write a date in French."""
    return f"{_ordinal(value.day)} {MONTHS[value.month - 1]} {value.year}"


@blueprint.app_template_filter("span")
def span(week: Week) -> str:
    """Write the days of a week in French, nothing twice."""
    first, last = day(week.first), day(week.last)
    if week.first.year == week.last.year:
        first = first.rpartition(" ")[0]
        if week.first.month == week.last.month:
            first = first.rpartition(" ")[0]
    return f"du {first} au {last}"


@blueprint.app_template_filter("moment")
def moment(ms: int) -> str:
    """Write an instant in Morocco's time."""
    at = datetime.fromtimestamp(ms / 1000, UTC).astimezone(MOROCCO)
    return f"{day(at.date())}, {at:%H:%M}"


@blueprint.app_template_filter("sector")
def sector(name: str) -> str:
    """Return a sector's French name."""
    return SECTORS.get(name, name)


def _ordinal(number: int) -> str:
    return "1er" if number == 1 else str(number)


def _publication() -> Publication:
    found: Publication = current_app.extensions["national"]
    return found
