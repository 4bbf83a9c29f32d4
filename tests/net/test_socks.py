"""SOCKS5 connections in pairs: what is asked and answered, what passes, what is against it, how it ends."""

import hashlib
import socket

import pytest

from headrace.net.socks import Socks

KEY = hashlib.sha1(b"sid").hexdigest()
HELLO = b"\x05\x01\x00"


def request(key=KEY, *, command=1, kind=3):
    return bytes([5, command, 0, kind, len(key)]) + key.encode() + b"\x00\x00"


class Board:
    """headrace.net.socks.Board that takes what comes."""

    def __init__(self, bench, seconds=30.0):
        self.waiting, self.left, self.seconds = [], [], seconds
        self.admits = True
        self.port = bench.listen(on_link=lambda link: Socks(link, self, seconds=self.seconds)).port

    def asked(self, connection):
        if self.admits:
            self.waiting.append(connection)
        return self.admits

    def gone(self, connection):
        self.left.append(connection)


@pytest.fixture
def board(bench):
    return Board(bench)


def connect(port, *said):
    peer = socket.create_connection(("127.0.0.1", port))
    peer.settimeout(10)
    for piece in said:
        peer.sendall(piece)
    return peer


def read(peer, n):
    data = b""
    while len(data) < n and (more := peer.recv(n - len(data))):
        data += more
    return data


def read_to_end(peer):
    with peer:
        return b"".join(iter(lambda: peer.recv(1 << 20), b""))


def reset(peer):
    """Does its end come as an error?"""
    try:
        while peer.recv(1 << 20):
            pass
    except ConnectionResetError:
        return True
    return False


async def joined(bench, board, *, most=0, rate=0.0, idle_seconds=30.0):
    """Two peers whose stream is active."""
    peers = []
    for _ in range(2):
        peer = await bench.call(connect, board.port, HELLO, request())
        assert await bench.call(read, peer, 2 + 47) == b"\x05\x00" + b"\x05\x00\x00\x03\x28" + KEY.encode() + b"\0\0"
        peers.append(peer)
    first, second = board.waiting
    first.join(second, most=most, rate=rate, idle_seconds=idle_seconds)
    return peers


@pytest.mark.parametrize("cut", [1, 3, 50])
async def test_what_is_asked_and_answered(bench, board, cut):
    said = b"\x05\x03\x02\x00\x01" + request(KEY.upper())
    peer = await bench.call(connect, board.port, said[:cut])
    peer.sendall(said[cut:])
    assert await bench.call(read, peer, 49) == (b"\x05\x00" + b"\x05\x00\x00\x03\x28" + KEY.upper().encode() + b"\0\0")
    assert board.waiting[0].key == KEY
    peer.close()
    await bench.until(lambda: board.left)
    assert (board.left[0].why, board.left[0].link) == (None, None)


@pytest.mark.parametrize(("said", "answer"), [
    (b"\x05\x01\x02", b"\x05\xff"), (b"\x05\x00", b"\x05\xff"),
    (HELLO + request(command=3), b"\x05\x00\x05\x07\0\x01\0\0\0\0\0\0"),
    (HELLO + request(kind=1), b"\x05\x00\x05\x08\0\x01\0\0\0\0\0\0"),
    (HELLO + request("example.org"), b"\x05\x00\x05\x02\0\x01\0\0\0\0\0\0"),
    (HELLO + request("g" * 40), b"\x05\x00\x05\x02\0\x01\0\0\0\0\0\0"),
    (b"\x04\x01", b""), (b"GET / HTTP/1.1\r\n\r\n", b""), (HELLO + b"\x04\x01\0\x03\x28", b"\x05\x00")])
async def test_what_is_refused(bench, board, said, answer):
    peer = await bench.call(connect, board.port, said)
    got = await bench.call(lambda: b"".join(iter(lambda: recv_or_end(peer), b"")))
    assert got == answer or (got == answer[:len(got)] and not answer.startswith(b"\x05\x00\x05"))
    peer.close()
    await bench.until(lambda: board.left)
    assert board.left[0].why
    assert board.waiting == []


def recv_or_end(peer):
    """A close over unread input is a reset."""
    try:
        return peer.recv(1000)
    except ConnectionResetError:
        return b""


async def test_the_board_refuses(bench, board):
    board.admits = False
    peer = await bench.call(connect, board.port, HELLO, request())
    assert (await bench.call(read_to_end, peer))[2:4] == b"\x05\x02"


@pytest.mark.parametrize("size", [1, 65_536, 65_537, 3_000_000])
async def test_bytes_pass_both_ways(bench, board, size):
    one, other = await joined(bench, board)
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    for sender, receiver in (one, other), (other, one):
        sending = bench.loop.run_in_executor(None, sender.sendall, data)
        assert await bench.call(read, receiver, size) == data
        await sending
    assert [each.carried for each in board.waiting] == [size, size]
    assert bench.reactor.chunks == 0
    one.close()
    assert await bench.call(read_to_end, other) == b""
    await bench.until(lambda: len(board.left) == 2)


async def test_what_comes_too_early_is_ignored(bench, board):
    early = await bench.call(connect, board.port, HELLO + request() + b"early")
    late = await bench.call(connect, board.port, HELLO, request())
    for peer in early, late:
        await bench.call(read, peer, 49)
    await bench.until(lambda: len(board.waiting) == 2)
    board.waiting[0].join(board.waiting[1], most=0, rate=0, idle_seconds=30)
    early.sendall(b"now")
    assert await bench.call(read, late, 3) == b"now"
    early.close()
    late.close()


async def test_a_flood_before_activation(bench, board):
    peer = await bench.call(connect, board.port, HELLO, request())
    await bench.call(flood, peer)
    await bench.until(lambda: board.left)
    assert board.left[0].why == "it sends before the stream is activated"
    peer.close()


def flood(peer):
    try:
        while True:
            peer.sendall(b"x" * 10_000)
    except OSError:
        pass


async def test_a_slow_reader_slows_the_sender_down_and_loses_nothing(bench, board):
    """No more than one read is held, and what is held still goes out behind the sender's end."""
    one, other = await joined(bench, board)
    data = bytes(range(253)) * 80_000
    sending = bench.loop.run_in_executor(None, lambda: (one.sendall(data), one.close()))
    await bench.until(lambda: bench.reactor.chunks == 1)
    assert not sending.done()
    assert await bench.call(read_to_end, other) == data
    await sending
    await bench.until(lambda: len(board.left) == 2)
    assert bench.reactor.chunks == 0


async def test_the_size_is_bounded(bench, board):
    one, other = await joined(bench, board, most=100_000)
    one.sendall(b"x" * 60_000)
    assert len(await bench.call(read, other, 60_000)) == 60_000
    other.sendall(b"y" * 40_000)
    assert len(await bench.call(read, one, 40_000)) == 40_000
    one.sendall(b"z")
    assert await bench.call(read, other, 1) == b""
    await bench.until(lambda: len(board.left) == 2)
    assert {each.why for each in board.left} == {"the stream is too large"}
    one.close()
    other.close()


async def test_the_rate_is_bounded(bench, board):
    """Two seconds' worth goes at once; what is beyond it has to wait, and comes."""
    one, other = await joined(bench, board, rate=200_000)
    began = bench.loop.time()
    sending = bench.loop.run_in_executor(None, one.sendall, b"x" * 700_000)
    assert len(await bench.call(read, other, 700_000)) == 700_000
    assert bench.loop.time() - began > 1.0      # at the least: 300,000 bytes at that rate less one read
    await sending
    one.close()
    other.close()


async def test_who_is_not_activated_in_time(bench, board):
    board.seconds = 0.01
    silent = await bench.call(connect, board.port)
    lonely = await bench.call(connect, board.port, HELLO, request())
    for peer in silent, lonely:
        await bench.call(read_to_end, peer)
    await bench.until(lambda: len(board.left) == 2)
    assert {each.why for each in board.left} == {"no request came", "it was not activated in time"}


async def test_a_stream_on_which_nothing_happens(bench, board):
    one, other = await joined(bench, board, idle_seconds=0.01)
    for peer in one, other:
        assert await bench.call(read_to_end, peer) == b""
    assert {each.why for each in board.left} == {"nothing has been sent for too long"}


async def test_one_that_fails_takes_the_other_along(bench, board):
    one, other = await joined(bench, board)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    one.close()
    assert await bench.call(read_to_end, other) == b""
    await bench.until(lambda: len(board.left) == 2)
    assert board.left[0].why
    assert bench.reactor.links == 0


async def test_the_end_of_one_is_the_end_of_both(bench, board):
    one, other = await joined(bench, board)
    board.waiting[1].end("enough")
    for peer in one, other:
        await bench.call(reset, peer)
    await bench.until(lambda: len(board.left) == 2)
    assert [each.why for each in board.left] == ["enough", "enough"]
    board.waiting[1].end("again")
    assert board.waiting[1].why == "enough"


async def test_only_those_who_wait_are_joined(bench, board):
    await joined(bench, board)
    first, second = board.waiting
    with pytest.raises(ValueError, match="both have to wait"):
        first.join(second, most=0, rate=0, idle_seconds=1)
