"""Accepting: options of sockets, limits, storms, and running out of descriptors."""

import asyncio
import errno
import gc
import os
import resource
import socket
import ssl

import pytest

from headrace.net import listener as listener_module
from headrace.net.limits import Admission, ConnectionLimits
from headrace.net.listener import Listener, raise_descriptor_limit
from headrace.net.sockets import accept


def connect(listener):
    peer = socket.create_connection(("127.0.0.1", listener.port))
    peer.settimeout(10)
    return peer


async def test_links_know_who_they_are(bench):
    listener = bench.listen()
    with connect(listener) as peer:
        await bench.until(lambda: bench.sinks)
        link = bench.sinks[0].link
        assert link.peer == peer.getsockname()
        assert link.listener is listener
    await bench.until(lambda: bench.reactor.links == 0)
    assert link.listener is None


async def test_ipv6(bench):
    listener = Listener(bench.reactor, "::1", 0, on_link=bench.pysink.PySink, limits=Admission())
    listener.start()
    bench.listeners.append(listener)
    listener.on_link = lambda link: bench.sinks.append(bench.pysink.PySink(link)) or bench.sinks[-1]
    with socket.create_connection(("::1", listener.port)):
        await bench.until(lambda: bench.sinks)
    assert bench.sinks[0].link.peer[0] == "::1"


async def test_options_of_an_accepted_socket(bench):
    listener = bench.listen()
    with connect(listener):
        await bench.until(lambda: bench.sinks)
        with socket.socket(fileno=os.dup(bench.sinks[0].link.fd)) as ours:
            assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
            assert not os.get_blocking(ours.fileno())
        assert not os.get_inheritable(bench.sinks[0].link.fd)


async def test_a_port_in_use_is_an_error(bench):
    listener = bench.listen()
    second = Listener(bench.reactor, "127.0.0.1", listener.port, on_link=lambda link: None, limits=Admission())
    with pytest.raises(OSError, match="in use") as caught:
        second.start()
    assert caught.value.errno == errno.EADDRINUSE
    second.close()


async def test_a_closed_listener_keeps_its_links(bench):
    listener = bench.listen(echo=True)
    with connect(listener) as peer:
        await bench.until(lambda: bench.sinks)
        listener.close()
        listener.close()
        peer.sendall(b"still here")
        assert await bench.call(peer.recv, 20) == b"still here"
        with pytest.raises(ConnectionRefusedError):
            connect(listener)


async def test_a_turn_accepts_only_so_many(bench):
    listener = bench.listen()
    peers = [connect(listener) for _ in range(150)]
    listener._accept()
    assert listener.accepted == 64
    await bench.until(lambda: listener.accepted == 150)
    for peer in peers:
        peer.close()


async def test_limits_refuse_and_are_given_back(bench):
    limits = Admission(ConnectionLimits(unauthenticated=2, exempt_loopback=False))
    listener = bench.listen(limits=limits, echo=True)
    first, second = connect(listener), connect(listener)
    await bench.until(lambda: listener.accepted == 2)
    with connect(listener) as refused:
        assert await bench.call(refused.recv, 1) == b""
    assert limits.refused == {"unauthenticated": 1}
    listener.authenticated(bench.sinks[0].link)
    listener.authenticated(bench.sinks[0].link)
    assert (limits.open, limits.unauthenticated) == (2, 1)
    with connect(listener) as third:
        third.sendall(b"in")
        assert await bench.call(third.recv, 2) == b"in"
    first.close()
    second.close()
    await bench.until(lambda: bench.reactor.links == 0)
    assert (limits.open, limits.unauthenticated) == (0, 0)


@pytest.mark.parametrize("answer", [lambda link: None, lambda link: 1 / 0], ids=["refuses", "fails"])
async def test_on_link_that(bench, answer, descriptors):
    listener = bench.listen(on_link=answer)
    before = descriptors()
    with connect(listener) as peer:
        assert await bench.call(peer.recv, 1) == b""
    await bench.until(lambda: descriptors() == before)
    assert (listener.limits.open, bench.reactor.links) == (0, 0)
    bench.errors.clear()


@pytest.fixture
def scarce():
    """Only so many descriptors from the lowest free one on (the listener counts so); the old limit comes back."""
    old = resource.getrlimit(resource.RLIMIT_NOFILE)

    def leave(more):
        gc.collect()        # what earlier tests left must not be freed in between
        lowest = os.dup(0)
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + more, old[1]))

    yield leave
    resource.setrlimit(resource.RLIMIT_NOFILE, old)


async def test_without_descriptors_it_sheds_and_pauses_and_says_so_once(bench, scarce, monkeypatch):
    monkeypatch.setattr(listener_module, "RESERVED", -1000)
    calls = []
    monkeypatch.setattr(listener_module, "accept", lambda fd: (calls.append(fd), accept(fd))[1])
    listener = bench.listen()
    peers = [socket.socket() for _ in range(30)]
    for peer in peers:
        peer.settimeout(10)
    scarce(10)
    for peer in peers:
        peer.connect(("127.0.0.1", listener.port))
    await bench.until(lambda: len(bench.lines) == 1)
    taken = listener.accepted
    await asyncio.sleep(0.5)
    assert listener.accepted == taken < 30
    assert len(calls) < taken + 30
    assert len(bench.lines) == 1
    assert "Too many open files" in bench.lines[0]
    for peer in peers[:taken]:
        peer.close()
    await bench.until(lambda: bench.reactor.links == 0 or listener.accepted > taken)
    for peer in peers:
        peer.close()
    await bench.until(lambda: bench.reactor.links == 0)
    with connect(listener):
        await bench.until(lambda: bench.reactor.links == 1)


async def test_an_error_of_the_network_is_no_spin(bench, monkeypatch):
    calls = []

    def broken(fd):
        calls.append(fd)
        if len(calls) < 3:
            raise OSError(errno.ENETDOWN, "")
        return accept(fd)

    monkeypatch.setattr(listener_module, "accept", broken)
    listener = bench.listen()
    with connect(listener):
        await bench.until(lambda: listener.accepted == 1)
    assert len(calls) < 10
    assert bench.lines == ["c2s: Network is down; no connections are accepted for now"]


async def test_accepting_pauses_before_the_reserve(bench, scarce):
    listener = bench.listen(echo=True)
    with socket.socket() as peer:
        peer.settimeout(10)
        scarce(60)
        peer.connect(("127.0.0.1", listener.port))
        peer.sendall(b"later")
        await bench.until(lambda: bench.lines)
        await asyncio.sleep(0.3)
        assert listener.accepted == 0
        scarce(100)
        assert await bench.call(peer.recv, 10) == b"later"


def test_the_descriptor_limit_is_raised():
    old = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(500, old[1]), old[1]))
    try:
        assert raise_descriptor_limit() == resource.getrlimit(resource.RLIMIT_NOFILE)[0] == old[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, old)


def client_hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    secure = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        secure.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("bench", [{"handshakes": 8}], indirect=True)
async def test_a_flood_of_hellos_waits_in_line(bench, server_tls):
    """Eight are under way, the others wait unread and in order; what was established goes on."""
    listener = bench.listen(tls=server_tls)
    _, friend = bench.pair(echo=True)
    hello = client_hello()
    peers = []
    for _ in range(200):
        peers.append(connect(listener))
        peers[-1].sendall(hello)
    await bench.until(lambda: bench.reactor.counters()["handshakes_waiting"] == 192)
    assert bench.reactor.counters()["handshakes_in_progress"] == 8
    friend.sendall(b"hello")
    assert await bench.call(friend.recv, 10) == b"hello"
    for peer in peers[:8]:
        assert (await bench.call(peer.recv, 65536))[:1] == b"\x16"
        peer.close()
    await bench.until(lambda: bench.reactor.counters()["handshakes_waiting"] == 184)
    assert (await bench.call(peers[8].recv, 65536))[:1] == b"\x16"
    assert bench.reactor.counters()["handshakes_in_progress"] == 8
    for peer in [*peers[8:], friend]:
        peer.close()


@pytest.mark.parametrize("bench", [{"handshakes": 4, "handshake_seconds": 0.0001}], indirect=True)
async def test_a_storm_of_clients_is_served_to_the_end(bench, server_tls, authority):
    listener = bench.listen(tls=server_tls, echo=True)

    async def client(number):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", listener.port, ssl=authority.client(), server_hostname="localhost")
        writer.write(b"%3d" % number)
        answer = await reader.readexactly(3)
        writer.close()
        return int(answer)

    assert await asyncio.gather(*map(client, range(100))) == list(range(100))
    await bench.until(lambda: bench.reactor.links == 0)
    assert bench.reactor.counters()["handshakes"] == 100


@pytest.mark.parametrize("bench", [{"handshakes": 1, "handshake_timeout": 0.2}], indirect=True)
async def test_a_handshake_that_stalls_makes_room(bench, server_tls, authority):
    listener = bench.listen(tls=server_tls, echo=True)
    with connect(listener) as slow:
        slow.sendall(client_hello())
        await bench.until(lambda: bench.reactor.counters()["handshakes_in_progress"] == 1)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", listener.port, ssl=authority.client(), server_hostname="localhost")
        writer.write(b"in")
        assert await reader.readexactly(2) == b"in"
        writer.close()
    assert bench.sinks[0].events == [("gone", False)]
    assert bench.sinks[0].link.error == "the TLS handshake took too long"
