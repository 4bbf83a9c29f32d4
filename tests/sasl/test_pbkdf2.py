"""PBKDF2 against the standard library's."""

import hashlib
import threading
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.sasl.credentials import Digest
from headrace.sasl.pbkdf2 import pbkdf2

DIGESTS = get_args(Digest)


@given(st.sampled_from(DIGESTS), st.binary(max_size=300), st.binary(max_size=300), st.integers(1, 20))
def test_as_the_standard_library(digest: Digest, password: bytes, salt: bytes, iterations: int) -> None:
    assert pbkdf2(digest, password, salt, iterations) == hashlib.pbkdf2_hmac(digest, password, salt, iterations)


@pytest.mark.parametrize("digest", DIGESTS)
@pytest.mark.parametrize("size", [0, 63, 64, 65, 127, 128, 129])
def test_passwords_around_a_block(digest: Digest, size: int) -> None:
    password = bytes(range(size))
    assert pbkdf2(digest, password, b"salt", 3) == hashlib.pbkdf2_hmac(digest, password, b"salt", 3)


@pytest.mark.parametrize("digest", DIGESTS)
def test_as_many_iterations_as_are_stored(digest: Digest) -> None:
    assert pbkdf2(digest, b"pencil", b"salt" * 4, 10_000) == hashlib.pbkdf2_hmac(digest, b"pencil", b"salt" * 4, 10_000)


def test_rfc_6070() -> None:
    assert pbkdf2("sha1", b"password", b"salt", 4096).hex() == "4b007901b765489abead49d926f721d065a429c1"


def test_other_threads_go_on_meanwhile() -> None:
    """With the GIL held, it would be over each time before this thread sees that it has begun."""
    def seen_under_way() -> bool:
        begun, done = threading.Event(), threading.Event()

        def derive() -> None:
            begun.set()
            pbkdf2("sha512", b"x", b"y", 20_000)
            done.set()

        thread = threading.Thread(target=derive)
        thread.start()
        begun.wait()
        under_way = not done.is_set()
        thread.join()
        return under_way

    assert any(seen_under_way() for _ in range(50))


@pytest.mark.parametrize("iterations", [0, -1])
def test_no_iterations(iterations: int) -> None:
    with pytest.raises((ValueError, OverflowError)):
        pbkdf2("sha256", b"x", b"y", iterations)


def test_unknown_digest() -> None:
    with pytest.raises(ValueError, match="no digest md5"):
        pbkdf2("md5", b"x", b"y", 1)  # type: ignore[arg-type]
