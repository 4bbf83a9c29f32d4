"""What is stored instead of a password: one SCRAM verifier per hash (RFC 5802 3), made and checked here.

A key derivation takes a millisecond: on an event loop it belongs into headrace.session.derive's threads.
"""

import contextlib
import hmac
import secrets
from dataclasses import dataclass
from hashlib import new as new_hash
from typing import Final, Literal, NamedTuple

from headrace.sasl.mac import mac
from headrace.sasl.opaque import opaque
from headrace.sasl.pbkdf2 import pbkdf2
from headrace.sasl.saslprep import saslprep

Digest = Literal["sha512", "sha256", "sha1"]
DIGESTS: Final[tuple[Digest, ...]] = ("sha512", "sha256", "sha1")   # the strongest first

ITERATIONS: Final = 10_000      # 1.1 ms of a core: what a guess costs a thief, and PLAIN costs us
MIN_ITERATIONS: Final = 4_096   # RFC 7677 4
SALT_BYTES: Final = 16          # no two accounts share a salt, no table can be made ahead


class ScramVerifier(NamedTuple):
    """Enough to check a password or a SCRAM proof, not enough to log in with."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes

    def __repr__(self) -> str:
        """Without the keys: it may come into a log."""
        return f"ScramVerifier(salt={self.salt!r}, iterations={self.iterations})"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The verifiers of one account, of one password. Which are there depends on who made them, and when."""

    sha1: ScramVerifier | None = None
    sha256: ScramVerifier | None = None
    sha512: ScramVerifier | None = None

    def verifier(self, digest: Digest) -> ScramVerifier | None:
        match digest:
            case "sha1":
                return self.sha1
            case "sha256":
                return self.sha256
            case "sha512":
                return self.sha512

    def items(self) -> list[tuple[Digest, ScramVerifier]]:
        """Those that are there."""
        found = ((digest, self.verifier(digest)) for digest in DIGESTS)
        return [(digest, verifier) for digest, verifier in found if verifier is not None]

    def matches(self, password: str) -> bool:
        """Is this the password? One key derivation (two for the few passwords that SASLprep changes)."""
        if self.sha256 is not None:     # what nearly every account has: all take the same time
            return matches(self.sha256, "sha256", password)
        return any(matches(verifier, digest, password) for digest, verifier in self.items()[:1])


def make(password: str, *, iterations: int = ITERATIONS) -> Credentials:
    """Verifiers with fresh salts, of each hash; a key derivation for each. ValueError: too few iterations, or a
    password that OpaqueString refuses."""
    prepared = opaque(password)
    return Credentials(**{digest: make_verifier(digest, prepared, iterations) for digest in DIGESTS})


def make_verifier(digest: Digest, prepared: str, iterations: int = ITERATIONS) -> ScramVerifier:
    """The verifier of a prepared password, with a fresh salt."""
    salt = secrets.token_bytes(SALT_BYTES)
    return from_salted(digest, pbkdf2(digest, prepared.encode(), salt, _enough(iterations)), salt, iterations)


def from_salted(digest: Digest, salted: bytes, salt: bytes, iterations: int) -> ScramVerifier:
    """The verifier that belongs to a SaltedPassword (RFC 5802 3)."""
    return ScramVerifier(salt, iterations, _stored_key(digest, salted), mac(digest, salted, b"Server Key"))


def _stored_key(digest: Digest, salted: bytes) -> bytes:
    return new_hash(digest, mac(digest, salted, b"Client Key")).digest()


def matches(verifier: ScramVerifier, digest: Digest, password: str) -> bool:
    """Is this the verifier's password? A key derivation, also for what no password can be."""
    right = [_derives(verifier, digest, form) for form in _forms(password)]    # all of them: the time tells nothing
    return any(right)


def _forms(password: str) -> set[str]:
    """What clients and older servers may have hashed: OpaqueString's form, and SASLprep's where it is another."""
    forms = set()
    for prepare in (opaque, saslprep):
        with contextlib.suppress(ValueError):
            forms.add(prepare(password))
    return forms or {""}    # no stored password is empty


def _derives(verifier: ScramVerifier, digest: Digest, prepared: str) -> bool:
    salted = pbkdf2(digest, prepared.encode(), verifier.salt, verifier.iterations)
    return hmac.compare_digest(_stored_key(digest, salted), verifier.stored_key)


def _enough(iterations: int) -> int:
    if iterations < MIN_ITERATIONS:
        raise ValueError(f"{iterations} iterations are too few: at least {MIN_ITERATIONS} (RFC 7677 4)")
    return iterations


class Decoys:
    """Credentials for accounts that don't exist, so that a stranger can't tell them from those that do.

    The salt depends on the account and on a secret of the server, which must outlive restarts: a salt that
    changes says "no such account"."""

    def __init__(self, secret: bytes, *, iterations: int = ITERATIONS) -> None:
        if len(secret) < SALT_BYTES:
            raise ValueError(f"the decoy secret needs at least {SALT_BYTES} bytes")
        self._secret = secret
        self.iterations = iterations

    def credentials(self, account: str) -> Credentials:
        """The same every time; no password matches them."""
        return Credentials(**{digest: self.verifier(digest, account) for digest in DIGESTS})

    def verifier(self, digest: Digest, account: str) -> ScramVerifier:
        def derived(purpose: str) -> bytes:
            return mac(digest, self._secret, f"{purpose} {digest} {account}".encode())

        return ScramVerifier(
            salt=derived("salt")[:SALT_BYTES], iterations=self.iterations,
            stored_key=derived("stored"), server_key=derived("server"),
        )
