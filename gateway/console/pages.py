"""The console's blueprint, the pages that show flows and events, and what every template shares."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from flask import Blueprint, abort, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from flows.model import Text
from flows.texts import Words
from gateway import log
from gateway.console import access, login, phone, queue, speech
from gateway.console.access import here
from gateway.console.words import event_name
from gateway.flowfiles import read
from gateway.metrics import STATES
from locales.tags import direction

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

console = Blueprint("console", __name__, template_folder="templates", static_folder="static", static_url_path="/static")
console.before_request(access.door)
console.add_url_rule("/login", "login", login.login, methods=["GET", "POST"])
console.add_url_rule("/login/once/<link>", "login_once", login.login_once)
console.add_url_rule("/logout", "logout", login.logout, methods=["POST"])
console.add_url_rule("/phone/inbox", "inbox", phone.inbox)
console.add_url_rule("/queue", "queue", queue.page)
console.add_url_rule("/queue/<message>/<action>", "steer", queue.steer, methods=["POST"])
console.add_url_rule("/campaigns", "campaigns", lambda: _campaigns().page())
console.add_url_rule("/campaigns/<name>", "campaign", lambda name: _campaigns().one(name))
console.add_url_rule(
    "/campaigns/<name>/<act>", "steer_campaign", lambda name, act: _campaigns().steer(name, act), methods=["POST"]
)
console.add_url_rule("/receipt", "receipt", lambda: _receipts().page())
console.add_url_rule("/reports", "reports", lambda: _reports().page())
console.add_url_rule("/reports/file", "report_file", lambda: _reports().file())

EVENTS = 100
LOOKED_THROUGH = 20 * EVENTS
ROUTINE = frozenset({"look-up"})
"""Kinds that are no news: a citizen who reads a menu would push a stopped channel off the page."""
FAULTS = (400, 401, 404, 413, 500)
"""What a fault page has words for; another status borrows the nearest."""


# Figures and reports are loaded by the first who looks at them: a start does not wait for pages.
def _reports() -> ModuleType:
    from gateway.console import reports

    return reports


def _receipts() -> ModuleType:
    from gateway.console import receipts

    return receipts


def _campaigns() -> ModuleType:
    from gateway.console import campaigns

    return campaigns


@console.app_context_processor
def shared() -> dict[str, object]:
    """Return what every template may use."""
    from reports.render_words import percent

    return {
        "say": speech.words(),
        "lang": speech.language(),
        "way": direction,
        "languages": speech.languages(),
        "token": access.token,
        "signed_in": access.signed_in(),
        "clock_known": here().watch.known,
        "undated": sum(span.answers for span in here().store.undated()) if access.signed_in() else 0,
        "demo": access.is_demo(),
        "gateway": here().settings.gateway,
        "moment": speech.moment,
        "number": speech.count,
        "amount": speech.amount,
        "signed_for": speech.signed,
        "percent": percent,
    }


@console.get("/")
def home() -> ResponseReturnValue:
    """Show the phone, the flows with their results, and to operators what waits and what was sent."""
    from gateway.console import figures

    project = here()
    return render_template(
        "home.html",
        phone=phone.phone(project, speech.words()),
        keywords=phone.keywords(project),
        refused=figures.refused(project),
        counts=project.store.counts(),
        drops=figures.drops(project),
        fallbacks=project.store.fallbacks(),
        **drawn(),
        **(workshop() if access.signed_in() else {}),
    )


def drawn() -> dict[str, object]:
    """Return what the figures of flows need, for the period asked for."""
    from gateway.console import figures
    from reports.render_words import Wording

    project, language = here(), speech.language()
    asked = request.args.get("period", "")
    period = asked if asked in figures.PERIODS else figures.DEFAULT_PERIOD
    return {
        "period": period,
        "periods": figures.PERIODS,
        "cards": figures.cards(project, language, figures.period_of(project, period)),
        "wording": Wording(project.texts, language),
        "rows": figures.rows,
    }


def workshop() -> dict[str, object]:
    """Return what only operators see on the first page."""
    project = here()
    return {
        "outbox": project.store.outbox_counts(),
        "states": STATES,
        "failed": project.store.outbox(("failed", "dead"), 5),
        "syncs": project.store.syncs(6),
        "synced": speech.synced,
        "carrier": speech.carrier,
        "national": project.settings.national.url,
        "room": project.store.room(),
    }


@console.get("/flows/<flow>")
def flow(flow: str) -> ResponseReturnValue:
    """Show one flow: how it goes, what it was answered, and what its file still lacks."""
    from gateway.console import figures

    project, made = here(), drawn()
    cards = made.pop("cards")
    card = next((one for one in cards if one.id == flow), None) if isinstance(cards, list) else None
    if card is None:
        abort(404)

    def words(text: Text, tag: str) -> Words:
        return project.texts.flow(text, tag, card.flow.language if card.flow else tag)

    said = figures.free_texts(project, card.flow) if card.flow and access.signed_in() else []
    return render_template("flow.html", card=card, words=words, native=project.texts.native, said=said, **made)


@console.get("/flows/<flow>/source")
def source(flow: str) -> ResponseReturnValue:
    """Show the file of a flow as it is, with what is wrong under its lines."""
    from gateway.console import figures

    project = here()
    file = figures.file_of(project, flow) if flow in project.library.flows else ""
    if not file:
        abort(404)
    wrong: dict[int, list[str]] = {}
    for problem in figures.problems_of(project, file):
        wrong.setdefault(problem.line, []).append(f"{problem.code}: {problem.message} {problem.remedy}")
    path = Path(file)
    return render_template("source.html", flow=flow, file=path.name, lines=read(path).splitlines(), wrong=wrong)


@console.get("/events")
def events() -> ResponseReturnValue:
    """List what happened lately; numbers in it are hidden, whoever wrote it."""
    say = speech.words()
    lately = [one for one in here().store.events(LOOKED_THROUGH) if one[1] not in ROUTINE][:EVENTS]
    shown = [(at, event_name(say, kind), kind, log.redact(detail)) for at, kind, detail in lately]
    return render_template("events.html", events=shown)


def fault(error: Exception) -> ResponseReturnValue:
    """Return a page for what cannot be shown, in plain words."""
    found = error if isinstance(error, HTTPException) else InternalServerError()
    if found.response is not None:
        return found.response
    status = found.code or 500
    known = status if status in FAULTS else 404 if status < 500 else 500
    return render_template("fault.html", known=known), status
