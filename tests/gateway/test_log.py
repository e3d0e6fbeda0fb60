"""Nothing that tells who a citizen is, or lets somebody in, reaches the log."""

from __future__ import annotations

import logging
from io import StringIO

import pytest

from gateway import log
from gateway.log import Line, Lines, event, logger, redact


@pytest.mark.parametrize(
    "text",
    [
        "+212600000001",
        "00212 600-000-001",
        "212600000001",
        "0612345678",
        "06 12 34 56 78",
        "%2B212600000001",
        "+15005550006",
    ],
)
def test_phone_numbers_are_hidden(text: str) -> None:
    assert redact(f"from={text} to=34567") == "from=*** to=34567"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("POST /in/at/yI3Sqi8_aEzjfWll5VQDSNaVrooW40FV/ussd", "POST /in/at/***/ussd"),
        ("auth_token=abcdef", "auth_token=***"),
        ("{'api_key': 'abcdef'}", "{'api_key': ***"),
        ("Authorization: Basic abc", "Authorization: ***"),
    ],
)
def test_secrets_are_hidden(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text", ["2026-11-23T07:00:00Z", "period 2026-W47", "1763880000", "at 127.0.0.1:8000", "ms=12.5"]
)
def test_what_operators_need_stays(text: str) -> None:
    assert redact(text) == text


def test_an_event_is_one_redacted_line_with_its_pairs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="awal")
    event("inbound", channel="at", sender="+212600000001", text="two\nlines")
    line = Line().format(caplog.records[0])
    assert line.endswith("info inbound channel=at sender=*** text=two lines")


def test_an_exception_is_redacted_too() -> None:
    try:
        raise ValueError("no account for +212600000001")
    except ValueError:
        record = logger.makeRecord("awal", logging.ERROR, "f", 1, "failed", (), __import__("sys").exc_info())
    line = Line().format(record)
    assert "ValueError" in line
    assert "600000001" not in line
    assert "\n" not in line


def test_a_line_that_comes_with_every_request_is_redacted_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="awal")
    for route, ms in (("ussd", 1.5), ("ussd", 2.5), ("+212600000001", 1.5), ("ussd", 212600000001)):
        event("inbound", channel="at", route=route, ms=ms)
    lines = [Line().format(record).partition("inbound ")[2] for record in caplog.records]
    assert lines == [
        "channel=at route=ussd ms=1.5",
        "channel=at route=ussd ms=2.5",
        "channel=at route=*** ms=1.5",
        "channel=at route=ussd ms=***",
    ]


def test_alone_on_the_terminal_it_writes_what_a_record_would_say(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = Lines()
    handler.stream = StringIO()
    monkeypatch.setattr(logging.root, "handlers", [handler])
    monkeypatch.setattr(log, "_lines", handler)
    monkeypatch.setattr(logger, "level", logging.INFO)
    logger.manager._clear_cache()  # type: ignore[attr-defined]
    event("inbound", channel="at", sender="+212600000001", text="two\nlines", ms=1.5)
    handler.emit(logging.LogRecord("awal", logging.WARNING, "", 0, "from a library", (), None))
    alone, record = handler.stream.getvalue().splitlines()
    assert alone.endswith("info inbound channel=at sender=*** text=two lines ms=1.5")
    assert record.endswith("warning from a library")
