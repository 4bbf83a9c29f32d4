"""A stream with another server in a rig, and a negotiator that only takes notes."""

from dataclasses import dataclass, field
from typing import Any

from headrace.core.stanza import Stanza
from headrace.router.control import Left
from headrace.router.federation import Peer
from headrace.session.domains import S2SConfig
from headrace.stream.header import Header
from support.routing import World

HEADER = (b"<?xml version='1.0'?><s:stream xmlns='jabber:server' xmlns:s='http://etherx.jabber.org/streams'"
          b" xmlns:db='jabber:server:dialback' from='far.example' to='localhost' version='1.0' xml:lang='de'>")
ROOT = b"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>"
ROMEO = "romeo@localhost/r"


@dataclass
class Notes:
    """A negotiator that writes down what it is told, and ends its stream with the condition alone."""

    said: list[Any] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)    # in the spool, of what was left
    peer: Peer | None = None

    def secured(self) -> None:
        self.said.append("secured")

    def opened(self, header: Header) -> None:
        self.said.append(header)

    def element(self, stanza: Stanza) -> None:
        self.said.append(stanza.name)

    def closed(self) -> None:
        self.said.append("closed")

    def failed(self, condition: str, text: str) -> None:
        self.said.append(condition)
        assert self.peer is not None
        self.peer.stop(condition.encode())

    def expired(self) -> None:
        self.said.append("expired")

    def gone(self, error: str | None, unsent: list[Left], unsure: list[Left]) -> None:
        self.numbers = [number for _, number in [*unsure, *unsent]]
        self.said.append(("gone", *[[raw for raw, _ in left] for left in (unsent, unsure) if left or left is unsent]))


class Far(World):
    """A router, and a stream with far.example that carries both ways."""

    def __init__(self, config: S2SConfig | None = None, *pairs: tuple[str, str]) -> None:
        super().__init__(("localhost", "other.localhost"))
        self.told = Notes()
        self.peer = self.told.peer = self.rig.federate(self.told, config or S2SConfig())
        self.wire = self.peer.link
        self.give(HEADER)
        for theirs, ours in pairs or [("far.example", "localhost")]:
            self.peer.admit(theirs, ours)
            self.peer.settle()
            self.peer.carries(ours, theirs)
        self.told.said.clear()

    def give(self, text: str | bytes) -> None:
        self.rig.feed(self.peer, text.encode() if isinstance(text, str) else text)
        self.rig.turn()

    def sent(self) -> bytes:
        return self.rig.taken(self.wire)
