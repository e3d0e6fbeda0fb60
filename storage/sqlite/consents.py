"""The proof of what citizens want: written once, read by citizen."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from msgspec.structs import astuple

from storage.consents import Consent, Standing

INSERT = (
    "INSERT INTO consents (citizen, at, act, channel, words, proof, language, place, number)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
SELECT = "SELECT citizen, at, act, channel, words, proof, language, place, number FROM consents"

STANDING = """
SELECT CASE WHEN c.stopped_at > 0 THEN 'stopped' WHEN c.pseudonym IS NOT NULL THEN 'known'
    WHEN e.citizen IS NOT NULL THEN 'erased'
    WHEN EXISTS (SELECT 1 FROM consents WHERE citizen = who) THEN 'known' ELSE 'new' END
FROM (SELECT ? AS who) LEFT JOIN citizens c ON c.pseudonym = who LEFT JOIN erased e ON e.citizen = who
"""

BROUGHT_IN = f"""
{SELECT} WHERE seq IN (
    SELECT MAX(p.seq) FROM consents p LEFT JOIN citizens c ON c.pseudonym = p.citizen
    WHERE p.act = 'imported' AND p.citizen > ? AND IFNULL(c.stopped_at, 0) = 0
    GROUP BY p.citizen ORDER BY p.citizen LIMIT ?)
ORDER BY citizen
"""  # noqa: S608 - constants only


def keep(connection: sqlite3.Connection, proofs: Sequence[Consent]) -> None:
    """Keep proofs."""
    connection.executemany(INSERT, [astuple(proof) for proof in proofs])


def standing(connection: sqlite3.Connection, citizens: Sequence[str]) -> Mapping[str, Standing]:
    """Return how each citizen stands."""
    return {who: connection.execute(STANDING, (who,)).fetchone()[0] for who in citizens}


def erased(connection: sqlite3.Connection, citizen: str) -> bool:
    """Tell whether a citizen was forgotten, and has not come back."""
    found: Standing = connection.execute(STANDING, (citizen,)).fetchone()[0]
    return found == "erased"


def bring_in(connection: sqlite3.Connection, proofs: Sequence[Consent]) -> int:
    """Keep the proofs of imports; return how many were kept."""
    kept = 0
    for proof in proofs:
        stands = standing(connection, [proof.citizen])[proof.citizen]
        if stands in ("new", "known") and not _is_there(connection, proof):
            keep(connection, [proof])
            kept += 1
    return kept


def _is_there(connection: sqlite3.Connection, proof: Consent) -> bool:
    found = connection.execute(
        "SELECT 1 FROM consents WHERE citizen = ? AND act = 'imported' AND words = ? AND proof = ?",
        (proof.citizen, proof.words, proof.proof),
    )
    return found.fetchone() is not None


def listing(connection: sqlite3.Connection, citizen: str) -> Sequence[Consent]:
    """Return a citizen's proofs, oldest first."""
    return [Consent(*row) for row in connection.execute(f"{SELECT} WHERE citizen = ? ORDER BY seq", (citizen,))]


def brought_in(connection: sqlite3.Connection, after: str, limit: int) -> Sequence[Consent]:
    """Return the newest import of each citizen who has not said stop, by pseudonym."""
    return [Consent(*row) for row in connection.execute(BROUGHT_IN, (after, limit))]
