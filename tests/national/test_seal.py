"""Both ends of the secrets between gateway and platform, written apart: each opens what the other sealed."""

from __future__ import annotations

import hashlib
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

import national.seal
import reports.seal
from flows.errors import AwalError
from national.errors import NationalError

ENDS: list[ModuleType] = [reports.seal, national.seal]
REFUSALS = (AwalError, NationalError)

seeds = st.binary(min_size=32, max_size=32)
contexts = st.binary(max_size=40)
ends = st.sampled_from(ENDS)

PRIME = 2**255 - 19
ORDER_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
LOW_ORDER = [
    (1).to_bytes(32, "little"),  # the neutral point
    (PRIME - 1).to_bytes(32, "little"),  # order 2
    (0).to_bytes(32, "little"),  # order 4
    bytes.fromhex(ORDER_8),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),  # order 8
]
NO_POINT = [
    (2).to_bytes(32, "little"),  # no x for this y
    PRIME.to_bytes(32, "little"),  # y is not below the prime
    (PRIME + 1).to_bytes(32, "little"),
    b"\xff" * 32,
    b"",
    b"\x09" * 31,
    b"\x09" * 33,
]


def public(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


@given(seeds)
def test_both_halves_of_an_identity_become_one_exchange_key(seed: bytes) -> None:
    expected = reports.seal.exchange_key(seed).public_key().public_bytes_raw()
    for found in (reports.seal.exchange_point(public(seed)), national.seal.montgomery(public(seed))):
        assert found.public_bytes_raw() == expected


def test_the_known_answer_of_rfc_8032_key_1() -> None:
    """Written down, so that a change of both ends at once shows too."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    known = "d85e07ec22b0ad881537c2f44d662d1a143cf830c57aca4305d85c7a90f6b62e"
    assert reports.seal.exchange_point(public(seed)).public_bytes_raw().hex() == known
    assert national.seal.montgomery(public(seed)).public_bytes_raw().hex() == known


@given(seeds, seeds, contexts)
def test_both_ends_share_one_key(one: bytes, other: bytes, context: bytes) -> None:
    ours = reports.seal.shared_key(one, public(other), context)
    assert ours == national.seal.shared_key(other, public(one), context)
    assert len(ours) == 32


@given(seeds, seeds, contexts, contexts)
def test_another_context_or_partner_is_another_key(one: bytes, other: bytes, context: bytes, another: bytes) -> None:
    shared = reports.seal.shared_key(one, public(other), context)
    if another != context:
        assert reports.seal.shared_key(one, public(other), another) != shared
    if one != other:
        assert reports.seal.shared_key(one, public(one), context) != shared


@given(ends, ends, seeds, seeds, st.binary(max_size=300), contexts)
def test_each_end_opens_what_the_other_sealed(
    writer: ModuleType, reader: ModuleType, one: bytes, other: bytes, text: bytes, context: bytes
) -> None:
    sealed = writer.seal(one, public(other), text, context)
    assert len(sealed) == len(text) + reports.seal.OVERHEAD
    assert reader.unseal(other, public(one), sealed, context) == text


@pytest.mark.parametrize("reader", ENDS)
@pytest.mark.parametrize("writer", ENDS)
def test_every_flipped_bit_is_refused(writer: ModuleType, reader: ModuleType) -> None:
    one, other = b"\x01" * 32, b"\x02" * 32
    sealed = writer.seal(one, public(other), b"counts", b"bundle")
    for at in range(len(sealed)):
        for bit in range(8):
            changed = bytearray(sealed)
            changed[at] ^= 1 << bit
            with pytest.raises(REFUSALS):
                reader.unseal(other, public(one), bytes(changed), b"bundle")


@given(ends, st.integers(0, 60), seeds)
def test_a_text_cut_short_or_for_others_is_refused(end: ModuleType, length: int, stranger: bytes) -> None:
    one, other = b"\x01" * 32, b"\x02" * 32
    sealed = end.seal(one, public(other), b"thirteen long", b"bundle")
    with pytest.raises(REFUSALS):
        end.unseal(other, public(one), sealed[:length], b"bundle")
    with pytest.raises(REFUSALS):
        end.unseal(other, public(one), sealed, b"frame")
    with pytest.raises(REFUSALS):
        end.unseal(stranger, public(one), sealed, b"bundle")
    with pytest.raises(REFUSALS):
        end.unseal(other, public(stranger), sealed, b"bundle")


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("point", LOW_ORDER + NO_POINT, ids=lambda point: point.hex()[:16] or "empty")
def test_what_is_no_key_is_refused(end: ModuleType, point: bytes) -> None:
    own = b"\x01" * 32
    for call in (end.shared_key, lambda *given: end.seal(*given[:2], b"text", given[2])):
        with pytest.raises(REFUSALS) as refused:
            call(own, point, b"context")
        assert "key" in str(refused.value)


@pytest.mark.parametrize("end", ENDS)
def test_a_one_time_key_of_low_order_is_refused(end: ModuleType) -> None:
    one, other = b"\x01" * 32, b"\x02" * 32
    sealed = end.seal(one, public(other), b"text", b"")
    for u in (bytes(32), b"\x01" + bytes(31)):
        with pytest.raises(REFUSALS):
            end.unseal(other, public(one), u + sealed[32:], b"")


@pytest.mark.parametrize("end", ENDS)
def test_a_private_key_of_another_size_is_refused(end: ModuleType) -> None:
    with pytest.raises(REFUSALS):
        end.shared_key(b"\x01" * 31, public(b"\x02" * 32), b"")


def test_a_text_sealed_twice_never_looks_the_same() -> None:
    one, other = b"\x01" * 32, public(b"\x02" * 32)
    assert reports.seal.seal(one, other, b"text", b"") != reports.seal.seal(one, other, b"text", b"")


def test_it_is_the_agreement_of_rfc_7748() -> None:
    """The derivation by the letter, so that another platform can be written from the README alone."""
    one, other = b"\x07" * 32, b"\x09" * 32
    mine, theirs = (X25519PrivateKey.from_private_bytes(hashlib.sha512(seed).digest()[:32]) for seed in (one, other))
    info = b"awal shared key 1" + b"".join(sorted((public(one), public(other)))) + b"frame"
    expected = HKDF(SHA256(), 32, None, info).derive(mine.exchange(theirs.public_key()))
    assert reports.seal.shared_key(one, public(other), b"frame") == expected
