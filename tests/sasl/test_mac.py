"""HMAC against the standard library's, and what proves a SCRAM login."""

import hashlib
import hmac
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.sasl.credentials import Digest
from headrace.sasl.mac import mac, proves

DIGESTS = get_args(Digest)


@given(st.sampled_from(DIGESTS), st.binary(max_size=300), st.binary(max_size=500))
def test_as_the_standard_library(digest: Digest, key: bytes, data: bytes) -> None:
    assert mac(digest, key, data) == hmac.digest(key, data, digest)


@pytest.mark.parametrize("digest", DIGESTS)
@pytest.mark.parametrize("size", [0, 63, 64, 65, 127, 128, 129])
def test_keys_around_a_block(digest: Digest, size: int) -> None:
    assert mac(digest, bytes(range(size)), b"data") == hmac.digest(bytes(range(size)), b"data", digest)


@given(st.sampled_from(DIGESTS), st.binary(min_size=64, max_size=64), st.binary(max_size=300), st.integers(0, 511))
def test_only_who_has_the_key_proves_it(digest: Digest, key: bytes, signed: bytes, bit: int) -> None:
    key = key[:hashlib.new(digest).digest_size]
    stored = hashlib.new(digest, key).digest()
    signature = hmac.digest(stored, signed, digest)
    proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
    at, mask = bit // 8 % len(proof), 1 << bit % 8
    wrong = proof[:at] + bytes([proof[at] ^ mask]) + proof[at + 1:]
    assert proves(digest, stored, signed, proof)
    assert not proves(digest, stored, signed, wrong)
    assert not proves(digest, stored, signed + b"x", proof)
    assert not proves(digest, stored, signed, proof[:-1])
    assert not proves(digest, stored, signed, proof + b"x")
    assert not proves(digest, stored[:-1], signed, proof)


def test_unknown_digest() -> None:
    with pytest.raises(ValueError, match="no digest md5"):
        mac("md5", b"", b"")  # type: ignore[arg-type]
