"""Connections of a SOCKS5 server (RFC 1928, no authentication) that joins two that name the same stream (XEP-0065)."""

from typing import Protocol, final

from headrace.net.link import Link, Sink

class Board(Protocol):
    """Who brings two together."""

    def asked(self, connection: Socks) -> bool:
        """It names its stream (key). False: it is refused."""

    def gone(self, connection: Socks) -> None:
        """It has ended; once, whether it was ever asked about or not."""

@final
class Socks(Sink):
    """One connection; the Sink of its link, which has to be started with it.

    seconds: for it to ask, and then for it to be joined; else it is closed.
    """

    def __init__(self, link: Link, board: Board, *, seconds: float) -> None: ...
    @property
    def link(self) -> Link | None:
        """None once gone."""
    @property
    def key(self) -> str | None:
        """The name of its stream: 40 lower-case hex digits."""
    @property
    def why(self) -> str | None:
        """Why it was ended, in English; None if its peer has ended it."""
    @property
    def carried(self) -> int:
        """Bytes of its peer that went to the other one."""
    def join(self, other: Socks, *, most: int, rate: float, idle_seconds: float) -> None:
        """What one sends goes to the other from now on, until either ends; what is on its way then still arrives.

        most: bytes of both together; one more ends the stream. rate: bytes a second in each direction, twice that at
        once. 0: any number. idle_seconds: so long without a byte ends it. Raises ValueError unless both wait for it.
        """
    def end(self, why: str) -> None:
        """End it at once, and the one that it is joined to."""
