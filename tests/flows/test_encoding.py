"""The cost of a text, against two codecs we did not write: the smsutil package and Perl's Encode::GSM0338."""

import shutil
import subprocess

import pytest
import smsutil
from hypothesis import given
from hypothesis import strategies as st

from flows import encoding as codec

CODINGS = {"gsm0338": "GSM-7", "utf_16_be": "UCS-2"}
ESC = "\x1b"  # smsutil takes a bare escape for a character; the standard and Perl do not
gsm_texts = st.text(st.sampled_from(sorted(codec.GSM7)), max_size=700)
mixed_texts = st.text(
    st.one_of(
        st.sampled_from(sorted(codec.GSM7)),
        st.sampled_from("ç’ê نعمⵣⴰ\U0001f600\U0001f1f2\U0001f1e6"),
        st.characters(exclude_characters=ESC),
    ),
    max_size=400,
)


def theirs(text):
    result = smsutil.split(text)
    coding = CODINGS[result.encoding]
    return {
        "encoding": coding,
        "units": result.total_bytes // (1 if coding == "GSM-7" else 2),
        "parts": [part.content for part in result.parts],
    }


def ours(text):
    found = codec.measure(text)
    assert found == codec.Measure(codec.encoding(text), codec.units(text), codec.segments(text))
    parts = codec.split(text)
    assert len(parts) == found.segments
    return {"encoding": found.encoding, "units": found.units, "parts": parts}


@pytest.mark.parametrize(
    ("text", "coding", "units", "segments"),
    [
        ("", "UCS-2", 0, 1),
        ("Oui", "GSM-7", 3, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        ("€" * 153, "GSM-7", 306, 3),  # 76 to a part: the 153rd septet stays empty rather than cut a pair
        ("ç" * 70, "UCS-2", 70, 1),
        ("ç" * 71, "UCS-2", 71, 2),
        ("ⵣ" * 134, "UCS-2", 134, 2),
        ("\U0001f600" * 35, "UCS-2", 70, 1),
        ("\U0001f600" * 36, "UCS-2", 72, 2),
        ("\U0001f600" * 67, "UCS-2", 134, 3),  # 33 to a part
        ("Ça va", "GSM-7", 5, 1),
        ("ça va", "UCS-2", 5, 1),
        (ESC, "UCS-2", 1, 1),
    ],
)
def test_known_lengths(text, coding, units, segments):
    assert codec.measure(text) == codec.Measure(coding, units, segments)


def test_the_alphabet_has_137_characters():
    assert len(codec.GSM7) == 137


def test_every_character_of_the_bmp_agrees_with_smsutil():
    wrong = [hex(code) for code in range(0x10000) if chr(code) != ESC and ours(chr(code)) != theirs(chr(code))]
    assert wrong == []


def test_every_character_of_the_bmp_agrees_with_perl():
    perl = shutil.which("perl")
    if perl is None:
        pytest.skip("perl is absent")
    script = (
        "use Encode; for my $c (0..0xD7FF, 0xE000..0xFFFF) { my $s = chr $c;"
        'my $b = eval { encode("gsm0338", $s, Encode::FB_CROAK) }; print "$c ", length $b, "\\n" if defined $b }'
    )
    done = subprocess.run([perl, "-e", script], capture_output=True, text=True, check=True)
    theirs_by_code = {int(code): int(size) for code, size in (line.split() for line in done.stdout.splitlines())}
    ours_by_code = {code: codec.units(chr(code)) for code in range(0x10000) if codec.encoding(chr(code)) == "GSM-7"}
    assert ours_by_code == theirs_by_code


@given(st.one_of(gsm_texts, mixed_texts))
def test_random_texts_agree_with_smsutil(text):
    assert ours(text) == theirs(text)


@given(st.one_of(gsm_texts, mixed_texts))
def test_parts_join_to_the_text_and_never_overflow(text):
    parts = codec.split(text)
    coding = codec.encoding(text)
    room = codec.SINGLE[coding] if len(parts) == 1 else codec.PART[coding]
    assert "".join(parts) == text
    assert all(codec._units(part, coding) <= room for part in parts)


def test_a_lone_surrogate_is_measured_not_refused():
    assert codec.measure("a\ud83d") == codec.Measure("UCS-2", 2, 1)


def test_fits_takes_the_limit_of_the_texts_own_encoding():
    assert codec.fits("a" * 160, 160, 70)
    assert not codec.fits("a" * 161, 160, 70)
    assert codec.fits("ê" * 70, 160, 70)
    assert not codec.fits("ê" * 71, 160, 70)
    assert codec.fits("", 0, 0)


def test_costly_names_each_offender_once_in_order():
    assert codec.costly("Êtes-vous prêt ? Ça « va » très bien…") == ["Ê", "ê", "«", "»", "…"]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("25\u00a0% de 1\u202f234,5", "25 % de 1 234,5"),
        ("\u200f12/\u200e3\ufeff", "12/3"),
        ("l’eau «\u00a0potable\u00a0» – oui — non…", 'l\'eau " potable " - oui - non...'),
        ("cœur, Œuvre", "coeur, OEuvre"),
        ("“a” ‘b’ −5", "\"a\" 'b' -5"),
        ("Forêt façade", "Forêt façade"),
        ("مُواطِنٌ", "مواطن"),
        ("نـــعم", "نعم"),
        ("\ufee7\ufecc\ufee2", "نعم"),
        ("أسئلة «مدرسة»", "أسئلة «مدرسة»"),
        ("ⵜⴰⵎⵏⴰⴹⵜ – ⴽⵯ", "ⵜⴰⵎⵏⴰⴹⵜ – ⴽⵯ"),
        ("d\u0323ar", "ḍar"),
        ("Fin de ligne\nreste", "Fin de ligne\nreste"),
    ],
)
def test_sms_safe(text, safe):
    assert codec.sms_safe(text) == safe


def test_sms_safe_never_makes_a_text_dearer():
    text = "ê" * 68 + "……"
    assert codec.segments(text) == codec.segments(codec.sms_safe(text)) == 1


hazards = st.text(st.sampled_from("\u00a0\u202f\u200f\u200e…œ—’ê\ufee7\ufc5e\u064b\u0640اأ\u0653ن"))


@given(st.from_regex(codec._SETTLED, fullmatch=True))
def test_what_is_passed_at_sight_would_not_have_changed(text):
    assert codec._made_safe(text) == text


@given(st.one_of(mixed_texts, hazards))
def test_sms_safe_is_idempotent_and_leaves_nothing_unseen(text):
    safe = codec.sms_safe(text)
    assert codec.sms_safe(safe) == safe
    assert not set(safe) & set("\u00a0\u202f\u200f\u200e\u200b\ufeff\u0640")
    assert codec.segments(safe) <= max(codec.segments(text), codec.segments(safe.replace("...", "…")))
