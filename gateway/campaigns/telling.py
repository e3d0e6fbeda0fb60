"""Campaigns as plain data, for `--json`, for tables and for the console. No number, no pseudonym is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.campaigns import files, life
from gateway.campaigns.figures import Standing, standing
from gateway.campaigns.preview import Preview, preview
from gateway.campaigns.price import Amount
from gateway.campaigns.record import Kept, read, read_all
from gateway.sending.civil import Civil
from storage.campaigns import Figures

if TYPE_CHECKING:
    from gateway.project import Project

Document = dict[str, object]


def previewed(project: Project, name: str, level: str = "province") -> Document:
    """Return the preview of a campaign on the citizens there are now."""
    return preview_document(project, preview(project, files.campaign(project, name), project.clock()), level)


def preview_document(project: Project, found: Preview, level: str = "province") -> Document:
    """Return a preview as plain data; counts by place that are too small are None."""
    civil = Civil(project.settings.gateway.timezone)

    def at(moment: int) -> str | None:
        return f"{civil.at(moment):%Y-%m-%d %H:%M}" if moment else None

    return {
        "campaign": found.campaign.id,
        "title": found.campaign.title,
        "flow": found.campaign.flow,
        "digest": found.record.digest,
        "citizens": found.size,
        "fitting": found.fitting,
        "rounds": found.campaign.rounds,
        "languages": found.languages(),
        "channels": found.channels(),
        "level": level,
        "places": [
            {"place": code, "name": _place(project, code), "citizens": count}
            for code, count in found.places(level).items()
        ],
        "segments": _amount(found.total.sent),
        "money": {name: _amount(one, 2) for name, one in found.total.money.items()},
        "waves": [
            {"citizens": wave.size, "begins": at(wave.begins), "sent_by": at(wave.sent_by)} for wave in found.waves
        ],
        "ends": at(found.ends),
        "approvals": 2 if found.two else 1,
        "threshold": project.settings.campaigns.threshold,
    }


def _place(project: Project, code: str) -> str:
    place = project.texts.places.get(code) if code else None
    return place.name("fr") if place else ""


def _amount(amount: Amount, digits: int = 0) -> Document:
    return {name: round(getattr(amount, name), digits) for name in ("least", "expected", "worst")}


def listed(project: Project) -> list[Document]:
    """Return every campaign of the project, started or not, by name."""
    started = {kept.row.name: kept for kept in read_all(project.store)}
    names = sorted({path.stem for path in files.files(project)} | started.keys())
    return [_row(project, name, started.get(name)) for name in names]


def _row(project: Project, name: str, kept: Kept | None) -> Document:
    if kept is not None:
        return status_document(project, standing(project, kept, project.clock()))
    loaded = files.check(project, project.directory / files.FOLDER / f"{name}.yaml")
    return {
        "campaign": name,
        "title": loaded.campaign.title if loaded.campaign else "",
        "flow": loaded.campaign.flow if loaded.campaign else "",
        "state": "ready" if loaded.campaign else "wrong",
        "reason": "" if loaded.campaign else str(loaded.problems[0]),
    }


def status(project: Project, name: str) -> Document:
    """Return how a campaign stands; raises AwalError when there is none of this name."""
    kept = read(project.store, name)
    if kept is None:
        files.campaign(project, name)
        return _row(project, name, None)
    return status_document(project, standing(project, kept, project.clock()))


def status_document(project: Project, found: Standing) -> Document:
    """Return how a campaign stands as plain data."""
    record, all_ = found.kept.record, found.of()
    return {
        "campaign": record.plan.id,
        "title": record.plan.title,
        "flow": record.plan.flow,
        "state": found.kept.state,
        "reason": record.reason,
        "digest": record.digest,
        "citizens": record.size,
        "cost": record.cost,
        "approved_by": [one.operator for one in record.approvals],
        "changed": not life.unchanged(project, record),
        "round": record.round + 1,
        "rounds": record.plan.rounds,
        "wave": record.wave + 1,
        "waves": len(record.plan.waves),
        "done": found.done,
        "total": found.total,
        **_counts(all_),
        "segments": found.segments,
        "spent": round(found.spent, 2),
        "currency": found.currency,
        "each": [{"round": one.round + 1, "wave": one.wave + 1, **_counts(one)} for one in found.waves],
    }


def perform(project: Project, act: str, name: str, operator: str = "", seen: str = "") -> Document:
    """Do what a person asks of a campaign, and return how it stands then. `operator` was proved before."""
    if act == "start":
        life.start(project, name, operator, seen)
    elif act == "approve":
        life.approve(project, name, operator, seen)
    else:
        {"pause": life.pause, "resume": life.resume, "stop": life.stop}[act](project, name)
    project.grown()
    return status(project, name)


def _counts(figures: Figures) -> Document:
    return {name: getattr(figures, name) for name in Figures.__struct_fields__}
