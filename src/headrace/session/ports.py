"""What a negotiation needs from the rest of the server, as protocols; server/app.py gives the real ones."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from headrace.core.stanza import Stanza
from headrace.core.tokenizer import Tokenizer
from headrace.net.link import Link
from headrace.router.session import Session
from headrace.sasl.channel import Channel
from headrace.sasl.credentials import Digest, ScramVerifier
from headrace.storage.ports import Account
from headrace.stream.header import Header

Bindings = tuple[tuple[str | None, str], ...]
"""Namespaces by prefix, None: the default one."""


class Wire(Protocol):
    """What a negotiation may do to its connection (headrace.session.handshake.Handshake does it).

    All of it takes effect in order and nothing of it closes at once."""

    @property
    def address(self) -> str:
        """The peer's, without port; what limits and back-off count by."""

    @property
    def channel(self) -> Channel | None:
        """TLS, once it is up."""

    def send(self, data: bytes) -> None: ...

    def restart(self) -> None:
        """What the peer sends next, and what of it is here unread, is a new stream."""

    def start_tls(self, host: str) -> None:
        """A TLS handshake as soon as what was sent is out, with this host's certificate unless the client names another
        (SNI). What is here unread is dropped: it came before the handshake, from anybody (the class of
        CVE-2011-0411)."""

    def authenticated(self) -> None:
        """The peer is no stranger any more: it leaves the count of those (protocol.md 9)."""

    def bind(self, jid: str, lang: str | None, greet: Callable[[Session], bytes]) -> None:
        """The connection is a session of this full JID from now on; it reads what is here unread.

        greet(session) gives what is sent before anything that the session gets. Raises what it raises."""

    def resume(self, session: Session, h: int, lang: str | None, greet: Callable[[int], bytes]) -> None:
        """The connection is this session's from now on, whose client has h of its stanzas.

        It reads what is here unread. greet(h of the client's) gives what is sent before what the session sends again.
        Raises what Session.attach() raises; then nothing has changed."""

    def hand_over(self) -> tuple[Link, bytes, Bindings]:
        """The connection is the caller's from now on, with what is here unread and what is bound around that. It is
        not read before Link.resume()."""

    def finish(self) -> None:
        """Send what is queued and close."""


class Negotiator(Protocol):
    """What a Handshake tells of its connection, one thing at a time: while a coroutine that was returned is
    not done, nothing more is read. Nothing here raises."""

    def opened(self, header: Header) -> None: ...

    def element(self, stanza: Stanza) -> Coroutine[Any, Any, None] | None: ...

    def closed(self) -> None:
        """The peer's `</stream:stream>`."""

    def failed(self, condition: str, text: str) -> None:
        """The stream has to end with this error: what the peer sent is not XML that XMPP allows, or too much, its time
        is over, the server stops. Nothing more comes."""

    def revoked(self, account: str) -> bool:
        """What was known of this account (bare JID) holds no more: a login that is not proven yet must fail. Has it
        been proven already?"""

    def crashed(self, error: BaseException) -> None:
        """A coroutine of element() raised."""


class Verifiers(Protocol):
    """Where the passwords of a host's accounts are checked: our own storage (headrace.session.verifiers), or a
    directory or program elsewhere. Raises StorageError when that cannot be asked."""

    @property
    def digests(self) -> Sequence[Digest]:
        """SCRAM verifiers that it may have, the strongest first. None: it can only check passwords, and its host offers
        PLAIN alone."""

    async def find(self, jid: str) -> Account | None:
        """The account, with the verifiers that there are."""

    async def check(self, jid: str, password: str, address: str) -> Account | None:
        """The account if that is its password; None, after as much work, if it is not or if there is no such account.

        address: who asks, for what has to be bounded. Raises headrace.session.derive.TooBusy."""

    async def add(self, jid: str, digest: Digest, verifier: ScramVerifier) -> None:
        """Keep one more verifier of the account's password (XEP-0480)."""


class SignedUp(NamedTuple):
    """How a request for an account went."""

    answer: bytes   # a stanza
    account: str | None = None  # the one that was made


class SignUp(Protocol):
    """Accounts for those who have none (XEP-0077 3.1.1)."""

    async def answer(self, stanza: Stanza, host: str, address: str) -> SignedUp:
        """To an IQ request in `jabber:iq:register` by a stranger, from that address."""


@dataclass(frozen=True, slots=True)
class Proven:
    """A login that has succeeded, as the home of its account needs it to go on."""

    account: str  # bare JID
    host: str
    lang: str | None
    entry: Entering | None  # None: a new stream begins (RFC 6120 6.4.6)


@dataclass(frozen=True, slots=True)
class Entering:
    """One by XEP-0388, which goes on in the same stream."""

    request: bytes  # the <authenticate/>, without what it proves itself by
    last_words: bytes | None
    granted: bytes  # what <success/> says of inline features that are done with


class Homes(Protocol):
    """Where accounts are at home, if this worker is not the only one (headrace.session.moves)."""

    def is_home(self, account: str) -> bool: ...

    def move(self, wire: Wire, proven: Proven) -> None:
        """The connection goes on at the account's home, another worker."""


class AccountLoader(Protocol):
    """Brings an account's tables into the router, so that a session of it can be bound."""

    async def load(self, bare: str) -> None:
        """Raises headrace.storage.ports.StorageError if it can't."""


class Sessions(Protocol):
    """The part of headrace.router.router.Router that a negotiation needs."""

    @property
    def hosts(self) -> Set[str]: ...

    def bind(self, link: Link, tokenizer: Tokenizer, jid: str, lang: str | None) -> Session: ...

    def find(self, full: str) -> Session | None: ...

    def sessions(self, bare: str) -> list[Session]: ...

    def resumable(self, bare: str, id: bytes) -> Session | None: ...

    def last_h(self, bare: str, id: bytes) -> int | None: ...

    def release(self, bare: str) -> None: ...

    def end(self, session: Session, condition: str, text: str = "") -> None: ...


class Far(Protocol):
    """Who takes stanzas for domains that are not hosted here and that no stream leads to yet."""

    def remote(self, stanza: Stanza, *, wanted: bool, number: int = 0) -> None:
        """wanted: its sender is told if it can't be sent. number: in the spool, which it leaves once it is sent or its
        sender has been told; 0: it is not there."""

    def restore(self, stanza: Stanza, number: int) -> None:
        """A message of this number in the spool, that an earlier run of the server has left there. In order, before
        any other stanza."""


class Log(Protocol):
    """structlog's way of calling: an event and its fields."""

    def info(self, event: str, **fields: object) -> object: ...

    def warning(self, event: str, **fields: object) -> object: ...

    def exception(self, event: str, **fields: object) -> object: ...
