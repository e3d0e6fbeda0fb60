"""The conversations behind a receipt number, for an operator whom a citizen asks what became of their word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.receipt import receipt_test

if TYPE_CHECKING:
    from storage.store import AnswerRow, Store


def behind(store: Store, number: str) -> list[list[AnswerRow]]:
    """Return the answers of each conversation with this number; two are possible among hundreds of millions."""
    rows: dict[str, list[AnswerRow]] = {}
    for row in store.answers_of(receipt_test(number)):
        rows.setdefault(row.conversation, []).append(row)
    return list(rows.values())
