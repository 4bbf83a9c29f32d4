"""A connection that one worker has accepted and another one serves (protocol.md 19)."""

from collections.abc import Callable
from enum import IntEnum
from typing import final

from headrace.net.link import Carrier, Link, Sink
from headrace.net.reactor import Reactor

class Word(IntEnum):
    """What one end tells the other, with a value."""

    W_BYTES = 1
    """Plain text: bytes."""
    W_DONE = 2
    """So many of the bytes told are done with: written, or read."""
    W_EOF = 3
    """The relay's client has closed its half, and may still read."""
    W_END = 4
    """The relay's link is gone, the tunnel's is to close: 1 in good order, 0 at once."""

@final
class Tunnel(Carrier):
    """A link without a descriptor: `link`, for a Sink that serves it. What it sends counts as written when the relay
    has written it."""

    def __init__(self, reactor: Reactor, peer: tuple[str, int], tell: Callable[[int, bytes | int], object]) -> None:
        """peer: the client's. tell: the relay, a Word and its value; what one tells arrives in order."""

    @property
    def link(self) -> Link | None:
        """None once closed."""
    def heard(self, word: int, value: bytes | int) -> None:
        """The relay tells this."""
    def wrote(self, n: int) -> None:
        """The relay has written so many more bytes."""
    def authenticated(self, link: Link) -> None: ...
    def gone(self, link: Link) -> None: ...

@final
class Relay(Sink):
    """Takes a link over from whoever served it, and passes on what it brings and what the tunnel sends."""

    def __init__(self, link: Link, tell: Callable[[int, bytes | int], object]) -> None: ...
    @property
    def link(self) -> Link | None:
        """None once gone."""
    def start(self, unread: bytes) -> None:
        """unread: what the client has sent and nobody has read yet."""
    def heard(self, word: int, value: bytes | int) -> None:
        """The tunnel tells this."""
