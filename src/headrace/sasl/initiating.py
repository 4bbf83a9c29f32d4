"""The client's side: PLAIN (RFC 4616), SCRAM (RFC 5802, RFC 7677), HT-SHA-256 (draft-schmaus-kitten-sasl-ht).

    exchange = ScramInitiator("sha256", "romeo", "secret", salted)
    first = exchange.first()
    final = exchange.final(server_first)
    exchange.check(server_final)
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import MutableMapping
from hashlib import new as new_hash
from os import urandom

from headrace.sasl.credentials import Digest
from headrace.sasl.pbkdf2 import pbkdf2

Salted = MutableMapping[tuple[str, str, bytes, int], bytes]
"""SaltedPassword by hash, password, salt and iterations: what a client derives but once."""


class ServerUntrue(ValueError):
    """The server has not shown what it has to know; the text says what is wrong."""


def plain(username: str, password: str) -> bytes:
    return f"\0{username}\0{password}".encode()


class ScramInitiator:
    """One exchange without channel binding; each method once, in the order above. Passwords are taken as they are."""

    def __init__(self, digest: Digest, username: str, password: str, salted: Salted) -> None:
        self.digest = digest
        self.password = password
        self._salted = salted
        self._nonce = b64encode(urandom(18))
        name = username.replace("=", "=3D").replace(",", "=2C").encode()
        self._bare = b"n=%b,r=%b" % (name, self._nonce)
        self._signed = b""
        self._server_key = b""

    def first(self) -> bytes:
        return b"n,," + self._bare

    def final(self, server_first: bytes) -> bytes:
        """The proof. Raises ServerUntrue."""
        parts = dict(part.split(b"=", 1) for part in server_first.split(b",") if b"=" in part)
        try:
            nonce, salt, iterations = parts[b"r"], b64decode(parts[b"s"]), int(parts[b"i"])
        except (KeyError, ValueError):
            raise ServerUntrue("not a SCRAM server-first-message (RFC 5802 7)") from None
        if not nonce.startswith(self._nonce):
            raise ServerUntrue("the server's nonce does not begin with ours")
        unproven = b"c=biws,r=" + nonce
        self._signed = b",".join((self._bare, server_first, unproven))
        salted = self._derive(salt, iterations)
        self._server_key = hmac.digest(salted, b"Server Key", self.digest)
        client_key = hmac.digest(salted, b"Client Key", self.digest)
        signature = hmac.digest(new_hash(self.digest, client_key).digest(), self._signed, self.digest)
        proof = int.from_bytes(client_key, "big") ^ int.from_bytes(signature, "big")
        return unproven + b",p=" + b64encode(proof.to_bytes(len(signature), "big"))

    def check(self, server_final: bytes) -> None:
        """Raises ServerUntrue unless it knows the password's verifier."""
        expected = b"v=" + b64encode(hmac.digest(self._server_key, self._signed, self.digest))
        if not hmac.compare_digest(server_final.split(b",")[0], expected):
            raise ServerUntrue("the server does not know the password's verifier")

    def _derive(self, salt: bytes, iterations: int) -> bytes:
        key = self.digest, self.password, salt, iterations
        found = self._salted.get(key)
        if found is None:
            found = self._salted[key] = pbkdf2(self.digest, self.password.encode(), salt, iterations)
        return found


class TokenInitiator:
    """HT-SHA-256-NONE, for the tokens of XEP-0484."""

    def __init__(self, username: str, token: str) -> None:
        self.username = username
        self.token = token.encode()

    def first(self) -> bytes:
        return self.username.encode() + b"\0" + hmac.digest(self.token, b"Initiator", "sha256")

    def check(self, server_final: bytes) -> None:
        """Raises ServerUntrue unless it knows the token."""
        if not hmac.compare_digest(server_final, hmac.digest(self.token, b"Responder", "sha256")):
            raise ServerUntrue("the server does not know the token")
