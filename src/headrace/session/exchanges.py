"""SASL exchanges (RFC 6120 6): who claims to log in, and whether that is proven.

Accounts that don't exist take the same road as those that do: same messages, same work, same failure.
"""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.sasl.channel import Channel
from headrace.sasl.credentials import Decoys, Digest
from headrace.sasl.failures import SaslFailure
from headrace.sasl.offer import Offer
from headrace.sasl.plain import Plain
from headrace.sasl.scram import Scram
from headrace.sasl.single import anonymous, external
from headrace.session.backoff import Backoff
from headrace.session.derive import TooBusy
from headrace.session.identities import addresses
from headrace.session.ports import Verifiers
from headrace.storage.ports import Account, StorageError

# What takes time: called, and awaited, by who has the time. (A coroutine that nobody comes to run would be taken for a
# mistake.) It gives a challenge, or None.
Work = Callable[[], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True)
class Realm:
    """How the users of one host log in."""

    verifiers: Verifiers
    anonymous: bool = False     # all of them do so without an account (XEP-0175)
    certificates: bool = False  # their certificates count (XEP-0178)
    registration: bool = False  # strangers can make accounts (XEP-0077)


@dataclass(frozen=True, slots=True)
class Authority:
    """What all exchanges of a server share."""

    realms: Mapping[str, Realm]     # by host
    decoys: Decoys
    backoff: Backoff
    clock: Callable[[], float]      # monotonic seconds


class Peer(NamedTuple):
    """Who wants to log in, and over what."""

    host: str                       # the domain of the stream's header
    address: str                    # failed logins are counted by this network
    channel: Channel | None
    offer: Offer
    claimed: str | None = None      # the account that the stream's header names, where it binds (XEP-0388 2.6)


class Exchange(ABC):
    """One SASL exchange of one stream."""

    proves_password: ClassVar[bool] = False     # and not only that it is the account's owner
    needs_message: ClassVar[bool] = True        # else none at all says as much as an empty one

    def __init__(self, name: str, authority: Authority, peer: Peer) -> None:
        self.name = name
        self.account: JID | None = None     # who claims to log in; proven once `done`
        self.found: Account | None = None   # the account, where there is one to be found
        self.done = False
        self.revoked = False    # the account has changed since it was looked up
        self.last_words: bytes | None = None    # additional data with success (RFC 6120 6.3.10)
        self._authority = authority
        self._peer = peer
        self._realm = authority.realms[peer.host]

    @abstractmethod
    def step(self, message: bytes) -> bytes | Work | None:
        """Takes what the client sent; a challenge for it, or None once it is `done`. Raises SaslFailure."""

    def _claim(self, username: str, authzid: str) -> JID:
        """The account that the user name means; an authorization identity may only repeat it
        (RFC 6120 6.3.8)."""
        if "@" in username or "/" in username:
            raise SaslFailure("not-authorized")
        try:
            account = JID.parse(f"{username}@{self._peer.host}", assigned=True)
        except JIDError:
            raise SaslFailure("not-authorized") from None
        try:
            same = not authzid or JID.parse(authzid) == account
        except JIDError:
            same = False
        if not same:
            raise SaslFailure("invalid-authzid", "you may only act for the account that you log in with")
        return self._as_claimed(account)

    def _as_claimed(self, account: JID) -> JID:
        if self._peer.claimed not in (None, account.bare):
            raise SaslFailure("invalid-authzid", "your stream header names another account")
        return account

    async def _find(self, account: JID) -> Account | None:
        try:
            return await self._realm.verifiers.find(account.bare)
        except StorageError:
            raise SaslFailure("temporary-auth-failure", "accounts cannot be read now") from None

    def _refuse_early(self, account: JID) -> None:
        wait = self._authority.backoff.wait(account.bare, self._peer.address, self._authority.clock())
        if wait > 0:
            raise SaslFailure("temporary-auth-failure", f"too many failed logins; wait {wait:.0f} s")

    def _conclude(self, account: JID, *, right: bool) -> None:
        backoff = self._authority.backoff
        if not right:
            backoff.failed(account.bare, self._peer.address, self._authority.clock())
            raise SaslFailure("not-authorized")
        backoff.succeeded(account.bare, self._peer.address)
        if self.found is not None and self.found.disabled:
            raise SaslFailure("account-disabled")
        if self.revoked:
            raise SaslFailure("temporary-auth-failure", "the account has just been changed; try again")
        self.done = True


class ScramExchange(Exchange):
    proves_password = True

    def __init__(self, name: str, authority: Authority, peer: Peer) -> None:
        super().__init__(name, authority, peer)
        digest, plus = _SCRAM[name]
        self._scram = Scram(digest, peer.offer, peer.channel, plus=plus)

    def step(self, message: bytes) -> bytes | Work | None:
        if self.account is None:
            return partial(self._first, message)
        self._refuse_early(self.account)
        self.last_words = self._scram.finish(message)
        self._conclude(self.account, right=self.last_words is not None)
        return None

    async def _first(self, message: bytes) -> bytes:
        scram = self._scram
        scram.identify(message)
        account = self._claim(scram.username, scram.authzid)
        self.account = account      # from now on it can be revoked
        self.found = await self._find(account)
        known = self.found and self.found.credentials.verifier(scram.digest)
        return scram.challenge(known or self._authority.decoys.verifier(scram.digest, account.bare))


class PlainExchange(Exchange):
    proves_password = True

    def step(self, message: bytes) -> Work:
        return partial(self._check, message)

    async def _check(self, message: bytes) -> None:
        plain = Plain()
        plain.identify(message)
        self.account = account = self._claim(plain.username, plain.authzid)
        self._refuse_early(account)
        try:
            self.found = await self._realm.verifiers.check(account.bare, plain.password, self._peer.address)
        except TooBusy:
            raise SaslFailure("temporary-auth-failure", "too many logins at once; try again soon") from None
        except StorageError:
            raise SaslFailure("temporary-auth-failure", "accounts cannot be read now") from None
        self._conclude(account, right=self.found is not None)


class ExternalExchange(Exchange):
    """By the addresses in the client's certificate (XEP-0178 2)."""

    def step(self, message: bytes) -> Work:
        return partial(self._check, message)

    async def _check(self, message: bytes) -> None:
        account = self._as_claimed(self._chosen(external(message)))
        self.account = account
        self._refuse_early(account)
        self.found = await self._find(account)
        self._conclude(account, right=self.found is not None)

    def _chosen(self, authzid: str) -> JID:
        """Without an authorization identity the only address; with one, that one of them."""
        assert self._peer.channel is not None
        mine = addresses(self._peer.channel.certificate, self._peer.host)
        if authzid:
            try:
                mine = [jid for jid in mine if jid == JID.parse(authzid)]
            except JIDError:
                mine = []
        if len(mine) != 1:
            raise SaslFailure("invalid-authzid", "name one of the addresses in your certificate")
        return mine[0]


class AnonymousExchange(Exchange):
    needs_message = False       # XEP-0175 4

    def step(self, message: bytes) -> bytes | None:
        anonymous(message)
        self.account = JID(str(uuid.uuid4()), self._peer.host)
        self.done = True
        return None


_DIGESTS: Mapping[str, Digest] = {"SCRAM-SHA-512": "sha512", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}
_SCRAM: Mapping[str, tuple[Digest, bool]] = {     # and whether it binds to the channel
    name + plus: (digest, bool(plus)) for name, digest in _DIGESTS.items() for plus in ("", "-PLUS")}
_KINDS: Mapping[str, type[Exchange]] = {
    **dict.fromkeys(_SCRAM, ScramExchange),
    "PLAIN": PlainExchange, "EXTERNAL": ExternalExchange, "ANONYMOUS": AnonymousExchange,
}


def begin(name: str, authority: Authority, peer: Peer) -> Exchange:
    """A fresh exchange of a mechanism that was offered. SaslFailure: invalid-mechanism, encryption-required."""
    if not peer.offer.mechanisms:
        raise SaslFailure("encryption-required", "TLS first")
    if name not in peer.offer.mechanisms:
        raise SaslFailure("invalid-mechanism", "not one of the mechanisms offered")
    return _KINDS[name](name, authority, peer)
