"""The reports page: an operator chooses place, period, language and form, and sees what officials read."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from flask import Response, render_template, request
from msgspec import Struct

from flows.encoding import measure
from flows.errors import AwalError
from gateway.console.access import here
from gateway.console.speech import language
from gateway.project import Project
from gateway.settings import LANGUAGES
from locales.places import Place
from reports.periods import parse, today_of
from reports.report import Report, build

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

PERIODS = ("this-week", "last-week", "this-month", "today")
FORMATS = ("html", "sms", "text")
"""What the page shows; CSV and PDF are files."""
FILES = {"csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}


class Wanted(Struct, frozen=True):
    """What was asked for; `other` is a period in writing, and wins over the one chosen from the list."""

    period: str
    other: str
    place: str
    language: str
    format: str

    @property
    def query(self) -> dict[str, str]:
        """Return the same as arguments of an address."""
        return {name: getattr(self, name) for name in ("period", "other", "place", "language")}


class Branch(Struct, frozen=True):
    """A place and those below it, for the list of places."""

    place: Place
    below: tuple[Place, ...]


def page() -> ResponseReturnValue:
    """Let the operator choose a report, and show it."""
    project = here()
    wanted = read(request.args, project)
    problem, shown = "", ""
    try:
        shown = str(drawn(project, wanted))
    except AwalError as error:
        problem = str(error)
    return render_template(
        "reports.html",
        wanted=wanted,
        periods=PERIODS,
        branches=branches(project),
        formats=FORMATS,
        offered=project.settings.gateway.languages,
        native=project.texts.native,
        name=lambda place: place.name(language()),
        problem=problem,
        shown=shown,
        measured=measure(shown.strip()),
        pdf=find_spec("weasyprint") is not None,
    ), 400 if problem else 200


def file() -> ResponseReturnValue:
    """Answer the report by itself: a page under its own strict policy, or a file to keep."""
    from reports.render_html import content_policy

    project = here()
    wanted = read(request.args, project)
    try:
        body = drawn(project, wanted)
    except AwalError as error:
        return Response(f"{error}\n", 400, content_type="text/plain; charset=utf-8")
    if wanted.format in FILES:
        name = f"awal-{wanted.place or 'all'}-{wanted.other or wanted.period}.{wanted.format}"
        response = Response(body, content_type=FILES[wanted.format])
        response.headers.set("Content-Disposition", "attachment", filename=name)
        return response
    if wanted.format != "html":
        return Response(body, content_type="text/plain; charset=utf-8")
    response = Response(body, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = f"{content_policy(str(body))}; frame-ancestors 'self'"
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def read(given: Mapping[str, str], project: Project) -> Wanted:
    """Return what an address asks for; what it leaves open, or has wrong, takes its default."""

    def one_of(name: str, known: tuple[str, ...]) -> str:
        return given[name] if given.get(name) in known else known[0]

    spoken = project.settings.gateway.languages
    tongue = given.get("language", "")
    return Wanted(
        period=one_of("period", PERIODS),
        other=given.get("other", "").strip()[:40],
        place=given.get("place", "").strip()[:40],
        language=tongue if tongue in LANGUAGES else language() if language() in spoken else spoken[0],
        format=one_of("format", (*FORMATS, *FILES)),
    )


def drawn(project: Project, wanted: Wanted) -> str | bytes:
    """Return the report; raises AwalError for a period, place or form that cannot be had."""
    from reports.render import render

    return render(report(project, wanted), wanted.format, wanted.language, project.texts)


def report(project: Project, wanted: Wanted) -> Report:
    """Return the figures, small ones held back: this is the officials' report, not the operator's view."""
    gateway = project.settings.gateway
    today = today_of(project.clock(), gateway.timezone)
    period = parse(named(wanted), today)
    return build(project.store, period, wanted.place, project.texts, today, region=gateway.region)


def named(wanted: Wanted) -> str:
    """Return the period as `reports.periods.parse` reads it; the last week has no name there."""
    return wanted.other or ("" if wanted.period == "last-week" else wanted.period)


def branches(project: Project) -> list[Branch]:
    """Return the places to choose from: the gateway's region with provinces and communes, or every region."""
    places, region = project.texts.places, project.settings.gateway.region
    roots = [place for place in places.children("") if not region or place.code == region]
    made = [Branch(root, tuple(places.children(root.code))) for root in roots]
    if region:
        made += [Branch(one, tuple(places.children(one.code))) for root in roots for one in places.children(root.code)]
    return made
