"""What is stored instead of a password: one SCRAM verifier per hash (RFC 5802 3), made and checked here.

A key derivation takes milliseconds: on an event loop it belongs into headrace.session.derive's threads.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from hashlib import new as new_hash
from hashlib import pbkdf2_hmac
from typing import Final, Literal

from headrace.sasl.saslprep import saslprep

Digest = Literal["sha1", "sha256"]

ITERATIONS: Final = 10_000      # 2.4 ms of a core: what a guess costs a thief, and PLAIN costs us
MIN_ITERATIONS: Final = 4_096   # RFC 7677 4
SALT_BYTES: Final = 16          # no two accounts share a salt, no table can be made ahead
_SIZES: Final[dict[Digest, int]] = {"sha1": 20, "sha256": 32}


@dataclass(frozen=True, slots=True)
class ScramVerifier:
    """Enough to check a password or a SCRAM proof, not enough to log in with."""

    salt: bytes
    iterations: int
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """All verifiers of one account, of one password."""

    sha1: ScramVerifier
    sha256: ScramVerifier

    def verifier(self, digest: Digest) -> ScramVerifier:
        return self.sha1 if digest == "sha1" else self.sha256


def make(password: str, *, iterations: int = ITERATIONS) -> Credentials:
    """Verifiers with fresh salts; two key derivations. ValueError: too few iterations, or a password that
    SASLprep refuses."""
    if iterations < MIN_ITERATIONS:
        raise ValueError(f"{iterations} iterations are too few: at least {MIN_ITERATIONS} (RFC 7677 4)")
    prepared = saslprep(password)
    return Credentials(
        sha1=_derive("sha1", prepared, secrets.token_bytes(SALT_BYTES), iterations),
        sha256=_derive("sha256", prepared, secrets.token_bytes(SALT_BYTES), iterations),
    )


def matches(verifier: ScramVerifier, digest: Digest, password: str) -> bool:
    """Is this the verifier's password? One key derivation, whatever the password."""
    try:
        prepared = saslprep(password)
    except ValueError:
        prepared = ""  # no stored password is empty
    derived = _derive(digest, prepared, verifier.salt, verifier.iterations)
    return hmac.compare_digest(derived.stored_key, verifier.stored_key)


def _derive(digest: Digest, prepared: str, salt: bytes, iterations: int) -> ScramVerifier:
    salted = pbkdf2_hmac(digest, prepared.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", digest)
    return ScramVerifier(
        salt=salt, iterations=iterations,
        stored_key=new_hash(digest, client_key).digest(),
        server_key=hmac.digest(salted, b"Server Key", digest),
    )


class Decoys:
    """Credentials for accounts that don't exist, so that a stranger can't tell them from those that do.

    The salt depends on the account and on a secret of the server, which must outlive restarts: a salt that
    changes says "no such account"."""

    def __init__(self, secret: bytes, *, iterations: int = ITERATIONS) -> None:
        if len(secret) < SALT_BYTES:
            raise ValueError(f"the decoy secret needs at least {SALT_BYTES} bytes")
        self._secret = secret
        self._iterations = iterations

    def credentials(self, account: str) -> Credentials:
        """The same every time; no password matches them."""
        return Credentials(sha1=self._verifier("sha1", account), sha256=self._verifier("sha256", account))

    def _verifier(self, digest: Digest, account: str) -> ScramVerifier:
        def derived(purpose: str) -> bytes:
            return hmac.digest(self._secret, f"{purpose} {digest} {account}".encode(), "sha256")

        size = _SIZES[digest]
        return ScramVerifier(
            salt=derived("salt")[:SALT_BYTES], iterations=self._iterations,
            stored_key=derived("stored")[:size], server_key=derived("server")[:size],
        )
