"""What a negotiation needs from the rest of the server, as protocols; server/app.py gives the real ones."""

from collections.abc import Awaitable, Set
from typing import Protocol

from headrace.core.stanza import Stanza
from headrace.core.tokenizer import Tokenizer
from headrace.net.link import Link
from headrace.router.session import Session
from headrace.storage.ports import Account
from headrace.stream.header import Header


class Wire(Protocol):
    """What a negotiation may do to its connection (headrace.session.handshake.Handshake does it).

    All of it takes effect in order and nothing of it closes at once."""

    @property
    def address(self) -> str:
        """The peer's, without port; what limits and back-off count by."""

    @property
    def secure(self) -> bool:
        """TLS is up."""

    def send(self, data: bytes) -> None: ...

    def restart(self) -> None:
        """What the peer sends next, and what of it is here unread, is a new stream."""

    def start_tls(self) -> None:
        """A TLS handshake as soon as what was sent is out. What is here unread is dropped: it came before the
        handshake, from anybody (the class of CVE-2011-0411)."""

    def authenticated(self) -> None:
        """The peer is no stranger any more: it leaves the count of those (protocol.md 9)."""

    def bind(self, jid: str, lang: str | None) -> None:
        """The connection is a session of this full JID from now on; it reads what is here unread."""

    def finish(self) -> None:
        """Send what is queued and close."""


class Negotiator(Protocol):
    """What a Handshake tells of its connection, one thing at a time: while an awaitable that was returned is
    not done, nothing more is read. Nothing here raises."""

    def opened(self, header: Header) -> None: ...

    def element(self, stanza: Stanza) -> Awaitable[None] | None: ...

    def closed(self) -> None:
        """The peer's `</stream:stream>`."""

    def failed(self, condition: str, text: str) -> None:
        """What the peer sent is not XML that XMPP allows, or too much; nothing more comes."""

    def expired(self) -> None:
        """The time for all of it is over."""

    def stopped(self) -> None:
        """The server stops."""

    def crashed(self, error: BaseException) -> None:
        """An awaitable of element() raised."""


class Verifiers(Protocol):
    """Where accounts' credentials are (headrace.storage.ports.AccountStore is one)."""

    async def get(self, jid: str) -> Account | None: ...


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

    def release(self, bare: str) -> None: ...

    def end(self, session: Session, condition: str, text: str = "") -> None: ...


class Log(Protocol):
    """structlog's way of calling: an event and its fields."""

    def info(self, event: str, **fields: object) -> object: ...

    def warning(self, event: str, **fields: object) -> object: ...

    def exception(self, event: str, **fields: object) -> object: ...
