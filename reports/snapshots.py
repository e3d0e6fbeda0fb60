"""Snapshots: the cells of one flow version and period, numbered, ready to be carried.

A snapshot always holds absolute values, so that a lost, repeated or late one does no harm: whoever receives keeps the
highest `(epoch, seq)`. Each is made again from the rows kept; only the newest of a flow and period is ever sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from msgspec import Struct

from flows.model import Flow, Text
from flows.texts import Texts
from reports.cells import Mark, Question, Sheet, sheets
from reports.periods import UNKNOWN_DAY, Period, is_open, parse, week_of
from reports.wire import VERSION, Body, canonical, figures_digest, snapshot_path
from storage.store import Held, Store


class Sender(Struct, frozen=True):
    """Who sends: the gateway's id and the HCP code of its region, as the platform enrolled them."""

    gateway: str
    region: str


class Snapshot(Struct, frozen=True):
    """One numbered snapshot. `acked` when the platform has already said that it holds it."""

    flow: str
    flow_hash: str
    period: str
    epoch: int
    seq: int
    acked: bool
    data: bytes
    """The canonical body, as carried."""

    def path(self, gateway: str) -> str:
        """Return where this snapshot is put."""
        return snapshot_path(gateway, self.flow_hash, self.period)


def body(sheet: Sheet, sender: Sender, today: date, texts: Texts | None = None) -> Body:
    """Return what a snapshot says, before it is numbered. `final` once the period is over."""
    flow = sheet.flow
    return {
        "v": VERSION,
        "gateway": sender.gateway,
        "region": sender.region,
        "flow": flow.id,
        "flow_hash": flow.hash,
        "flow_version": flow.version,
        "title": words(flow.title, flow, texts),
        "sector": flow.sector,
        "period": sheet.period.label,
        "final": not is_open(sheet.period, today),
        "questions": [_question(question, flow, texts) for question in sheet.questions],
        "areas": list(sheet.areas),
        "cells": {name: [list(row) for row in rows] for name, rows in sheet.counts.items()},
        "walks": {"started": list(sheet.started), "completed": list(sheet.completed)},
    }


def number(plain: Body, held: Held, made_at: int) -> Snapshot:
    """Return the body with the numbers the store gave it."""
    whole = {**plain, "epoch": held.epoch, "seq": held.seq, "made_at": made_at}
    return Snapshot(
        flow=plain["flow"],
        flow_hash=held.flow_hash,
        period=held.period,
        epoch=held.epoch,
        seq=held.seq,
        acked=held.acked,
        data=canonical(whole),
    )


def snapshots(store: Store, sender: Sender, today: date, made_at: int, texts: Texts | None = None) -> list[Snapshot]:
    """Make the newest snapshot of every flow version and week that holds, or once held, an answer."""
    made = []
    epoch, before = store.epoch(), {(one.period, one.flow_hash): one for one in store.held()}
    for period in weeks(store.answer_days(), before.values()):
        known = [flow_hash for label, flow_hash in before if label == period.label]
        for sheet in sheets(store, period, sender.region, known):
            plain = body(sheet, sender, today, texts)
            held, digest = before.get((period.label, sheet.flow.hash)), figures_digest(plain)
            if held is None or (held.epoch, held.digest) != (epoch, digest):
                held = store.hold(sheet.flow.hash, period.label, digest)
            made.append(number(plain, held, made_at))
    return made


def weeks(days: Iterable[str], held: Iterable[Held] = ()) -> list[Period]:
    """Return the ISO weeks of these civil days and of the snapshots made before, oldest first.

    Undated days (`storage.undated`) belong to no week: they wait on the gateway until the clock is known.
    """
    labels = {week_of(date.fromisoformat(day)).label for day in days if not day.startswith(UNKNOWN_DAY)}
    labels |= {one.period for one in held}
    return [parse(label, date.min) for label in sorted(labels)]


def words(text: Text, flow: Flow, texts: Texts | None) -> dict[str, str]:
    """Return a flow's text in each language of the flow that really has it; a fallback is not a translation."""
    found = {flow.language: text.source, **text.inline}
    if texts is None:
        return found
    served = [(language, texts.flow(text, language, flow.language)) for language in flow.languages]
    return found | {language: one.text for language, one in served if one.language == language}


def _question(question: Question, flow: Flow, texts: Texts | None) -> Body:
    ask = question.ask
    return {
        "id": ask.id,
        "type": ask.type,
        "measure": ask.measure,
        "conditional": question.conditional,
        "text": words(ask.text, flow, texts),
        "options": [_option(mark, flow, texts) for mark in question.marks],
    }


def _option(mark: Mark, flow: Flow, texts: Texts | None) -> Body:
    return {"key": mark.key, "label": {} if mark.label is None else words(mark.label, flow, texts)}
