"""The proof of what a citizen wants: who agreed, began again, said stop or was brought in by an operator, when, how.

A proof is written once and never changed. It goes with the citizen when they are forgotten; what stays then is the
pseudonym alone, so that no later import brings them back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

Act = Literal["agreed", "started", "stopped", "imported"]
"""`agreed`: to the question of consent; `started` and `stopped`: by the words for it; `imported`: by an operator."""
Standing = Literal["new", "known", "stopped", "erased"]
"""What an import may do with a citizen: `new` and `known` get a proof, the two others are left in peace."""


class Consent(Struct, frozen=True, gc=False):
    """One proof. `words`: what the citizen wrote, or the ground that the operator gave; cut to 200 signs."""

    citizen: str
    at: int
    act: Act
    channel: str = ""
    words: str = ""
    proof: str = ""
    """The inbound that said so, or the paper form or list that an import goes back to."""
    language: str = ""
    place: str = ""
    number: bytes = b""
    """The sealed number, of an import only: nobody has written yet, and it is where the first message goes."""


class Consents(Protocol):
    """The operations on proofs; a part of `storage.store.Store`. Proofs of an inbound come with its `Change`."""

    def standing(self, citizens: Sequence[str]) -> Mapping[str, Standing]:
        """Return how each of these citizens stands."""

    def bring_in(self, proofs: Sequence[Consent]) -> int:
        """Keep the proofs of imported citizens, in one transaction; return how many were kept.

        Left out are who said stop, who was forgotten and did not come back by themselves, and a proof that is there
        already (same citizen, ground and reference). Nobody has written by it: the ground `wrote` does not hold.
        """

    def consents(self, citizen: str) -> Sequence[Consent]:
        """Return a citizen's proofs, oldest first."""

    def brought_in(self, after: str = "", limit: int = 1_000) -> Sequence[Consent]:
        """Return the newest import of each citizen who was brought in and has not said stop, by pseudonym.

        `after`: the last pseudonym of the page before. Their `number` is where a campaign may write.
        """
