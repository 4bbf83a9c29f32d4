"""A link without a descriptor, whose client is another's link: what counts as written, back-pressure, ends."""

import asyncio
import socket
from collections import deque
from typing import Any

import pytest

from headrace.net.tunnel import Relay, Tunnel, Word


class Pair:
    """A client's socket, the relay of its link and the tunnel with a sink; words wait on both ways until carry()."""

    def __init__(self, bench: Any, unread: bytes = b"", **sink: Any) -> None:
        self.bench = bench
        made, self.client = bench.pair()
        self.link = made.link
        self.words: deque[tuple[Any, int, Any]] = deque()
        self.said: list[Word] = []      # by the relay, so far
        self.held = False
        self.tunnel = Tunnel(bench.reactor, ("192.0.2.1", 5), lambda *word: self._told("relay", *word))
        self.sink = bench.pysink.PySink(self.tunnel.link, **sink)
        self.far = self.tunnel.link
        self.far.start(self.sink)
        self.relay = Relay(self.link, lambda *word: self._told("tunnel", *word))
        self.relay.start(unread)

    def _told(self, whom: str, word: int, value: Any) -> None:
        self.words.append((whom, word, value))
        if whom == "tunnel":
            self.said.append(Word(word))
        if not self.held:
            self.bench.loop.call_later(0.001, self.carry)

    def carry(self) -> None:
        if not self.held and self.words:
            whom, word, value = self.words.popleft()
            getattr(self, whom).heard(word, value)

    def hold(self) -> None:
        self.held = True

    def go_on(self) -> None:
        self.held = False
        for n in range(len(self.words)):
            self.bench.loop.call_later(0.001 * n, self.carry)

    def told(self, word: Word) -> list[Any]:
        return [value for _, said, value in self.words if said == word]


async def gone(pair: Pair) -> None:
    await pair.bench.until(lambda: pair.relay.link is None and pair.tunnel.link is None and not pair.words)


@pytest.mark.parametrize("size", [1, 65536, 1_000_000])
async def test_echo(bench, size):
    pair = Pair(bench, echo=True)
    data = bytes(i % 251 for i in range(size))

    def talk():
        pieces = []
        for at in range(0, size, 50_000):
            pair.client.sendall(data[at:at + 50_000])
            while sum(map(len, pieces)) < min(at + 50_000, size):
                pieces.append(pair.client.recv(65536))
        return b"".join(pieces)

    assert await bench.call(talk) == data
    pair.client.close()
    await gone(pair)
    assert pair.sink.events[-1] == ("gone", True)
    assert pair.far.peer == ("192.0.2.1", 5)


async def test_what_was_read_before_comes_first(bench):
    pair = Pair(bench, unread=b"first ")
    pair.client.sendall(b"second")
    await bench.until(lambda: bytes(pair.sink.received) == b"first second")
    pair.client.close()
    await gone(pair)


async def test_sent_is_what_the_client_s_link_has_written(bench):
    """Not what was handed over."""
    pair = Pair(bench)
    pair.hold()
    pair.sink.queue(b"<message/>")
    pair.far.send(b"<a/>")
    await bench.until(lambda: pair.told(Word.W_BYTES) == [b"<a/><message/>"])
    assert pair.sink.unsent() == len(b"<message/>")
    pair.sink.queue(b"<iq/>")
    await bench.turns()
    assert len(pair.words) == 1     # one run is under way
    pair.go_on()
    assert await bench.call(pair.client.recv, 14) == b"<a/><message/>"
    assert await bench.call(pair.client.recv, 14) == b"<iq/>"
    await bench.until(lambda: pair.sink.unsent() == 0)
    pair.client.close()
    await gone(pair)


async def test_a_client_that_goes_with_bytes_on_their_way(bench):
    pair = Pair(bench)
    pair.hold()
    pair.sink.queue(b"<message/>")
    await bench.until(lambda: pair.words)
    pair.client.close()
    await bench.until(lambda: pair.told(Word.W_EOF))
    pair.go_on()
    await gone(pair)
    assert pair.sink.unsent() == len(b"<message/>")
    assert pair.sink.events[-1] == ("gone", True)


async def test_a_pause_reaches_the_client(bench):
    """What is not read over there is not read here, beyond a window; and nothing of it is lost."""
    pair = Pair(bench)
    pair.far.pause()
    data = bytes(i % 251 for i in range(4_000_000))
    sending = asyncio.ensure_future(bench.call(pair.client.sendall, data))
    await bench.until(lambda: pair.link.paused)
    assert not sending.done()
    assert len(pair.sink.received) == 0
    pair.far.resume()
    await sending
    await bench.until(lambda: len(pair.sink.received) == len(data))
    assert bytes(pair.sink.received) == data
    pair.client.close()
    await gone(pair)


async def test_the_session_closes(bench):
    """All that it has said arrives first."""
    pair = Pair(bench)
    pair.sink.queue(b"x" * 100_000)
    pair.far.send(b"</stream:stream>")
    pair.far.finish()

    def read():
        with pair.client as peer:
            return b"".join(iter(lambda: peer.recv(65536), b""))

    assert await bench.call(read) == b"</stream:stream>" + b"x" * 100_000
    await gone(pair)
    assert pair.sink.events[-1] == ("gone", True)


async def test_the_session_is_cut(bench):
    pair = Pair(bench)
    pair.far.abort()
    assert await bench.call(pair.client.recv, 1) == b""
    await gone(pair)
    assert pair.sink.events[-1] == ("gone", False)
    pair.client.close()


async def test_the_last_words_of_a_client_arrive(bench):
    pair = Pair(bench)
    pair.client.sendall(b"</stream:stream>")
    pair.client.shutdown(socket.SHUT_WR)
    await gone(pair)
    assert bytes(pair.sink.received) == b"</stream:stream>"
    assert pair.sink.events[-1] == ("gone", True)
    pair.client.close()


@pytest.mark.parametrize("clean", [True, False])
async def test_an_end_while_nothing_is_read(bench, clean):
    """As of a link with a descriptor (test_link.py): what the client has said is read first, when somebody reads."""
    pair = Pair(bench)
    pair.far.pause()
    pair.client.sendall(b"unread")
    await bench.until(lambda: pair.said == [Word.W_BYTES])
    if clean:
        pair.client.close()
    else:
        pair.link.abort()
    await bench.until(lambda: pair.said[-1] == (Word.W_EOF if clean else Word.W_END) and not pair.words)
    await bench.turns()
    assert (bytes(pair.sink.received), pair.sink.events) == (b"", [])
    pair.far.resume()
    await gone(pair)
    assert bytes(pair.sink.received) == b"unread"
    assert pair.sink.events == [("gone", clean)]


async def test_who_reads_one_stanza_at_a_time_gets_the_end_behind_the_last(bench):
    pair = Pair(bench, on_data=lambda sink, data: sink.link.pause())
    pair.client.sendall(b"one")
    await bench.until(lambda: pair.sink.received == b"one")
    pair.client.sendall(b"two")
    pair.client.close()
    await bench.until(lambda: pair.said[-1] == Word.W_EOF and not pair.words)
    pair.far.resume()
    await bench.until(lambda: pair.sink.received == b"onetwo")
    await bench.turns()
    assert pair.sink.events == []
    pair.far.resume()
    await gone(pair)
    assert pair.sink.events == [("gone", True)]


async def test_who_writes_learns_that_nobody_is_there(bench):
    """Though he does not read."""
    pair = Pair(bench)
    pair.far.pause()
    pair.link.abort()
    await bench.until(lambda: pair.said == [Word.W_END] and not pair.words)
    pair.sink.queue(b"<message/>")
    await gone(pair)
    assert pair.sink.events == [("gone", False)]
    assert pair.sink.unsent() == len(b"<message/>")


async def test_who_has_ended_his_half_still_gets_the_answer(bench):
    """As test_link.py's test_the_end_of_the_peers_half_lets_the_answer_out."""
    pair = Pair(bench, echo=True)
    pair.client.sendall(b"last words")
    pair.client.shutdown(socket.SHUT_WR)

    def read():
        with pair.client as peer:
            return b"".join(iter(lambda: peer.recv(65536), b""))

    assert await bench.call(read) == b"last words"
    await gone(pair)
    assert pair.sink.events == [("gone", True)]


async def test_both_end_at_once(bench):
    pair = Pair(bench)
    pair.hold()
    pair.far.abort()
    pair.client.close()
    await bench.until(lambda: pair.told(Word.W_EOF) and pair.tunnel.link is None)
    pair.go_on()
    await gone(pair)
