"""Who may log in: SASL exchanges against stored verifiers (RFC 6120 6).

Accounts that don't exist take the same road as those that do: same messages, same work, same failure.
"""

from collections.abc import Callable
from functools import partial

from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.net.limits import network
from headrace.sasl.credentials import Credentials, Decoys
from headrace.sasl.failures import SaslFailure
from headrace.sasl.plain import Plain
from headrace.sasl.scram import Scram
from headrace.session.backoff import Backoff
from headrace.session.derive import DerivePool, TooBusy
from headrace.session.ports import Verifiers
from headrace.storage.ports import StorageError

MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN")
"""What is offered, best first."""


def mechanism(name: str | None) -> Scram | Plain:
    """A fresh exchange of that mechanism. SaslFailure: invalid-mechanism."""
    match name:
        case "SCRAM-SHA-256":
            return Scram("sha256")
        case "SCRAM-SHA-1":
            return Scram("sha1")
        case "PLAIN":
            return Plain()
    raise SaslFailure("invalid-mechanism", "not one of the mechanisms offered")


class Authority:
    """What all exchanges of a server share."""

    def __init__(self, verifiers: Verifiers, decoys: Decoys, derive: DerivePool, backoff: Backoff, *,
                 clock: Callable[[], float]) -> None:
        """clock: monotonic seconds."""
        self.verifiers = verifiers
        self.decoys = decoys
        self.derive = derive
        self.backoff = backoff
        self.clock = clock


class Exchange:
    """One SASL exchange of one stream."""

    def __init__(self, authority: Authority, mechanism: Scram | Plain, host: str, address: str) -> None:
        """host: the domain of the stream's header; address: the peer's; failed logins are
        counted by its network."""
        self.mechanism = mechanism
        self.account: JID | None = None     # who claims to log in; proven once `done`
        self.done = False
        self.last_words: bytes | None = None    # additional data with success (RFC 6120 6.3.10)
        self._authority = authority
        self._host = host
        self._address = network(address)

    async def step(self, message: bytes) -> bytes | None:
        """Takes what the client sent; a challenge for it, or None once it is `done`. Raises SaslFailure."""
        if isinstance(self.mechanism, Plain):
            await self._plain(self.mechanism, message)
        elif self.account is None:
            return await self._scram_first(self.mechanism, message)
        else:
            self._refuse_early(self.account)
            self.last_words = self.mechanism.finish(message)
            self._conclude(self.account, right=self.last_words is not None)
        return None

    async def _plain(self, plain: Plain, message: bytes) -> None:
        plain.identify(message)
        account = self._claim(plain.username, plain.authzid)
        credentials = await self._credentials(account.bare)
        self.account = account
        self._refuse_early(account)
        try:
            right = await self._authority.derive.run(self._address, partial(plain.verify, credentials))
        except TooBusy:
            raise SaslFailure("temporary-auth-failure", "too many logins at once; try again soon") from None
        self._conclude(account, right=right)

    async def _scram_first(self, scram: Scram, message: bytes) -> bytes:
        scram.identify(message)
        account = self._claim(scram.username, scram.authzid)
        credentials = await self._credentials(account.bare)
        self.account = account
        verifier = credentials.verifier(scram.digest) or self._authority.decoys.verifier(scram.digest, account.bare)
        return scram.challenge(verifier)

    def _claim(self, username: str, authzid: str) -> JID:
        """The account that the user name means; an authorization identity may only repeat it
        (RFC 6120 6.3.8)."""
        try:
            account = JID(username, self._host, assigned=True)
        except JIDError:
            raise SaslFailure("not-authorized") from None
        try:
            same = not authzid or JID.parse(authzid) == account
        except JIDError:
            same = False
        if not same:
            raise SaslFailure("invalid-authzid", "you may only act for the account that you log in with")
        return account

    async def _credentials(self, bare: str) -> Credentials:
        decoys = self._authority.decoys.credentials(bare)  # made in any case: it takes time
        try:
            account = await self._authority.verifiers.get(bare)
        except StorageError:
            raise SaslFailure("temporary-auth-failure", "accounts cannot be read now") from None
        return account.credentials if account else decoys

    def _refuse_early(self, account: JID) -> None:
        wait = self._authority.backoff.wait(account.bare, self._address, self._authority.clock())
        if wait > 0:
            raise SaslFailure("temporary-auth-failure", f"too many failed logins; wait {wait:.0f} s")

    def _conclude(self, account: JID, *, right: bool) -> None:
        backoff = self._authority.backoff
        if not right:
            backoff.failed(account.bare, self._address, self._authority.clock())
            raise SaslFailure("not-authorized")
        backoff.succeeded(account.bare, self._address)
        self.done = True
