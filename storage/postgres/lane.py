"""The conversation lane: what one inbound needs is read by one statement, what it changes is kept by one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import asdict

from flows.types import Conversation
from storage.errors import StoreError
from storage.moments import civil_day_of, milliseconds
from storage.outgoing import GRACE, STOPPED, UNASKED, OutboundRow, refused
from storage.postgres.connection import Connection
from storage.postgres.words import document, hexadecimal
from storage.store import Accepted, AnswerRow, Change, Citizen, Dialogue, Saved, Session
from storage.values import to_columns

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Conversation).decode

# One statement, hence one snapshot: a session and a conversation of two different moments would be misread together.
DIALOGUE = b"""
SELECT i.reply, i.citizen,
    c.pseudonym, c.language, c.consented_at, c.place, c.stopped_at,
    s.channel, s.session, s.citizen, s.service, s.path, s.reply, s.conversation, s.opened_at, s.closed, s.person,
    v.state, v.revision, v.asked_at
FROM (SELECT 1) AS one
LEFT JOIN inbound i ON i.channel = %(channel)s AND i.external_id = %(external_id)s
LEFT JOIN citizens c ON c.pseudonym = %(citizen)s
LEFT JOIN sessions s ON s.channel = %(channel)s AND s.session = %(session)s
LEFT JOIN LATERAL (
    SELECT state, revision, asked_at FROM conversations WHERE citizen = %(citizen)s AND status = 'active'
    ORDER BY seq DESC LIMIT 1
) AS v ON true
"""
ACCEPT = b"SELECT outcome, told FROM accept(convert_from(%s, 'UTF8')::jsonb)"
ACCEPT_AND_REACH = b"""
SELECT outcome, told, CASE outcome WHEN 'taken' THEN reach(%s, %s, %s, %s) END
FROM accept(convert_from(%s, 'UTF8')::jsonb)
"""
MONTH = """
CREATE TABLE IF NOT EXISTS messages_{name} PARTITION OF messages FOR VALUES FROM ({first}) TO ({last})
"""


def dialogue(connection: Connection, channel: str, external_id: str, citizen: str, session: str) -> Dialogue:
    """Read the citizen, the session, the open conversation, and the stored reply if this inbound was taken before."""
    given = {"channel": channel, "external_id": external_id, "citizen": citizen, "session": session}
    row: Any = connection.execute(DIALOGUE, given, prepare=True).fetchone()
    return Dialogue(
        citizen=Citizen(*row[2:7]) if row[2] is not None else None,
        session=Session(*row[7:17]) if row[7] is not None else None,
        current=Saved(decode(row[17]), row[18], row[19]) if row[17] is not None else None,
        reply=row[0] if row[1] in ("", citizen) else None,
        foreign=row[1] not in (None, "", citizen),
    )


def accept(connection: Connection, change: Change, zone: ZoneInfo) -> Accepted:
    """Keep one inbound with all it changes, or nothing: a repeat and a conflict leave no trace."""
    given: tuple[object, ...] = (document(_plain(change, zone)),)
    sql = ACCEPT
    if change.reach and not change.erase and not change.citizen.stopped_at:
        sql = ACCEPT_AND_REACH
        inbound = change.inbound
        given = (change.citizen.pseudonym, change.reach, inbound.channel, inbound.received_at, *given)
    row: Any = connection.execute(sql, given, prepare=True).fetchone()
    outcome, told = row[:2]
    if outcome == "repeat":
        return Accepted("repeat", told)
    return Accepted("taken", change.reply) if outcome == "taken" else Accepted("conflict")


def make_month(connection: Connection, at: int) -> str:
    """Make the part of `messages` that holds a moment; return the month's name."""
    day = datetime.fromtimestamp(at / 1000, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = day.replace(year=day.year + day.month // 12, month=day.month % 12 + 1)
    first, last = (int(one.timestamp()) * 1000 for one in (day, following))
    connection.execute("SELECT pg_advisory_xact_lock(6, 0)")
    connection.execute(MONTH.format(name=f"{day:%Y_%m}", first=first, last=last).encode())
    return month_of(at)


def month_of(at: int) -> str:
    """Return the month of a moment, as the parts of `messages` are cut."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m}"


def _plain(change: Change, zone: ZoneInfo) -> dict[str, object]:
    """Return a change as the function `accept` reads it; what is empty is left out."""
    row, state = change.inbound, change.conversation
    conversation = row.conversation or (state.id if state else "")
    outbound = change.outbound
    if change.erase:
        outbound = [msgspec.structs.replace(one, citizen="", conversation="") for one in outbound]
    made: dict[str, object] = {
        "inbound": {**asdict(row), "conversation": conversation},
        "reply": hexadecimal(change.reply),
        "citizen": asdict(change.citizen),
        "base": change.base,
        "closes": change.closes,
    }
    ended = ([change.closes] if change.closes else []) + ([state.id] if state and state.status != "active" else [])
    touched = {row.conversation for row in change.answers} | {change.closes} | ({state.id} if state else set())
    optional: dict[str, object] = {
        "conversation": state and _walk(change, state, zone),
        "session": change.session and {**asdict(change.session), "reply": hexadecimal(change.session.reply)},
        "reopens": change.reopens,
        "forgets": change.forget_answers and state is not None,
        "withdrawn": list(change.withdrawn) if state else [],
        "touches": sorted(touched - {""}),
        "answers": _answers(change),
        "ended": ended,
        "outbound": messages(outbound),
        "fallbacks": dict(change.fallbacks),
        "events": [list(one) for one in change.events],
        "consents": [{**asdict(proof), "number": hexadecimal(proof.number)} for proof in change.consents],
        "erase": change.erase,
        "stopped": change.citizen.stopped_at and STOPPED,
        "until": ended and row.received_at + GRACE,
    }
    return made | {name: value for name, value in optional.items() if value}


def _walk(change: Change, state: Conversation, zone: ZoneInfo) -> dict[str, object]:
    return {
        "id": state.id,
        "citizen": change.citizen.pseudonym,
        "flow": state.flow,
        "version": state.version,
        "flow_hash": state.flow_hash,
        "language": state.language,
        "bearer": state.bearer,
        "channel": change.channel or change.inbound.channel,
        "place": state.place,
        "status": state.status,
        "revision": 1,
        "state": encode(state).decode(),
        "day": change.day or civil_day_of(state.started_at, zone),
        "started_at": milliseconds(state.started_at),
        "completed_at": milliseconds(state.updated_at) if state.status == "done" else 0,
        "updated_at": milliseconds(state.updated_at),
        "rolled": False,
        "recipient": hexadecimal(change.recipient),
        "due_at": change.due_at,
    }


def _answers(change: Change) -> list[dict[str, object]]:
    """Return the answers that count: of two to one step, the later."""
    last: dict[tuple[str, str], AnswerRow] = {}
    for row in change.answers:
        last.pop((row.conversation, row.step), None)
        last[row.conversation, row.step] = row
    return [asdict(row) | dict(zip(("kind", "value"), to_columns(row.value), strict=True)) for row in last.values()]


def messages(rows: Any) -> list[dict[str, object]]:
    """Return messages as the function `queue` reads them; one that may not be sent at all raises StoreError."""
    return [_message(row) for row in rows]


def _message(row: OutboundRow) -> dict[str, object]:
    if wrong := refused(row):
        raise StoreError(wrong)
    return {**asdict(row), "recipient": hexadecimal(row.recipient), "unasked": row.kind in UNASKED}
