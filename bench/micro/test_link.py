"""A link's own work per turn: one recv handed on, one queue written; the loop does nothing here."""

import socket
from collections.abc import Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from headrace.net.link import Link, Sink
from headrace.net.reactor import Reactor

STANZA = b"x" * 300


class StillLoop:
    """A loop that never calls."""

    def call_soon(self, callback: object) -> None: ...
    def add_reader(self, fd: int, callback: object) -> None: ...
    def remove_reader(self, fd: int) -> None: ...
    def remove_writer(self, fd: int) -> None: ...


@pytest.fixture
def pair() -> Iterator[tuple[Reactor, Link, socket.socket]]:
    reactor = Reactor(StillLoop())  # type: ignore[arg-type]
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    link = Link(reactor, ours.detach(), ("", 0))
    link.start(Sink())
    yield reactor, link, theirs
    link.abort()
    reactor()
    theirs.close()


def test_read(benchmark: BenchmarkFixture, pair: tuple[Reactor, Link, socket.socket]) -> None:
    reactor, link, peer = pair

    def turn() -> None:
        peer.send(STANZA)
        link()
        reactor()

    benchmark(turn)
    assert reactor.counters()["bytes_received"] % len(STANZA) == 0


def test_write(benchmark: BenchmarkFixture, pair: tuple[Reactor, Link, socket.socket]) -> None:
    reactor, link, peer = pair

    def turn() -> bytes:
        link.send(STANZA)
        reactor()
        return peer.recv(4096)

    assert benchmark(turn) == STANZA
