"""The data plane alone: two bound sessions on socket pairs, one router, no loop, no thread.

    PYTHONPATH=src:bench python -m native.route TURNS BATCH body|active [FEATURE]    # bench/count.py counts it

FEATURE: what is on at both sides, one of FEATURES.
"""

import socket
import sys
from collections.abc import Callable
from typing import Any

from corpus.chat import ACTIVE, message
from headrace.core.events import EventReader
from headrace.net.link import Link, Sink
from headrace.net.reactor import Reactor
from headrace.router.router import Router
from headrace.router.session import Session, SessionFlag
from native.build import drive

HEADER = b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
ASK = b"<r xmlns='urn:xmpp:sm:3'/>"
SIZE = 300
FEATURES = ("nothing", "blocking", "carbons", "inactive", "management")
BLOCKED = 20


class Loop:
    """What a reactor needs of an event loop; `scheduled` is run by whoever drives."""

    def __init__(self) -> None:
        self.scheduled: list[Callable[[], object]] = []
        self.call_soon = self.scheduled.append

    def add_reader(self, fd: int, callback: Callable[[], object]) -> None: ...

    def remove_reader(self, fd: int) -> None: ...

    def remove_writer(self, fd: int) -> None: ...

    def call_later(self, delay: float, callback: Callable[[], object]) -> "Loop":
        return self

    def cancel(self) -> None: ...

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        raise SystemExit(context)

    def turn(self) -> None:
        while self.scheduled:
            self.scheduled.pop()()


class NoControl:
    """A chat between two local sessions needs no control plane; anything punted is a mistake of the benchmark."""

    def punt(self, session: object, stanza: Any, reason: int) -> None:
        raise SystemExit(f"punted ({reason}): {stanza.raw!r}")

    def available(self, session: object) -> None: ...

    def gone(self, session: object) -> None: ...


class Pair:
    """Romeo sends, Juliet receives."""

    def __init__(self, feature: str = "nothing") -> None:
        """blocking: both have blocked 20 others; carbons: both have a second session that gets copies; inactive: the
        receiver says that it is (XEP-0352); management: the sender asks for an acknowledgement behind each read, the
        receiver gives one when it is asked (XEP-0198)."""
        self.loop = Loop()
        self.reactor = Reactor(self.loop)
        self.router = Router(self.reactor, NoControl())
        self.router.add_host("example.org")
        self.romeo, self.romeo_link = self.log_in("romeo@example.org", "orchard")
        self.juliet, self.juliet_link = self.log_in("juliet@example.org", "balcony")
        self.managed = feature == "management"
        self.others: list[socket.socket] = []
        if feature == "blocking":
            for name in ("romeo", "juliet"):
                self.router.set_blocked(f"{name}@example.org", [f"foe{n}@example.org" for n in range(BLOCKED)])
        elif feature == "carbons":
            self.others = [self.log_in(f"{name}@example.org", "copies")[0] for name in ("romeo", "juliet")]
            for name in ("romeo", "juliet"):
                self.session(f"{name}@example.org/copies").set_flag(SessionFlag.S_CARBONS)
            self.juliet.recv(65536)     # the other one's presence
        elif feature == "inactive":
            self.session("juliet@example.org/balcony").set_flag(SessionFlag.S_INACTIVE)
        elif feature == "management":
            for session in self.router.everybody():
                session.manage(bytes(16), 600)

    def session(self, jid: str) -> Session:
        session = self.router.find(jid)
        assert session is not None
        return session

    def log_in(self, bare: str, resource: str) -> tuple[socket.socket, Link]:
        client, server = socket.socketpair()
        for end in (client, server):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        server.setblocking(False)
        link = Link(self.reactor, server.detach(), ("127.0.0.1", 0))
        link.start(Sink())
        reader = EventReader(work=self.reactor.work)
        reader.feed(HEADER)
        self.router.load(bare, {})
        self.router.bind(link, reader.tokenizer, f"{bare}/{resource}", None)
        self.loop.turn()
        client.sendall(b"<presence/>")
        link()
        self.loop.turn()
        if b"<presence" not in client.recv(65536):
            raise SystemExit("one's own presence did not come back")
        return client, link

    def route(self, batch: int, extra: bytes = ACTIVE) -> Any:
        """Something whose run(turns) routes `batch` messages a turn."""
        data = b"".join(message(SIZE, "juliet@example.org/balcony", i, extra) for i in range(batch))
        return drive().Route(self, data + ASK, batch) if self.managed else drive().Route(self, data)


def main() -> None:
    turns, batch, shape = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    got = Pair(*sys.argv[4:]).route(batch, {"body": b"", "active": ACTIVE}[shape]).run(turns)
    if got.count(b"</message>") != batch or got.count(b" from='romeo@example.org/orchard'") != batch:
        raise SystemExit(f"not what was sent: {got!r}")


if __name__ == "__main__":
    main()
