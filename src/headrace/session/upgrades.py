"""Upgrade tasks (XEP-0480): a client that has proven its password brings verifiers that the account lacks."""

from os import urandom
from xml.etree.ElementTree import Element

from headrace.sasl import profile2
from headrace.sasl.credentials import SALT_BYTES, Digest, from_salted
from headrace.sasl.failures import SaslFailure
from headrace.sasl.profile2 import UPGRADES, Authenticate
from headrace.session.exchanges import Exchange
from headrace.session.ports import Verifiers
from headrace.storage.ports import StorageError

_NAMES = {digest: name for name, digest in UPGRADES.items()}


class Upgrades:
    """The tasks of one login, one after the other."""

    def __init__(self, verifiers: Verifiers, iterations: int, request: Authenticate, exchange: Exchange) -> None:
        self._verifiers = verifiers
        self._iterations = iterations
        self._account = exchange.found.jid if exchange.found else ""
        self._left: list[Digest] = []
        self._salt: bytes | None = None     # of the task under way
        if exchange.found is not None and exchange.proves_password:     # a token must not become a password
            have = dict(exchange.found.credentials.items())
            self._left = [d for d in request.upgrades if d in verifiers.digests and d not in have]

    @property
    def task(self) -> str | None:
        """The one that comes next, or is under way."""
        return _NAMES[self._left[0]] if self._left else None

    def begin(self, name: str | None) -> bytes:
        """The client's <next/>: what it needs. SaslFailure: malformed-request."""
        if name != self.task or self._salt is not None:
            raise SaslFailure("malformed-request", f"the task is {self.task}")
        self._salt = urandom(SALT_BYTES)
        return profile2.salt(self._salt, self._iterations)

    async def finish(self, element: Element) -> None:
        """The client's <task-data/>. SaslFailure: malformed-request, incorrect-encoding, temporary-auth-failure."""
        if self._salt is None:
            raise SaslFailure("malformed-request", "begin the task first")
        salted = profile2.salted_password(element, self._left[0])
        digest, salt = self._left.pop(0), self._salt
        self._salt = None
        try:
            await self._verifiers.add(self._account, digest, from_salted(digest, salted, salt, self._iterations))
        except StorageError:
            raise SaslFailure("temporary-auth-failure", "the account cannot be changed now") from None
