"""Plain links: the loop's contract, the order of what is written, ends that lose nothing (native.md)."""

import contextlib
import gc
import socket
import struct
import sys

import pytest

from headrace.net.link import Link


def reset(peer):
    """Close with RST."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def connect(listener):
    peer = socket.create_connection(("127.0.0.1", listener.port))
    peer.settimeout(10)
    return peer


def read_to_end(peer):
    with peer:
        return b"".join(iter(lambda: peer.recv(65536), b""))


@pytest.mark.parametrize("size", [1, 65535, 65536, 65537, 1_000_000])
async def test_echo(bench, size):
    _, peer = bench.pair(echo=True)
    data = bytes(i % 251 for i in range(size))

    def talk():
        pieces = []
        peer.setblocking(True)
        for at in range(0, size, 50_000):
            peer.sendall(data[at:at + 50_000])
            while sum(map(len, pieces)) < min(at + 50_000, size):
                pieces.append(peer.recv(65536))
        return b"".join(pieces)

    assert await bench.call(talk) == data
    assert bench.reactor.counters()["bytes_received"] == size
    assert bench.reactor.counters()["bytes_sent"] == size


async def test_a_turn_writes_once(bench):
    sink, peer = bench.pair(socket.SOCK_SEQPACKET)
    sink.link.send(b"<r/>")
    sink.queue(b"<message/>")
    sink.link.send(b"<a/>")
    assert await bench.call(peer.recv, 100) == b"<r/><a/><message/>"
    peer.close()


async def test_nonzas_stay_out_of_a_half_written_stanza(bench):
    sink, peer = bench.pair()
    stanza = b"<message>" + b"x" * 2_000_000 + b"</message>"
    sink.queue(stanza)
    sink.queue(b"<presence/>")
    await bench.turns()
    assert 0 < sink.unsent() < len(stanza)
    sink.link.send(b"<a/>")
    sink.link.finish()
    assert await bench.call(read_to_end, peer) == stanza + b"<a/><presence/>"


async def test_writable_is_told_once_all_is_written(bench):
    sink, peer = bench.pair()
    sink.queue(b"x" * 2_000_000)
    await bench.turns()
    assert sink.events == []
    left = 2_000_000
    while left:
        left -= len(await bench.call(peer.recv, 65536))
    await bench.until(lambda: sink.events)
    assert sink.events == ["writable"]
    peer.close()


async def test_a_busy_link_shares_the_turn(bench):
    busy, flood = bench.pair()
    other, peer = bench.pair()
    flood.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while flood.send(b"x" * 65536):
            pass
    peer.sendall(b"hello")
    await bench.until(lambda: other.received)
    await bench.until(lambda: len(busy.received) >= 131072)
    assert max(busy.sizes) <= 65536
    flood.close()
    peer.close()


@pytest.mark.parametrize("bench", [{"read_size": 16}], indirect=True)
async def test_reset_with_unread_data_under_a_budget_of_one_small_read(bench, descriptors):
    listener = bench.listen()
    before = descriptors()
    for _ in range(20):
        peer = connect(listener)
        bench.sinks.clear()
        await bench.until(lambda: bench.sinks)
        sink = bench.sinks[0]
        peer.sendall(b"x" * 400)
        await bench.until(lambda sink=sink: sink.received)
        reset(peer)
        await bench.until(lambda sink=sink: sink.events)
        assert sink.events == [("gone", False)]
        assert max(sink.sizes) <= 16
    await bench.until(lambda: bench.reactor.links == 0)
    assert descriptors() == before


async def test_reset_right_behind_data(bench, descriptors):
    """Both are there when the loop looks: it calls the reader once for the two, and never again."""
    listener = bench.listen()
    before = descriptors()
    for size in [1, 400, 5000] * 2:
        peer = connect(listener)
        bench.sinks.clear()
        await bench.until(lambda: bench.sinks)
        sink = bench.sinks[0]
        peer.sendall(b"x" * size)
        reset(peer)
        await bench.until(lambda sink=sink: sink.events)
        assert sink.events == [("gone", False)]
    await bench.until(lambda: bench.reactor.links == 0)
    assert descriptors() == before


async def test_thousand_resets_then_thousand_connections(bench, descriptors):
    listener = bench.listen(echo=True)
    before = descriptors()
    for _ in range(20):
        peers = [connect(listener) for _ in range(50)]
        for peer in peers:
            peer.sendall(b"unread")
            reset(peer)
        await bench.turns(1)
    await bench.until(lambda: listener.accepted == 1000 and bench.reactor.links == 0)
    for _ in range(20):
        peers = [connect(listener) for _ in range(50)]
        for peer in peers:
            peer.sendall(b"hello")
        await bench.turns(1)
        for peer in peers:
            assert await bench.call(peer.recv, 10) == b"hello"
            peer.close()
    await bench.until(lambda: listener.accepted == 2000 and bench.reactor.links == 0)
    assert descriptors() == before
    assert all(sink.events[-1][0] == "gone" and len(sink.events) == 1 for sink in bench.sinks)
    assert listener.limits.open == listener.limits.unauthenticated == 0


async def test_pause_holds_everything_back_until_resume(bench):
    sink, peer = bench.pair(on_data=lambda sink, data: sink.link.pause())
    peer.sendall(b"one")
    await bench.until(lambda: sink.received == b"one")
    peer.sendall(b"two")
    await bench.turns(10)
    assert sink.received == b"one"
    sink.link.resume()
    await bench.until(lambda: sink.received == b"onetwo")
    peer.close()


@pytest.mark.parametrize("bench", [{"read_size": 16}], indirect=True)
async def test_pause_in_the_middle_of_a_long_read(bench):
    sink, peer = bench.pair(on_data=lambda sink, data: sink.link.pause())
    peer.sendall(b"x" * 40)
    for expected in (16, 32, 40):
        await bench.until(lambda expected=expected: len(sink.received) == expected)
        await bench.turns()
        assert len(sink.received) == expected
        sink.link.resume()
    peer.close()


async def test_a_paused_link_learns_its_end_on_resume(bench):
    listener = bench.listen()
    peer = connect(listener)
    await bench.until(lambda: bench.sinks)
    sink = bench.sinks[0]
    sink.link.pause()
    reset(peer)
    await bench.turns(10)
    assert sink.events == []
    sink.link.resume()
    await bench.until(lambda: sink.events == [("gone", False)])


async def test_the_end_of_the_peers_half_lets_the_answer_out(bench):
    sink, peer = bench.pair(echo=True)
    peer.sendall(b"last words")
    peer.shutdown(socket.SHUT_WR)
    assert await bench.call(read_to_end, peer) == b"last words"
    await bench.until(lambda: sink.events == [("gone", True)])


async def test_finish_loses_no_error_text(bench):
    """Closing over unread input would send a reset, which discards what the peer has not read yet."""
    listener = bench.listen(on_data=lambda sink, data: (sink.link.send(b"<policy-violation/>"), sink.link.finish()))
    peer = connect(listener)

    def talk():
        for _ in range(3):
            peer.sendall(b"x" * 65536)
        peer.shutdown(socket.SHUT_WR)
        return read_to_end(peer)

    assert await bench.call(talk) == b"<policy-violation/>"
    await bench.until(lambda: bench.sinks[0].events == [("gone", True)])


async def test_finish_discards_no_more_than_its_bound(bench):
    sink, peer = bench.pair()
    sink.link.finish()

    def flood():
        sent = 0
        try:
            while sent < 50_000_000:
                sent += peer.send(b"x" * 65536)
        except BrokenPipeError:
            return sent
        raise AssertionError("the link takes everything")

    assert await bench.call(flood) < 5_000_000
    await bench.until(lambda: sink.events == [("gone", True)])
    peer.close()


@pytest.mark.parametrize("queued", [b"", b"x" * 2_000_000], ids=["does not close", "takes nothing"])
async def test_finish_waits_only_so_long_for_a_peer_that(bench, queued):
    sink, peer = bench.pair()
    sink.queue(queued)
    sink.link.finish()
    await bench.turns(20)
    assert sink.events == []
    await bench.until(lambda: sink.events == [("gone", True)])
    peer.close()


async def test_the_end_is_told_once_whatever_is_asked(bench):
    sink, peer = bench.pair()
    link = sink.link
    link.finish()
    link.abort()
    peer.close()
    link.finish()
    await bench.until(lambda: sink.events)
    for ask in (link.abort, link.finish, link.pause, link.resume, lambda: link.send(b"late"), sink.act_later):
        ask()
    await bench.turns(10)
    assert sink.events == [("gone", True), "act"]
    assert link.fd == -1
    assert link.sink is None


@pytest.mark.parametrize("end", ["abort", "finish"])
async def test_ending_from_inside_a_read_stops_reading(bench, end):
    sink, peer = bench.pair(on_data=lambda sink, data: getattr(sink.link, end)())
    peer.sendall(b"one")
    await bench.until(lambda: sink.received == b"one")
    with peer:
        peer.settimeout(10)
        assert await bench.call(peer.recv, 10) == b""
    await bench.until(lambda: sink.events)
    assert sink.received == b"one"


async def test_the_sink_can_be_replaced_from_inside_a_read(bench):
    second = bench.pysink.PySink(echo=True)
    sink, peer = bench.pair(on_data=lambda sink, data: sink.replace_by(second))
    peer.sendall(b"one")
    await bench.until(lambda: sink.received == b"one")
    peer.sendall(b"two")
    assert await bench.call(peer.recv, 10) == b"two"
    assert (sink.received, second.received) == (b"one", b"two")
    peer.close()
    await bench.until(lambda: second.events == [("gone", True)])
    assert sink.events == []


async def test_an_error_in_a_sink_ends_its_link_alone(bench):
    def fail(sink, data):
        raise LookupError("a mistake of ours")

    sink, peer = bench.pair(on_data=fail)
    other, friend = bench.pair(echo=True)
    peer.sendall(b"one")
    friend.sendall(b"two")
    assert await bench.call(friend.recv, 10) == b"two"
    assert await bench.call(read_to_end, peer) == b""
    await bench.until(lambda: sink.events == [("gone", False)])
    assert [type(error["exception"]) for error in bench.errors] == [LookupError]
    assert sink.link.error == "an internal error"
    bench.errors.clear()
    friend.close()
    await bench.until(lambda: other.events)


async def test_a_read_inside_a_read_is_refused(bench):
    """The outer one's sink still looks at the shared scratch."""
    def read_other(sink, data):
        friend.sendall(b"inner")
        other.link()

    other, friend = bench.pair()
    sink, peer = bench.pair(on_data=read_other)
    peer.sendall(b"outer")
    await bench.until(lambda: other.events == [("gone", False)])
    assert (sink.received, other.received) == (b"outer", b"")
    assert [type(error["exception"]) for error in bench.errors] == [RuntimeError]
    bench.errors.clear()


async def test_links_leave_nothing_behind_without_the_collector(bench):
    listener = bench.listen(echo=True)
    listener.on_link = bench.pysink.PySink

    async def rounds(count):
        for _ in range(count):
            peers = [connect(listener) for _ in range(20)]
            for peer in peers:
                peer.sendall(b"hello")
            await bench.turns(1)
            for peer in peers:
                peer.close()
            await bench.until(lambda: bench.reactor.links == 0)

    gc.disable()
    try:
        await rounds(5)
        before = sys.getallocatedblocks()
        await rounds(50)
        assert sys.getallocatedblocks() - before < 500
    finally:
        gc.enable()


async def test_a_link_starts_once(bench):
    sink, peer = bench.pair()
    with pytest.raises(RuntimeError):
        sink.link.start(sink)
    peer.close()


async def test_what_is_sent_before_the_start_goes_out_then(bench):
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    link = Link(bench.reactor, ours.detach(), ("", 0))
    link.send(b"early")
    link.pause()
    link.resume()
    await bench.turns()
    sink = bench.pysink.PySink(link)
    bench.sinks.append(sink)
    link.start(sink)
    assert await bench.call(theirs.recv, 10) == b"early"
    theirs.close()


@pytest.mark.parametrize("end", ["abort", "finish"])
async def test_a_link_that_never_started_may_be_dropped(bench, end):
    ours, theirs = socket.socketpair()
    link = Link(bench.reactor, ours.detach(), ("", 0))
    getattr(link, end)()
    assert await bench.call(read_to_end, theirs) == b""
    assert bench.reactor.links == 0
    assert link.fd == -1


