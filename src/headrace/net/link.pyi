from typing import Protocol, final

from headrace.net.reactor import Channel, Reactor, Task
from headrace.net.tls import TlsContext, TlsEngine

class Sink(Task):
    """Who gets a link's bytes and gives it bytes to send; subclassed natively (link.pxd)."""

class Carrier:
    """Takes and brings a link's bytes where it has no descriptor; subclassed natively (link.pxd)."""

class _Owner(Protocol):
    """Who accepted a link and keeps account of it (headrace.net.listener.Listener)."""

    def gone(self, link: Link) -> None:
        """The link is closed. Called exactly once, before its sink learns it."""

@final
class Writer:
    """The loop's writer callback of a link that waits for its peer."""

    def __call__(self) -> None: ...

@final
class Link(Channel):
    """One connection over a descriptor, perhaps with TLS. After its end every request does nothing.

    fd: a connected, non-blocking stream socket; the link owns it from now on. peer: (address, port).
    """

    def __new__(cls, reactor: Reactor, fd: int, peer: tuple[str, int],
                listener: _Owner | None = None) -> Link: ...
    authenticated: bool
    tlsa: list[tuple[int, int, int, bytes]] | None
    """Of the server that we connect to (usage, selector, matching type, data), from secure DNS; to be set before TLS
    starts."""
    @property
    def reactor(self) -> Reactor: ...
    @property
    def fd(self) -> int:
        """-1 once closed."""
    @property
    def sink(self) -> Sink | None: ...
    @property
    def tls(self) -> TlsEngine | None:
        """None while plain."""
    @property
    def peer(self) -> tuple[str, int]: ...
    @property
    def listener(self) -> _Owner | None:
        """What accepted it; None once closed."""
    @property
    def paused(self) -> bool: ...
    @property
    def closing(self) -> bool:
        """finish() or abort() was called, or the peer has ended it."""
    @property
    def error(self) -> str | None:
        """Why it failed, in English, for a log."""
    def start(self, sink: Sink, tls: TlsContext | None = None, server_name: str | None = None, *,
              either: bool = False) -> None:
        """Begin to read. tls: direct TLS (XEP-0368); server_name: whom a client asks for and expects.
        either: direct TLS only if the peer's first byte says so; else plain, perhaps STARTTLS later.
        A server's engine is made when the client's first bytes come."""
    def send(self, data: bytes) -> None:
        """Queue bytes, before the sink's next stanza; they go at the end of this turn."""
    def pause(self) -> None:
        """Stop reading. Who pauses keeps a time-out: a paused link isn't polled and notices no end."""
    def resume(self) -> None: ...
    def start_tls(self, context: TlsContext, server_name: str | None = None) -> None:
        """After what is queued now has gone out (STARTTLS, RFC 6120 5.4); on_secure() tells the sink.
        server_name: a server's name that the peer has asked for before TLS; TlsContext says when it counts.
        Plain bytes of the same read are dropped. Raises RuntimeError if TLS was started before."""
    def finish(self) -> None:
        """Flush what is queued (2 s), close_notify, shut our half, discard until the peer's end
        (2 s, 256 KiB), close."""
    def abort(self) -> None:
        """Close at the end of this turn; drop everything."""
    def __call__(self) -> None:
        """The loop's reader."""
