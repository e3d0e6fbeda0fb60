"""A citizen's rights: to be forgotten, and to see what is kept."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from storage.sqlite import rolling
from storage.sqlite.own import INBOUNDS
from storage.values import from_columns

FORGET = (
    "DELETE FROM answers WHERE conversation IN (SELECT id FROM conversations WHERE citizen = ?)",
    "DELETE FROM conversations WHERE citizen = ?",
    "DELETE FROM sessions WHERE citizen = ?",
    "DELETE FROM sessions WHERE person = ? AND person <> ''",
    "DELETE FROM outbox WHERE citizen = ?",
    "DELETE FROM events WHERE citizen = ? AND citizen <> ''",
    "DELETE FROM consents WHERE citizen = ?",
    "DELETE FROM citizens WHERE pseudonym = ?",
)

# The provider's message id stays, so that a late repeat is still no new message. It hears `reply`, which is the last
# word about the citizen: what their data said before is gone.
FORGET_INBOUND = f"""
UPDATE inbound SET id = '', citizen = '', text = '', received_at = 0, session = '', sent_at = NULL, conversation = '',
    reply = CASE channel WHEN :channel THEN :reply ELSE x'' END
WHERE seq IN ({INBOUNDS})
"""  # noqa: S608 - constants only


def forget(connection: sqlite3.Connection, citizen: str, channel: str = "", reply: bytes = b"") -> int:
    """Delete all that is kept of a citizen; return how many rows went."""
    if not citizen:
        return 0
    rolling.thaw_citizen(connection, citizen)
    given = {"citizen": citizen, "channel": channel, "reply": reply}
    gone = connection.execute(FORGET_INBOUND, given).rowcount
    connection.execute("INSERT OR IGNORE INTO erased VALUES (?)", (citizen,))
    return gone + sum(connection.execute(sql, (citizen,)).rowcount for sql in FORGET)


MINE = {
    "citizen": "SELECT pseudonym, language, consented_at, place, stopped_at FROM citizens WHERE pseudonym = :citizen",
    "conversations": (
        "SELECT id, flow, version, language, bearer, channel, place, status, started_at, completed_at, updated_at"
        " FROM conversations WHERE citizen = :citizen ORDER BY seq"
    ),
    "answers": (
        "SELECT a.flow, a.step, a.kind, a.value, a.raw, a.language, a.bearer, a.channel, a.answered_at"
        " FROM answers a JOIN conversations c ON c.id = a.conversation WHERE c.citizen = :citizen ORDER BY a.seq"
    ),
    "inbound": (
        "SELECT id, channel, bearer, text, received_at, sent_at, conversation FROM inbound"  # noqa: S608 - a constant
        f" WHERE seq IN ({INBOUNDS}) ORDER BY seq"
    ),
    "outbound": "SELECT id, channel, text, state, created_at FROM outbox WHERE citizen = :citizen ORDER BY seq",
    "sessions": (
        "SELECT channel, session, service, path, opened_at, closed FROM sessions WHERE citizen = :citizen"
        " ORDER BY opened_at, channel, session"
    ),
    "reached": "SELECT channel, at FROM reached WHERE citizen = :citizen",
    "campaigns": (
        "SELECT campaign, round, state, asked_at FROM campaign_members WHERE citizen = :citizen"
        " ORDER BY campaign, round"
    ),
    "consents": (
        "SELECT at, act, channel, words, proof, language, place FROM consents WHERE citizen = :citizen ORDER BY seq"
    ),
}


def mydata(connection: sqlite3.Connection, citizen: str) -> Mapping[str, object]:
    """Return all that is kept of a citizen, as plain data: `citizen` is None when nobody of that name is known."""
    found = {name: _records(connection, sql, citizen) for name, sql in MINE.items()}
    for answer in found["answers"]:
        answer["value"] = from_columns(str(answer.pop("kind")), str(answer["value"]))
    states = connection.execute("SELECT state FROM conversations WHERE citizen = ? ORDER BY seq", (citizen,))
    for conversation, (state,) in zip(found["conversations"], states, strict=True):
        conversation["state"] = json.loads(state)
    known = found.pop("citizen")
    return {"citizen": known[0] if known else None, **found}


def _records(connection: sqlite3.Connection, sql: str, citizen: str) -> list[dict[str, object]]:
    cursor = connection.execute(sql, {"citizen": citizen})
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
