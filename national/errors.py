"""What can be refused, each with its HTTP status and its remedy in the message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class NationalError(Exception):
    """Something a person can put right; its text is one line."""


class Refused(NationalError):
    """A request that is not taken: `status` is chosen for the sender's retry logic, `code` for its programs."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.more: Mapping[str, Any] = more

    def body(self) -> dict[str, Any]:
        """Return the JSON that is answered."""
        return {"error": self.code, "message": str(self), **self.more}
