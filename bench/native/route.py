"""The data plane alone: two bound sessions on socket pairs, one router, no loop, no thread.

    PYTHONPATH=src:bench python -m native.route TURNS BATCH body|active [FEATURE]    # bench/count.py counts it

FEATURE: what is on at both sides, one of FEATURES.
"""

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from compare.peers import make_certificate
from corpus.chat import ACTIVE, message
from headrace.core.events import EventReader
from headrace.net.link import Link, Sink
from headrace.net.reactor import Reactor
from headrace.net.tls import TlsContext
from headrace.router.archive import Archive
from headrace.router.router import Router
from headrace.router.session import Session, SessionFlag
from headrace.storage.connection import Connection
from headrace.storage.migrate import steps
from headrace.storage.sqlite import boxes
from headrace.storage.sqlite.migrate import migrate
from headrace.storage.writer import GroupWriter
from native.build import drive, module

HEADER = b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
ASK = b"<r xmlns='urn:xmpp:sm:3'/>"
SIZE = 300
BLOCKED = 20
GROUP = 400         # messages that are committed together: of batches of 1 or 8, the same number of groups
FEATURES: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "TLS": ("TLS",),                    # 1.3, everybody's
    "management": ("management",),      # XEP-0198: all ask and are asked; the sender behind each batch
    "carbons": ("carbons",),            # XEP-0280: both have a second session, which gets copies
    "inactive": ("inactive",),          # XEP-0352: the receivers say that they are
    "archive": ("archive",),            # both sides' (XEP-0313): queued, written to SQLite, put into boxes
    "everything": ("TLS", "management", "carbons", "inactive", "archive"),
    "blocking": ("blocking",),          # XEP-0191: both have blocked 20 others
}


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

    def punt(self, session: object, stanza: Any, reason: int, number: int) -> None:
        raise SystemExit(f"punted ({reason}): {stanza.raw!r}")

    def available(self, session: object) -> None: ...

    def gone(self, session: object) -> None: ...


class Store:
    """An archive, and what of the storage its commits need, in one thread."""

    def __init__(self, folder: Path) -> None:
        self.connection = Connection(folder / "archive.db")
        self.connection.script("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF")
        migrate(self.connection, steps("sqlite"))
        self.writer = GroupWriter(self.connection)
        self.archive = Archive(bytes(16), stale=1e6)

    def commit(self) -> None:
        group = self.archive.take()
        assert group is not None
        self.writer.write(group, self.archive.reservation())
        boxes.fill(self.connection)
        self.archive.committed()


class Pair:
    """Romeo sends, Juliet receives."""

    def __init__(self, feature: str = "nothing") -> None:
        on = FEATURES[feature]
        self.loop = Loop()
        self.reactor = Reactor(self.loop)
        self.router = Router(self.reactor, NoControl())
        self.router.add_host("example.org")
        self.managed = "management" in on
        self.archive: Archive | None = None
        self.folder = TemporaryDirectory(prefix="headrace-route-")     # as long as this lives
        self.tls: tuple[TlsContext, TlsContext] | None = None
        if "TLS" in on:
            make_certificate(Path(self.folder.name))
            files = (f"{self.folder.name}/cert.pem", f"{self.folder.name}/key.pem")
            self.tls = TlsContext(*files), TlsContext.client(verify=False)
        self.sender = self.log_in("romeo@example.org/orchard")
        self.receivers = [self.log_in("juliet@example.org/balcony")]
        if "carbons" in on:
            self.receivers += [self.log_in(f"{name}@example.org/copies") for name in ("romeo", "juliet")]
        for session in self.router.everybody():
            self.switch_on(session, on)
        if "archive" in on:
            store = Store(Path(self.folder.name))
            self.router.archive = self.archive = store.archive
            self.commit = store.commit
        for client, _ in (self.sender, *self.receivers):
            client.take()       # the others' presence

    def switch_on(self, session: Session, on: tuple[str, ...]) -> None:
        if "blocking" in on:
            self.router.set_blocked(session.bare, [f"foe{n}@example.org" for n in range(BLOCKED)])
        if session.resource == "copies":
            session.set_flag(SessionFlag.S_CARBONS)
        if "inactive" in on and session.resource != "orchard":
            session.set_flag(SessionFlag.S_INACTIVE)
        if self.managed:
            session.manage(bytes(16), 600)

    def log_in(self, jid: str) -> tuple[Any, Link]:
        """The client's end (native.drive.Client), and the server's."""
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            end.setblocking(False)
        link = Link(self.reactor, ours.detach(), ("127.0.0.1", 0))
        client = self.connect(theirs.detach(), link)
        reader = EventReader(work=self.reactor.work)
        reader.feed(HEADER)
        self.router.load(jid.partition("/")[0], {})
        self.router.bind(link, reader.tokenizer, jid, None)
        self.loop.turn()
        client.say(b"<presence/>")
        link()
        self.loop.turn()
        if b"<presence" not in client.take():
            raise SystemExit("one's own presence did not come back")
        return client, link

    def connect(self, fd: int, link: Link) -> Any:
        if self.tls is None:
            link.start(Sink())
            return drive().Client(fd)
        server, context = self.tls
        loop = Loop()
        far = Link(Reactor(loop), fd, ("127.0.0.1", 0))
        client = drive().Client(fd, far, loop.scheduled)
        link.start(Sink(), server)
        far.start(client, context, "example.org")
        for _ in range(4):
            client.turn()
            link()
            self.loop.turn()
        if not (far.tls and far.tls.established and link.tls and link.tls.established):
            raise SystemExit("no TLS")
        return client

    def route(self, batch: int, extra: bytes = ACTIVE) -> Any:
        """Something whose run(turns) routes `batch` messages a turn."""
        data = b"".join(message(SIZE, "juliet@example.org/balcony", i, extra) for i in range(batch))
        return drive().Route(self, data + ASK if self.managed else data, batch, GROUP)


def main() -> None:
    turns, batch, shape = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    pair, marks = Pair(*sys.argv[4:]), module("marks")
    route = pair.route(batch, {"body": b"", "active": ACTIVE}[shape])
    route.run(GROUP // batch)   # whatever is done once
    marks.begin()
    got = route.run(turns)
    marks.end("route")
    if got.count(b"</message>") != batch or got.count(b" from='romeo@example.org/orchard'") != batch:
        raise SystemExit(f"not what was sent: {got!r}")
    if got.count(b"<stanza-id") != (0 if pair.archive is None else batch):
        raise SystemExit(f"not as it is archived: {got!r}")


if __name__ == "__main__":
    main()
