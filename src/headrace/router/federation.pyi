"""Streams with other servers: stanzas pass natively, all else is a negotiator's in Python."""

from typing import Protocol, final

from headrace.core.limits import Limits
from headrace.core.stanza import Stanza
from headrace.core.tokenizer import Tokenizer, Workspace
from headrace.net.link import Link, Sink
from headrace.net.tls import TlsContext, TlsEngine
from headrace.router.control import Left
from headrace.router.outbox import Outbox
from headrace.router.router import Router
from headrace.stream.header import Header
from headrace.stream.limits import NegotiationLimits

class Negotiator(Protocol):
    """Who is told what comes on a Peer's stream beside stanzas. Nothing here raises or waits."""

    def secured(self) -> None:
        """TLS is up."""

    def opened(self, header: Header) -> None: ...

    def element(self, stanza: Stanza) -> None:
        """A top-level element that is no stanza."""

    def closed(self) -> None:
        """The peer's `</stream:stream>`; or nothing has passed for too long. stop() now, or it ends without a word."""

    def failed(self, condition: str, text: str) -> None:
        """A stream error of ours is due (RFC 6120 4.9.3): what the peer sent must not come. stop() with it now, or
        it ends without a word."""

    def expired(self) -> None:
        """The time for the negotiation is over. As failed()."""

    def gone(self, error: str | None, unsent: list[Left], unsure: list[Left]) -> None:
        """The link is closed; stanzas that were not written whole, in order, and before them those that were but that
        the peer, though it counts, has not acknowledged. Once, and last."""

class Config(Protocol):
    """What a Peer is bound by (headrace.session.domains.S2SConfig)."""

    @property
    def negotiation(self) -> NegotiationLimits: ...
    @property
    def before(self) -> Limits:
        """What a stranger may send."""
    @property
    def after(self) -> Limits:
        """What comes on a settled stream: a stanza that is larger is refused, one 16 times as large ends the stream."""
    @property
    def bytes_per_second(self) -> float:
        """From each domain, over all its streams; what is more waits unread. 0: no bound."""
    @property
    def stanzas_per_second(self) -> float: ...
    @property
    def idle_seconds(self) -> float: ...
    @property
    def keep_alive_seconds(self) -> float: ...

class Route(Sink):
    """Takes stanzas to domains that are not hosted here; subclassed natively (federation.pxd)."""

@final
class Routes:
    """Whose stanzas go where; a Router has one."""

    @property
    def work(self) -> Workspace: ...

@final
class Peer(Route):
    """A stream with another server, either of which may have connected. Domains given to it are prepared."""

    def __init__(self, router: Router, routes: Routes, link: Link, config: Config,
                 tls: TlsContext | None = None) -> None:
        """The Sink for link.start(). tls: for STARTTLS as a server. The time for the negotiation begins."""

    most_out: int
    """Bytes of a stanza that the peer takes: 128 KiB unless it has announced another bound (XEP-0478)."""

    @property
    def link(self) -> Link | None:
        """None once it is closed."""
    @property
    def outbox(self) -> Outbox: ...
    @property
    def ended(self) -> bool:
        """It carries nothing any more."""
    @property
    def tok(self) -> Tokenizer: ...
    @property
    def address(self) -> str: ...
    @property
    def channel(self) -> TlsEngine | None:
        """TLS, once it is up."""
    @property
    def unsent(self) -> int:
        """Bytes of stanzas that wait to be written."""
    def start(self, negotiator: Negotiator) -> None:
        """Tell it everything from now on."""
    def send(self, data: bytes) -> None:
        """What is no stanza."""
    def restart(self, proven: bool = False) -> None:
        """What the peer sends next is a new stream. proven: a pair of domains has been, and stanzas may come before it:
        Prosody 0.12 sends what its users say right behind its <success/>, if the stream may be used both ways."""
    def start_tls(self, context: TlsContext | None = None, host: str | None = None) -> None:
        """After what was sent is out; plain bytes that are unread are dropped. context: of a client. host: of ours,
        whom the other server has asked for."""
    def settle(self) -> None:
        """A pair of domains has been proven: no stranger's bounds and no time limit any more."""
    def admit(self, theirs: str, ours: str) -> None:
        """Stanzas from that domain to this one may come."""
    def admit_all(self, theirs: str) -> None:
        """Stanzas from that domain to any may come: it is a component."""
    def takes(self, domain: str) -> None:
        """Stanzas to that domain go here from now on, whoever sends. It must not have another stream."""
    def carries(self, ours: str, theirs: str) -> None:
        """Stanzas from our domain to theirs go here from now on."""
    def manage(self) -> None:
        """Both sides count stanzas from here on (XEP-0198). Ours stay until they are acknowledged; the peer's are
        acknowledged when they are handled, and kept if they have to be."""
    def put(self, stanza: bytes, number: int = 0) -> bool:
        """Queue a stanza as it is (self-contained, without xmlns); False if the peer would not take it, or it has
        ended. number: in the spool, which it leaves once the peer has it."""
    def stop(self, last: bytes) -> None:
        """End it: `last`, the stream's end, behind what is queued; close. The first call counts."""
    def abort(self) -> None:
        """End it without a word."""
