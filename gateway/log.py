"""Logs: one line per event on stderr, `time level message key=value …`; phone numbers never get through.

Everything logged passes `redact`, because a library's message or an exception's text may quote a request. Pseudonyms
are what a citizen looks like in a log.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
from collections import deque
from datetime import UTC, datetime
from functools import lru_cache

logger = logging.getLogger("awal")

FREQUENT = "inbound"
"""The line of every request: but for the figure at its end it repeats words of our own, hence it is redacted once."""
MOMENT = 0.05
"""Seconds for which the line of a request may wait for others, before all are written at once."""
SHORT = 7
"""So many characters are too few for a phone number."""

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
        message = line(record.levelname, record.getMessage(), getattr(record, "with", {}), record.created)
        if record.exc_info:
            message += " | " + redact(" ".join(self.formatException(record.exc_info).split()))
        return message


def line(level: str, message: str, pairs: dict[str, object], moment: float) -> str:
    """Return one line as it is written, redacted."""
    at = f"{_second(int(moment))}.{int(moment * 1000) % 1000:03d}Z {level.lower()}"
    if message == FREQUENT and pairs:
        *words, (name, value) = pairs.items()
        if len(figure := str(value)) < SHORT:
            return f"{at} {_repeated(message, *words)} {name}={figure}"
    return f"{at} {_told(message, *pairs.items())}"


def _told(message: str, *words: tuple[str, object]) -> str:
    """Return what is told besides the time, redacted."""
    return redact(" ".join(" ".join([message, *[f"{name}={value}" for name, value in words]]).split()))


_repeated = lru_cache(maxsize=256)(_told)


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


class Lines(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes lines to stderr. `alone` tells whether nobody else listens: an event then needs no record."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(Line())
        self._kept: deque[str] = deque()
        self._due = threading.Event()
        self._writer: threading.Thread | None = None

    @property
    def alone(self) -> bool:
        """Tell whether every event of ours ends here, and nowhere else."""
        return logging.root.handlers == [self] and not (logger.handlers or logger.filters or self.filters)

    def put(self, text: str) -> None:
        """Write one line, whole; a log that cannot be written is nobody's fault who is being served."""
        self._kept.append(text)
        self.flush()

    def soon(self, text: str) -> None:
        """Write one line with those that come within a moment: to write it alone would cost more than to make it."""
        self._kept.append(text)
        if not self._due.is_set():
            self._begin()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, after the lines that came before it."""
        self.flush()
        super().emit(record)

    def flush(self) -> None:
        """Write all lines that wait."""
        self.acquire()
        try:
            lines = [self._kept.popleft() for _ in range(len(self._kept))]
            if lines:
                self.stream.write("\n".join([*lines, ""]))
            self.stream.flush()
        except (OSError, ValueError):
            pass
        finally:
            self.release()

    def _begin(self) -> None:
        """Have what waits written; by a thread that waits itself while nothing does."""
        with _beginning:
            if self._writer is None or not self._writer.is_alive():  # a fork leaves it behind
                self._writer = threading.Thread(target=self._work, name="awal-log", daemon=True)
                self._writer.start()
        self._due.set()

    def _work(self) -> None:
        while True:
            self._due.wait()
            time.sleep(MOMENT)
            self._due.clear()
            self.flush()


_beginning = threading.Lock()
_lines: Lines | None = None


def setup(level: str = "info") -> None:
    """Send our log, and the warnings of libraries, to stderr; calling it again changes only the level."""
    global _lines
    # No line shows them, and each record asks anew which thread and process it comes from.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    if not any(isinstance(handler, Lines) for handler in root.handlers):
        _lines = Lines()
        root.addHandler(_lines)
    root.setLevel(logging.WARNING)
    logger.setLevel(level.upper())


def event(message: str, level: int = logging.INFO, **pairs: object) -> None:
    """Log one event with its `key=value` pairs."""
    if not logger.isEnabledFor(level):
        return
    if _lines is not None and _lines.alone:
        write = _lines.soon if message == FREQUENT and level < logging.WARNING else _lines.put
        write(line(logging.getLevelName(level), message, pairs, time.time()))
        return
    # Made here and not by the logger, which would look for its caller: no line shows it.
    record = logging.LogRecord(logger.name, level, "", 0, message, (), None)
    setattr(record, "with", pairs)
    logger.handle(record)
