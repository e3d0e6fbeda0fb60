"""Phone numbers: any writing to one form, a pseudonym that tells nothing, a seal that only the key opens."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.phones import PhoneError, Phones, normalise

NUMBER = "+212612345678"
PSEUDONYM_KEY, PHONE_KEY = b"p" * 32, b"s" * 32


@pytest.fixture
def phones() -> Phones:
    return Phones(PSEUDONYM_KEY, PHONE_KEY)


def test_a_number_kept_in_mind_has_the_same_name_as_before_and_can_be_let_go(phones: Phones) -> None:
    name = phones.pseudonym(NUMBER)
    assert phones.pseudonym(NUMBER) == name == Phones(PSEUDONYM_KEY, PHONE_KEY).pseudonym(NUMBER)
    assert NUMBER in kept_in_mind(phones)
    phones.forget()
    assert NUMBER not in kept_in_mind(phones)
    assert phones.pseudonym(NUMBER) == name


def kept_in_mind(phones: Phones) -> str:
    """Return all that can be reached from an object, as far as it is written out."""
    found, seen = gc.get_referents(phones), 0
    while seen < len(found):
        found += [one for one in gc.get_referents(found[seen]) if isinstance(one, (str, tuple, dict))]
        seen += 1
    return " ".join(one for one in found if isinstance(one, str))


@pytest.mark.parametrize(
    "raw",
    [
        "+212612345678",
        "212612345678",
        "00212612345678",
        "0612345678",
        "06 12 34 56 78",
        "+212 (0) 612-345-678",
        " +212612345678\n",
        "٠٦١٢٣٤٥٦٧٨",
    ],
)
def test_a_number_has_one_form_however_it_is_written(raw: str) -> None:
    assert normalise(raw) == NUMBER


@pytest.mark.parametrize("raw", ["+254711082000", "+15005550006", "+33612345678"])
def test_numbers_of_other_countries_are_taken(raw: str) -> None:
    assert normalise(raw) == raw


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "+",
        "20022",
        "384",
        "AWAL",
        "InfoTrafic",
        "+212600",
        "1800FLOWERS",
        "whatsapp:+212612345678",
        "+" + "1" * 40,
        "()()()()",
    ],
)
def test_what_nobody_can_answer_is_no_number(raw: str) -> None:
    assert normalise(raw) is None


@given(st.text(max_size=40))
def test_any_text_gives_a_whole_number_or_none(raw: str) -> None:
    found = normalise(raw)

    assert found is None or re.fullmatch(r"\+[1-9][0-9]{6,14}", found)


@given(st.from_regex(r"\A\+212[5-8][0-9]{8}\Z"))
def test_the_short_way_says_the_same_as_the_numbering_plan(raw: str) -> None:
    assert normalise(raw) == raw == normalise(" ".join(raw))


def test_a_clean_number_does_not_load_the_numbering_plans(root: Path) -> None:
    program = (
        "import sys\nfrom gateway.phones import normalise\n"
        f"assert normalise('{NUMBER}')\nassert 'phonenumbers' not in sys.modules\n"
    )

    subprocess.run([sys.executable, "-c", program], cwd=root, check=True)


def test_a_pseudonym_is_stable_short_and_depends_on_the_key(phones: Phones) -> None:
    name = phones.pseudonym(NUMBER)

    assert re.fullmatch("[a-z2-7]{26}", name)
    assert name == Phones(PSEUDONYM_KEY, b"o" * 32).pseudonym(NUMBER)
    assert name != phones.pseudonym("+212612345679")
    assert name != Phones(b"q" * 32, PHONE_KEY).pseudonym(NUMBER)


@given(st.from_regex(r"\A\+[1-9][0-9]{7,14}\Z"))
def test_a_sealed_number_opens_to_itself_and_never_looks_the_same(number: str) -> None:
    phones = Phones(PSEUDONYM_KEY, PHONE_KEY)
    first, second = phones.seal(number), phones.seal(number)

    assert phones.unseal(first) == phones.unseal(second) == number
    assert first != second
    assert number.encode() not in first


def test_another_key_does_not_open_it_but_the_former_one_does(phones: Phones) -> None:
    sealed = phones.seal(NUMBER)

    with pytest.raises(PhoneError, match="another key"):
        Phones(PSEUDONYM_KEY, b"n" * 32).unseal(sealed)
    assert Phones(PSEUDONYM_KEY, b"n" * 32, [PHONE_KEY]).unseal(sealed) == NUMBER


def test_a_wiped_or_altered_seal_is_refused(phones: Phones) -> None:
    sealed = phones.seal(NUMBER)

    for at in range(len(sealed)):
        altered = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(PhoneError):
            phones.unseal(altered)
    for short in range(len(sealed)):
        with pytest.raises(PhoneError):
            phones.unseal(sealed[:short])


def test_keys_are_checked_at_once_and_never_shown(phones: Phones) -> None:
    with pytest.raises(PhoneError, match="pseudonym"):
        Phones(b"short", PHONE_KEY)
    with pytest.raises(PhoneError, match="phone must be"):
        Phones(PSEUDONYM_KEY, b"x" * 31)
    assert repr(phones) == "<Phones, keys hidden>"
