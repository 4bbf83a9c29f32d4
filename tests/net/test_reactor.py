"""The reactor alone: deadlines, tasks, chunks, its arguments."""

import asyncio
import time

import pytest

from headrace.net.reactor import Reactor


async def test_a_deadline_is_never_early_and_told_once(bench):
    sink, peer = bench.pair()
    began = time.monotonic()
    sink.expire_in(0.3)
    await bench.until(lambda: sink.events)
    assert time.monotonic() - began >= 0.3
    await asyncio.sleep(1.1)
    assert sink.events == ["expire"]
    peer.close()


async def test_a_deadline_can_move_and_be_unset(bench):
    later, unset, sooner = (bench.pair()[0] for _ in range(3))
    began = time.monotonic()
    for sink in (later, unset):
        sink.expire_in(0.01)
    sooner.expire_in(1000)
    sooner.expire_in(0.01)
    later.expire_in(1.5)
    unset.expire_in(0)
    await bench.until(lambda: sooner.events)
    assert later.events == []
    await bench.until(lambda: later.events)
    assert time.monotonic() - began >= 1.5
    assert unset.events == []
    assert bench.reactor.counters()["deadlines"] == 0


async def test_a_deadline_beyond_the_wheel(bench, monkeypatch):
    sink, peer = bench.pair()
    sink.expire_in(3600)
    assert bench.reactor.counters()["deadlines"] == 1
    sink.expire_in(0)
    assert bench.reactor.counters()["deadlines"] == 0
    peer.close()


async def test_a_task_acts_once_at_the_end_of_the_turn(bench):
    sink, peer = bench.pair()
    sink.act_later()
    sink.act_later()
    assert sink.events == []
    await bench.turns()
    assert sink.events == ["act"]
    peer.close()


async def test_an_error_in_a_task_is_reported_and_stops_nothing(bench):
    def fail(sink, event):
        raise LookupError(event)

    bad, good = bench.pair(on_event=fail)[0], bench.pair()[0]
    bad.act_later()
    good.act_later()
    bad.expire_in(0.01)
    good.expire_in(0.01)
    await bench.until(lambda: good.events == ["act", "expire"])
    assert bad.events == ["act", "expire"]
    assert [str(error["exception"]) for error in bench.errors] == ["act", "expire"]
    bad.on_event = None
    bench.errors.clear()


async def test_chunks_come_in_classes_and_are_counted(bench):
    sink, peer = bench.pair()
    for _ in range(2):
        got, held = sink.chunk_round([1, 512, 513, 4096, 4097, 16384, 16385, 1_000_000])
        assert got == [512, 512, 4096, 4096, 16384, 16384, 16385, 1_000_000]
        assert held == 8
    sink.chunk_round([16384] * 100)
    assert bench.reactor.chunks == 0
    peer.close()


async def test_the_clock_stands_still_within_a_turn(bench):
    sink, peer = bench.pair()
    sink.act_later()
    before = bench.reactor.now
    time.sleep(0.01)  # noqa: ASYNC251 - the turn itself takes long
    sink.link.send(b"x")
    assert bench.reactor.now == before
    await bench.turns()
    sink.act_later()
    assert bench.reactor.now > before
    assert abs(bench.reactor.time - time.time()) < 60
    peer.close()


@pytest.mark.parametrize("size", [0, 65537])
async def test_a_read_size_that_cannot_be(size):
    with pytest.raises(ValueError, match="1 to 65536"):
        Reactor(asyncio.get_running_loop(), read_size=size)
