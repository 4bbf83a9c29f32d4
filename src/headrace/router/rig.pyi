"""Sessions without descriptors: bytes into a session, bytes out of its outbox, in one process and with no loop.

    rig = Rig(control)
    romeo, juliet = rig.connect("romeo@localhost/a"), rig.connect("juliet@localhost/b")
    rig.feed(romeo, b"<message to='juliet@localhost/b'><body>Hi</body></message>")
    rig.turn()
    rig.taken(juliet.link)
"""

from collections.abc import Iterable, Mapping
from typing import Any, final

from headrace.net.link import Link, Sink
from headrace.net.reactor import Reactor
from headrace.router.control import Control
from headrace.router.federation import Config, Negotiator, Peer
from headrace.router.router import Router
from headrace.router.session import Session
from headrace.stream.limits import SessionLimits

class Loop:
    """What a Reactor asks of an event loop; nothing happens by itself. Handlers that wait need a running loop."""

    failures: list[dict[str, Any]]
    """What was given to call_exception_handler()."""

@final
class Wire:
    """What a link has sent. Native only."""

@final
class Rig:
    """A router and links that nothing is connected to."""

    loop: Loop
    reactor: Reactor
    router: Router

    def __init__(
        self,
        control: Control | None = None,
        hosts: Iterable[str] = ("localhost",),
        limits: SessionLimits | None = None,
    ) -> None: ...
    def connect(
        self,
        jid: str,
        *,
        contacts: Mapping[str, int] | None = None,
        lang: str | None = None,
        bindings: Iterable[tuple[str | None, str]] = (),
    ) -> Session:
        """Bind a session below a stream root with these prefixes. Its account is loaded with these contacts unless it
        is loaded already."""

    def resume(
        self,
        session: Session,
        h: int,
        *,
        lang: str | None = None,
        bindings: Iterable[tuple[str | None, str]] = (),
    ) -> int:
        """Session.attach() with a new link."""

    def count_from(self, session: Session, n: int) -> None:
        """As if n stanzas had gone each way since stream management was switched on."""

    def federate(self, negotiator: Negotiator, config: Config) -> Peer:
        """A stream with another server, before its first byte."""

    def feed(self, sink: Sink, data: bytes) -> None:
        """These bytes arrive."""

    def turn(self) -> None:
        """The end of a turn: tasks, then each link writes what its peer takes, then closes."""

    def allow(self, link: Link, room: int) -> None:
        """From now on the peer takes this many bytes; negative: all that comes."""

    def border(self, link: Link) -> int:
        """Bytes that the link still owes to the end of the stanza it stopped inside."""

    def taken(self, link: Link) -> bytes:
        """All that the link has sent since this was last asked."""

    def lose(self, link: Link) -> None:
        """The link fails."""

    def advance(self, seconds: float) -> None:
        """Time passes: whatever has a deadline within it expires, and a turn ends."""
