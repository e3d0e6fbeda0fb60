"""Makers of what the store's tests keep: a change, a conversation, an answer, a message, with plain defaults."""

from __future__ import annotations

from datetime import UTC, datetime

from flows.model import Value
from flows.types import Conversation, Status
from storage.store import AnswerRow, Change, Citizen, InboundRow, OutboundRow, Session

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = "2026-11-23"


def conversation(
    id: str = "c1",
    flow: str = "water",
    status: Status = "active",
    place: str = "",
    language: str = "fr",
    answers: dict[str, Value] | None = None,
    started: datetime = NOON,
) -> Conversation:
    return Conversation(
        id=id,
        bearer="ussd",
        flow=flow,
        version=1 if flow else 0,
        flow_hash=f"hash-{flow}" if flow else "",
        language=language,
        status=status,
        place=place,
        answers=answers or {},
        started_at=started,
        updated_at=started,
    )


def inbound(external_id: str, citizen: str = "amina", channel: str = "at", session: str = "") -> InboundRow:
    return InboundRow(
        id=f"id-{external_id}",
        channel=channel,
        external_id=external_id,
        citizen=citizen,
        bearer="ussd",
        text="1",
        received_at=1_000,
        session=session,
    )


def change(
    external_id: str,
    state: Conversation | None = None,
    citizen: str = "amina",
    base: int = 0,
    reply: bytes | None = None,
    session: Session | None = None,
    **rest: object,
) -> Change:
    return Change(
        inbound=inbound(external_id, citizen, session=session.session if session else ""),
        reply=f"CON {external_id}".encode() if reply is None else reply,
        citizen=Citizen(citizen, "fr"),
        conversation=state,
        base=base,
        channel="at",
        session=session,
        **rest,
    )


def answer(
    step: str = "supply", value: Value = "yes", conversation: str = "c1", day: str = DAY, at: int = 1_000
) -> AnswerRow:
    return AnswerRow(
        id=f"a-{conversation}-{step}-{at}",
        conversation=conversation,
        citizen="amina",
        flow="water",
        flow_version=1,
        flow_hash="hash-water",
        step=step,
        value=value,
        raw=str(value),
        language="fr",
        bearer="ussd",
        channel="at",
        answered_at=at,
        day=day,
    )


def message(id: str, citizen: str = "amina", channel: str = "at", **rest: object) -> OutboundRow:
    return OutboundRow(
        id=id,
        citizen=citizen,
        channel=channel,
        recipient=b"sealed",
        text=f"text {id}",
        encoding="gsm7",
        segments=1,
        created_at=1_000,
        **rest,
    )
