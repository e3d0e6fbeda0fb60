"""What people do to a campaign: start, approve, pause, resume, stop it. Each is kept, with who did it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from flows.errors import AwalError
from gateway.campaigns import files
from gateway.campaigns.preview import Preview, preview
from gateway.campaigns.record import Approval, Kept, Record, begin, change, read
from storage.campaigns import ENDED, CampaignState

if TYPE_CHECKING:
    from gateway.project import Project


def start(project: Project, name: str, operator: str = "", seen: str = "") -> Kept:
    """Draw the citizens, and let the campaign run, or wait for a second person where it asks many.

    `operator` was proved (`operators.proved`); `seen` is the digest of the preview that was looked at: where it has
    changed since, nothing is started. A campaign is started once: the next one has a name of its own.
    """
    now, before = project.clock(), read(project.store, name)
    if before is not None and before.state not in ENDED:
        raise AwalError(f"{name}: this campaign is {before.state} already. See awal campaign status {name}")
    if before is not None:
        raise AwalError(f"{name}: this campaign is over. Give the next one a name of its own: campaigns/{name}-2.yaml")
    found = preview(project, files.campaign(project, name), now)
    _may_start(found, operator, seen)
    record = found.record
    if operator:
        record = replace(record, approvals=(Approval(operator, now, record.digest),))
    state: CampaignState = "waiting" if found.two else "running"
    project.store.draw_members(name, 0, [one.citizen for one in found.members])
    if not begin(project.store, record, state, now):
        raise AwalError(f"{name}: somebody else started it at this moment. See awal campaign status {name}")
    project.note("campaign", f"{name}: started by {operator or 'an operator'}, {state}: {record.size} citizens")
    return _now(project, name)


def _may_start(found: Preview, operator: str, seen: str) -> None:
    name, digest = found.campaign.id, found.record.digest
    if not found.size:
        raise AwalError(f"{name}: nobody fits this audience. See awal campaign preview {name}")
    if seen and seen != digest:
        raise AwalError(
            f"{name}: it is another campaign than the one looked at ({digest}, not {seen}). Preview it again."
        )
    if found.two and not operator:
        raise AwalError(
            f"{name}: {found.size} citizens are asked: say who starts it. awal campaign start {name} --as NAME"
        )


def approve(project: Project, name: str, operator: str, seen: str = "") -> Kept:
    """Sign a campaign that waits, as a second person; it runs from then on.

    What is signed is the digest of exactly this file, flow, number of citizens and cost. Where the file or the flow
    is another than at the start, the campaign goes back to who starts it, and all approvals are void.
    """
    now = project.clock()

    def turn(kept: Kept) -> tuple[Record, CampaignState]:
        record = kept.record
        if kept.state != "waiting":
            raise AwalError(f"{name}: this campaign is {kept.state}; nothing waits for an approval.")
        if seen and seen != record.digest:
            raise AwalError(
                f"{name}: {seen} is not what waits for approval, which is {record.digest}. Look at it again."
            )
        if operator in {one.operator for one in record.approvals}:
            raise AwalError(f"{name}: {operator} has signed already. A second person must look at it.")
        return replace(record, approvals=(*record.approvals, Approval(operator, now, record.digest))), "running"

    waits = read(project.store, name)
    if waits is not None and waits.state == "waiting" and not unchanged(project, waits.record):
        _void(project, name, now)
        raise AwalError(
            f"{name}: its file or its flow has changed since it was started, so that what was signed is void. "
            "It is stopped; start it anew under another name."
        )
    kept = change(project.store, name, now, turn)
    project.note("campaign", f"{name}: approved by {operator} ({kept.record.digest})")
    return kept


def unchanged(project: Project, record: Record) -> bool:
    """Tell whether file and flow still say what was signed."""
    try:
        plan = files.campaign(project, record.plan.id)
        flow = files.flow_of(project, plan)
    except AwalError:
        return False
    return (plan.hash, flow.hash) == (record.plan.hash, record.flow_hash)


def _void(project: Project, name: str, now: int) -> None:
    """End a campaign whose approval is void, unless it has begun to run."""

    def turn(kept: Kept) -> tuple[Record, CampaignState]:
        if kept.state != "waiting":
            return kept.record, kept.state
        return replace(kept.record, approvals=(), reason="changed before it was approved"), "stopped"

    change(project.store, name, now, turn)


def pause(project: Project, name: str) -> Kept:
    """Ask nobody more for now; what is queued and has not left is taken back."""
    kept = _move(project, name, "running", "paused")
    taken = project.store.take_back(name)
    project.note("campaign", f"{name}: paused, {taken} messages taken back")
    return kept


def resume(project: Project, name: str) -> Kept:
    """Go on where the pause began: who was taken back is asked again."""
    kept = _move(project, name, "paused", "running")
    project.note("campaign", f"{name}: resumed")
    return kept


def stop(project: Project, name: str, reason: str = "an operator stopped it") -> Kept:
    """End a campaign for good; conversations that began go on."""

    def turn(kept: Kept) -> tuple[Record, CampaignState]:
        if kept.state in ENDED:
            raise AwalError(f"{name}: this campaign is over already.")
        return replace(kept.record, reason=reason), "stopped"

    kept = change(project.store, name, project.clock(), turn)
    taken = project.store.take_back(name)
    project.note("campaign", f"{name}: stopped, {reason}; {taken} messages taken back")
    return kept


def _move(project: Project, name: str, source: CampaignState, target: CampaignState) -> Kept:
    def turn(kept: Kept) -> tuple[Record, CampaignState]:
        if kept.state != source:
            raise AwalError(f"{name}: this campaign is {kept.state}, not {source}.")
        return kept.record, target

    return change(project.store, name, project.clock(), turn)


def _now(project: Project, name: str) -> Kept:
    kept = read(project.store, name)
    if kept is None:
        raise AwalError(f"{name}: the campaign was not kept. Try again.")
    return kept
