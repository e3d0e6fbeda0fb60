"""A citizen's rights: to be forgotten, and to see what is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from storage.postgres.connection import Connection
from storage.values import from_columns


def forget(connection: Connection, citizen: str) -> int:
    """Delete all that is kept of a citizen; return how many rows went."""
    row: Any = connection.execute("SELECT forget(%s, '', '')", (citizen,)).fetchone()
    return int(row[0])


MINE = {
    "citizen": "SELECT pseudonym, language, consented_at, place, stopped_at FROM citizens WHERE pseudonym = %s",
    "conversations": (
        "SELECT id, flow, version, language, bearer, channel, place, status, started_at, completed_at, updated_at,"
        " state FROM conversations WHERE citizen = %s ORDER BY seq"
    ),
    "answers": (
        "SELECT flow, step, kind, value, raw, language, bearer, channel, answered_at FROM answers"
        " WHERE citizen = %s ORDER BY seq"
    ),
    "inbound": (
        "SELECT id, channel, bearer, text, received_at, sent_at, conversation FROM messages"
        " WHERE citizen = %s ORDER BY seq"
    ),
    "outbound": "SELECT id, channel, text, state, created_at FROM outbox WHERE citizen = %s ORDER BY seq",
    "sessions": (
        "SELECT channel, session, service, path, opened_at, closed FROM sessions WHERE citizen = %s"
        " ORDER BY opened_at, channel, session"
    ),
    "reached": "SELECT channel, at FROM reached WHERE citizen = %s",
    "campaigns": (
        "SELECT campaign, round, state, asked_at FROM campaign_members WHERE citizen = %s ORDER BY campaign, round"
    ),
    "consents": "SELECT at, act, channel, words, proof, language, place FROM consents WHERE citizen = %s ORDER BY seq",
}


def mydata(connection: Connection, citizen: str) -> Mapping[str, object]:
    """Return all that is kept of a citizen, as plain data: `citizen` is None when nobody of that name is known."""
    found = {name: _records(connection, sql, citizen) for name, sql in MINE.items()}
    for answer in found["answers"]:
        answer["value"] = from_columns(str(answer.pop("kind")), str(answer["value"]))
    for conversation in found["conversations"]:
        conversation["state"] = json.loads(str(conversation["state"]))
    known = found.pop("citizen")
    return {"citizen": known[0] if known else None, **found}


def _records(connection: Connection, sql: str, citizen: str) -> list[dict[str, object]]:
    cursor = connection.execute(sql.encode(), (citizen,))
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]
