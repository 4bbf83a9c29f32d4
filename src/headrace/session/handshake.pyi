"""The Sink of a connection that is not bound yet: bytes in, one event at a time to a negotiation."""

from collections.abc import Callable, Coroutine
from typing import Any, final

from headrace.net.link import Link, Sink
from headrace.net.tls import TlsContext, TlsEngine
from headrace.router.session import Session
from headrace.session.config import C2SConfig
from headrace.session.ports import Negotiator, Sessions

@final
class Handshake(Sink):
    """Tokenizes under the limits for strangers, enforces the time for all of it, pauses the link while the
    negotiation waits for something, and gives tokenizer and unread bytes to the router's Session in the end.
    What is said to one piece of input leaves together: a client that sends more behind its header gets the features
    with the answer to that, even if it takes time.

    It is the negotiation's `headrace.session.ports.Wire`, which says what its methods do.
    """

    def __init__(self, link: Link, sessions: Sessions, config: C2SConfig,
                 tls: TlsContext | None = None, bindings: tuple[tuple[str | None, str], ...] | None = None) -> None:
        """tls: for STARTTLS; None where it is not offered. bindings: of a stream that is open already (hand_over())."""

    def start(self, negotiator: Negotiator, under_way: set[Handshake]) -> None:
        """Tell it everything from now on. Called once, before the first byte; the time begins.

        under_way: it is in this set until it is over."""

    def wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        """Nothing is read until this is done, as of a coroutine of the negotiator's; right after start()."""

    def end(self, condition: str, text: str = "") -> None:
        """The stream is closed with this stream error, unless it is over already."""

    def revoke(self, account: str, condition: str, text: str = "") -> None:
        """The same, if that account (bare JID) has logged in on it. If it is about to, its login fails."""

    @property
    def address(self) -> str: ...
    @property
    def channel(self) -> TlsEngine | None: ...
    def send(self, data: bytes) -> None: ...
    def restart(self) -> None: ...
    def start_tls(self, host: str) -> None: ...
    def authenticated(self) -> None: ...
    def bind(self, jid: str, lang: str | None, greet: Callable[[Session], bytes]) -> None: ...
    def resume(self, session: Session, h: int, lang: str | None, greet: Callable[[int], bytes]) -> None: ...
    def hand_over(self) -> tuple[Link, bytes, tuple[tuple[str | None, str], ...]]:
        """Its link is somebody else's from now on: with what it has brought that is unread, and the prefixes (None: the
        default) that are bound around it."""
    def finish(self) -> None: ...
