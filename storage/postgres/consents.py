"""The proof of what citizens want: written once, read by citizen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import astuple

from storage.consents import Consent, Standing
from storage.postgres.connection import Connection

INSERT = """
INSERT INTO consents (citizen, at, act, channel, words, proof, language, place, number)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
COLUMNS = "citizen, at, act, channel, words, proof, language, place, number"

STANDING = b"""
SELECT w.who, CASE WHEN c.stopped_at > 0 THEN 'stopped' WHEN c.pseudonym IS NOT NULL THEN 'known'
    WHEN e.citizen IS NOT NULL THEN 'erased'
    WHEN EXISTS (SELECT 1 FROM consents p WHERE p.citizen = w.who) THEN 'known' ELSE 'new' END
FROM unnest(%s::text[]) AS w (who)
LEFT JOIN citizens c ON c.pseudonym = w.who LEFT JOIN erased e ON e.citizen = w.who
"""
IS_THERE = b"SELECT 1 FROM consents WHERE citizen = %s AND act = 'imported' AND words = %s AND proof = %s"

BROUGHT_IN = f"""
SELECT DISTINCT ON (p.citizen) p.{COLUMNS.replace(", ", ", p.")}
FROM consents p LEFT JOIN citizens c ON c.pseudonym = p.citizen
WHERE p.act = 'imported' AND p.citizen > %s AND coalesce(c.stopped_at, 0) = 0
ORDER BY p.citizen, p.seq DESC LIMIT %s
"""  # noqa: S608 - constants only


def keep(connection: Connection, proof: Consent) -> None:
    """Keep a proof."""
    connection.execute(INSERT.encode(), astuple(proof))


def standing(connection: Connection, citizens: Sequence[str]) -> Mapping[str, Standing]:
    """Return how each citizen stands."""
    rows: Any = connection.execute(STANDING, (list(citizens),))
    return dict(rows.fetchall())


def bring_in(connection: Connection, proofs: Sequence[Consent]) -> int:
    """Keep the proofs of imports; return how many were kept."""
    kept = 0
    for proof in sorted(proofs, key=lambda proof: proof.citizen):
        connection.execute("SELECT pg_advisory_xact_lock(1, hashtext(%s))", (proof.citizen,))
        stands = standing(connection, [proof.citizen])[proof.citizen]
        there = connection.execute(IS_THERE, (proof.citizen, proof.words, proof.proof)).fetchone()
        if stands in ("new", "known") and there is None:
            keep(connection, proof)
            kept += 1
    return kept


def listing(connection: Connection, citizen: str) -> Sequence[Consent]:
    """Return a citizen's proofs, oldest first."""
    sql = f"SELECT {COLUMNS} FROM consents WHERE citizen = %s ORDER BY seq"  # noqa: S608 - constants only
    return [Consent(*row) for row in connection.execute(sql.encode(), (citizen,))]


def brought_in(connection: Connection, after: str, limit: int) -> Sequence[Consent]:
    """Return the newest import of each citizen who has not said stop, by pseudonym."""
    return [Consent(*row) for row in connection.execute(BROUGHT_IN.encode(), (after, limit))]
