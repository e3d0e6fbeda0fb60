"""The answers behind a receipt number, which is drawn from a conversation's id and kept nowhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from storage.store import AnswerRow


class Receipts(Protocol):
    """A part of `storage.store.Store`."""

    def answers_of(self, wanted: Callable[[str], bool]) -> Sequence[AnswerRow]:
        """Return the answers of the conversations whose ids are wanted, in the order they were kept.

        Of all others the ids alone are looked at.
        """
