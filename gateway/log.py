"""Logs: one line per event on stderr, `time level message key=value …`; phone numbers never get through.

Everything logged passes `redact`, because a library's message or an exception's text may quote a request. Pseudonyms
are what a citizen looks like in a log.
"""

from __future__ import annotations

import logging
import re
import sys
from datetime import UTC, datetime
from functools import lru_cache

logger = logging.getLogger("awal")

_PHONE = re.compile(r"(?<!\w)(?:(?:\+|%2[Bb]|00)[1-9]|212|0[5-7])(?:[ .-]?[0-9]){6,13}(?!\w)")
_SECRET_PATH = re.compile(r"(/in/[a-z0-9-]+/)[A-Za-z0-9_-]{16,}")
_SECRET_FIELD = re.compile(
    r"(?i)\b(secret|token|auth_token|api_?key|password|authorization)(['\"]?\s*[=:]\s*)((Basic|Bearer) )?\S+"
)

_SUSPECT = re.compile(r"[0-9](?:[ .-]?[0-9]){6}|/in/|(?i:secret|token|key|password|authorization)")
"""Found wherever one of the three above could be: most lines are looked at once instead of three times."""


def redact(text: str) -> str:
    """Replace what looks like a phone number or a secret by `***`."""
    if not _SUSPECT.search(text):
        return text
    text = _SECRET_PATH.sub(r"\1***", text)
    text = _SECRET_FIELD.sub(r"\1\2***", text)
    return _PHONE.sub("***", text)


class Line(logging.Formatter):
    """Formats a record on one line, redacted; `extra={"with": {...}}` adds `key=value` pairs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one redacted line."""
        at = f"{_second(int(record.created))}.{int(record.created * 1000) % 1000:03d}Z"
        pairs: dict[str, object] = getattr(record, "with", {})
        message = " ".join([record.getMessage(), *(f"{name}={value}" for name, value in pairs.items())])
        if record.exc_info:
            message += " | " + self.formatException(record.exc_info)
        return f"{at} {record.levelname.lower()} {redact(' '.join(message.split()))}"


@lru_cache(maxsize=1)
def _second(moment: int) -> str:
    """Return a second as it is written, once for all lines that fall into it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def told(error: BaseException) -> str:
    """Return an error as one line for the person at the terminal: ours as they are, the system's with their file."""
    from flows.errors import AwalError

    if isinstance(error, AwalError):
        line = str(error)
    elif isinstance(error, OSError):
        line = f"{error.filename or 'the system'}: {error.strerror or error}."
    else:
        line = f"unexpected {type(error).__name__}: {error}. AWAL_DEBUG=1 shows where; please report it."
    return " ".join(line.split())


def setup(level: str = "info") -> None:
    """Send our log, and the warnings of libraries, to stderr; calling it again changes only the level."""
    # No line shows them, and each record asks anew which thread and process it comes from.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    if not any(isinstance(handler.formatter, Line) for handler in root.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(Line())
        root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logger.setLevel(level.upper())


def event(message: str, level: int = logging.INFO, **pairs: object) -> None:
    """Log one event with its `key=value` pairs."""
    if logger.isEnabledFor(level):
        # Made here and not by the logger, which would look for its caller: no line shows it.
        record = logging.LogRecord(logger.name, level, "", 0, message, (), None)
        setattr(record, "with", pairs)
        logger.handle(record)
