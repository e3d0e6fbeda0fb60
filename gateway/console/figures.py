"""What the first page and a flow's page draw: flows with their answers, counted live from the store's rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from flows.model import Flow
from flows.texts import Words
from gateway import log
from gateway.project import Project
from reports.periods import Period, parse, today_of
from reports.questions import Question
from reports.render_words import Row, Wording
from reports.report import FlowReport, live

if TYPE_CHECKING:
    from flows.load.problem import Problem

PERIODS = ("today", "this-week", "this-month")
DEFAULT_PERIOD = "this-week"
MOST_PLACES = 6
"""Places drawn one by one; the others are one bar."""
FREE_TEXTS = 20
FREE_TEXT_DAYS = 7
DAY = 86_400_000
RECENT = 500
"""How many of the last events are looked through for lost sessions."""


class Card(Struct, frozen=True):
    """One flow with its figures of a period. `flow` is None for one that is no longer served."""

    id: str
    title: Words
    flow: Flow | None = None
    report: FlowReport | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def begun(self) -> int:
        """Return the conversations begun."""
        return (self.report.begun if self.report else 0) or 0

    @property
    def completed(self) -> int:
        """Return those that reached the end."""
        return (self.report.completed if self.report else 0) or 0


class Said(Struct, frozen=True):
    """A free answer, for the operator's eyes: when, to which step, what."""

    at: int
    step: str
    text: str


class Refused(Struct, frozen=True):
    """A file of `flows/` that is not served, and why."""

    file: str
    problems: tuple[Problem, ...]


def period_of(project: Project, name: str) -> Period:
    """Return a running period by its name; an unknown name is this week."""
    today = today_of(project.clock(), project.settings.gateway.timezone)
    return parse(name if name in PERIODS else DEFAULT_PERIOD, today)


def cards(project: Project, language: str, period: Period) -> list[Card]:
    """Return every flow being served, then those that were and have answers in the period."""
    met = {one.flow: one for one in live(project.store, period)}
    served, problems = project.library.flows, project.files.problems
    made = [_card(project, language, flow, met.get(flow.id), problems) for flow in served.values()]
    gone = [one for one in met.values() if one.flow not in served]
    return made + [Card(one.flow, project.texts.flow(one.title, language, one.source), report=one) for one in gone]


def _card(project: Project, language: str, flow: Flow, report: FlowReport | None, problems: Sequence[Problem]) -> Card:
    title = project.texts.flow(flow.title, language, flow.language)
    file = file_of(project, flow.id)
    return Card(flow.id, title, flow, report, tuple(one for one in problems if one.file == file))


def file_of(project: Project, flow: str) -> str:
    """Return the path of the file that a served flow comes from; empty when it is gone."""
    served = (one.file for one in project.files.loaded if one.sound and one.flow is not None and one.flow.id == flow)
    return next(served, "")


def problems_of(project: Project, file: str) -> tuple[Problem, ...]:
    """Return what `awal check` says of a file."""
    return tuple(one for one in project.files.problems if one.file == file)


def refused(project: Project) -> list[Refused]:
    """Return the files that are not served, each with its errors."""
    files = [one.file for one in project.files.loaded if not one.sound]
    wrong = [one for one in project.files.problems if one.level == "error"] if files else []
    return [Refused(file.rpartition("/")[2], tuple(one for one in wrong if one.file == file)) for file in files]


def rows(question: Question, report: FlowReport, wording: Wording) -> tuple[list[Row], Row | None]:
    """Return the bars of a question, and for places the one that sums up those beyond the first few."""
    drawn = [row for row in wording.rows(question, report) if row.count or question.type != "place"]
    if question.type != "place" or len(drawn) <= MOST_PLACES + 1:
        return drawn, None
    rest = drawn[MOST_PLACES:]
    total = sum(row.count or 0 for row in rest)
    labels = tuple(label for row in rest for label in row.labels)
    return drawn[:MOST_PLACES], Row(labels, total, total / question.n if question.n else 0)


def drops(project: Project) -> int:
    """Return how many of the last events are USSD sessions that providers reported as lost."""
    return Counter(kind for _, kind, _ in project.store.events(RECENT))["ussd-drop"]


def free_texts(project: Project, flow: Flow) -> Sequence[Said]:
    """Return the newest free answers to a flow, newest first; numbers that citizens wrote in them are hidden."""
    asked = [ask.id for ask in flow.questions if ask.type == "text"]
    since = project.clock() - FREE_TEXT_DAYS * DAY
    rows = project.store.words(flow.id, asked, since, FREE_TEXTS) if asked else ()
    return [Said(row.answered_at, row.step, log.redact(str(row.value))) for row in rows]
