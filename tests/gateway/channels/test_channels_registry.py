"""The registry, and what adapters share: comparing secrets, reading forms, shortening a provider's words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from gateway.channels.base import BadRequest, Received, Sendable, Settings, brief, same
from gateway.channels.forms import identity, moment, phone
from gateway.channels.live import LiveChannel
from gateway.channels.registry import ADAPTERS, adapter, create
from gateway.channels.smsd import Row
from gateway.kannel import Plan
from gateway.lane import Target
from gateway.settings import SettingsError


@pytest.mark.parametrize(("wrong", "meant"), [("africatalking", "africastalking"), ("twillio", "twilio")])
def test_an_unknown_type_says_which_one_was_meant(wrong: str, meant: str) -> None:
    with pytest.raises(SettingsError, match=rf"\[channels\.x\] type: '{wrong}' .* Did you mean '{meant}'"):
        create(Settings(name="x", type=wrong), "https://awal.example")


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_an_adapter_serves_the_type_it_is_listed_under(name: str) -> None:
    kind = adapter(name)
    assert kind.type == name
    assert kind.bearers
    assert bool(kind.routes) != issubclass(kind, LiveChannel)


def test_an_adapter_that_is_not_used_is_not_loaded() -> None:
    program = (
        "import sys; import gateway.lane, gateway.sender, gateway.channels.registry as registry;"
        "from gateway.channels.base import Settings;"
        "registry.create(Settings(name='s', type='simulator', secret='s'), 'https://awal.example');"
        "registry.create(Settings(name='at', type='africastalking', secret='s'), 'https://awal.example');"
        "registry.create(Settings(name='t', type='twilio', account_sid='A', auth_token='t'), 'https://awal.example');"
        "print([name for name in ('africastalking', 'requests', 'twilio.rest', 'phonenumbers') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("secret", ["", "a/b", "a b", "é", "a?b", "a%2Fb"])
def test_a_secret_that_a_url_cannot_carry_is_refused(secret: str) -> None:
    with pytest.raises(SettingsError, match="openssl rand"):
        create(Settings(name="at", type="africastalking", secret=secret), "https://awal.example")


@given(st.text(), st.lists(st.text(), max_size=3))
def test_a_secret_matches_itself_and_never_an_empty_one(given_secret: str, expected: list[str]) -> None:
    sound = all(not (0xD800 <= ord(c) <= 0xDFFF) for text in [given_secret, *expected] for c in text)
    if sound:
        assert same(given_secret, *expected) == (given_secret != "" and given_secret in expected)


@given(
    st.from_regex(r"\A(\+212|0|212)[ .-]?[5-7]([ .-]?\d){8}\Z"), st.sampled_from(["{}", "to {} failed", "'{}' is not"])
)
def test_no_phone_number_stays_in_a_providers_words(number: str, template: str) -> None:
    assert not any(run.isdigit() and len(run) > 6 for run in brief(template.format(number)).split())


def test_a_providers_words_become_one_short_line_and_keep_their_code() -> None:
    assert brief("21211  The 'To' number +15005550001\nis not valid") == "21211 The 'To' number … is not valid"
    assert len(brief("x" * 1000)) == 160


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2026-11-23T08:15:30Z", 1_795_421_730_000),
        ("2026-11-23 08:15:30", 1_795_421_730_000),
        ("2026-11-23T09:15:30+01:00", 1_795_421_730_000),
        ("", None),
        ("hier", None),
    ],
)
def test_both_of_the_providers_dates_are_read(raw: str, expected: int | None) -> None:
    assert moment(raw) == expected


def test_an_identity_told_twice_alike_is_one() -> None:
    assert identity(MultiDict([("id", "7"), ("id", "7")]), "id") == "7"
    with pytest.raises(BadRequest, match="id"):
        identity(MultiDict([("id", "7"), ("id", "8")]), "id")


def test_a_number_as_long_as_a_novel_is_none() -> None:
    with pytest.raises(BadRequest, match="from"):
        phone(MultiDict([("from", "+2126" + "1" * 5000)]), "from")


def test_no_text_form_of_what_a_modem_or_a_path_brings_shows_a_number_or_a_secret() -> None:
    row = Row(1, "2026-11-23 09:00:00", "+212612345678", "Default", "", 0, "secret words")
    channel = create(Settings(name="sim", type="simulator", secret="s3cret"), "https://awal.example")
    plan = Plan(name="k", folder=Path("k"), url="http://127.0.0.1/in/k/s3cret/sms", password="s3cret")
    shown = f"{row!r} {Target(channel, 'sms', 's3cret')!r} {plan!r}"
    for hidden in ("612345678", "secret words", "s3cret"):
        assert hidden not in shown


def test_no_text_form_of_a_message_shows_the_citizen() -> None:
    received = Received(channel="at", bearer="sms", external_id="sms:1", sender="+212612345678", text="secret words")
    sendable = Sendable(id="m1", to="+212612345678", text="secret words", encoding="gsm7", segments=1)
    for shown in (repr(received), str(received), f"{[sendable]}"):
        assert "612345678" not in shown
        assert "secret words" not in shown
