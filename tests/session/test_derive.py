"""Key derivation beside the loop."""

import asyncio
import threading
import time

import pytest

from headrace.session.derive import DerivePool, TooBusy
from support.negotiating import eventually


@pytest.fixture
def pool():
    pool = DerivePool(threads=1, per_address=2, total=3)
    yield pool
    pool.close()


async def test_runs_elsewhere(pool):
    assert await pool.run("a", threading.get_ident) != threading.get_ident()


async def test_exceptions_come_back_and_free_the_place(pool):
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            await pool.run("a", lambda: 1 // 0)


async def test_one_address_cannot_fill_it(pool):
    gate = threading.Event()
    waiting = [asyncio.ensure_future(pool.run("a", gate.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(TooBusy):
        await pool.run("a", gate.wait)
    other = asyncio.ensure_future(pool.run("b", gate.wait))
    await asyncio.sleep(0)
    with pytest.raises(TooBusy):
        await pool.run("c", gate.wait)
    gate.set()
    assert await asyncio.gather(*waiting, other) == [True] * 3
    assert await pool.run("a", gate.wait)


async def test_an_address_that_stands_for_many_has_only_the_total():
    pool = DerivePool(threads=1, per_address=1, total=3, shared={"proxy"}.__contains__)
    waiting = [pool.run("proxy", threading.get_ident) for _ in range(3)]
    assert len(set(await asyncio.gather(*waiting))) == 1
    pool.close()


async def test_who_goes_away_leaves_the_queue(pool):
    gate, ran = threading.Event(), []
    first = asyncio.ensure_future(pool.run("a", gate.wait))
    second = asyncio.ensure_future(pool.run("a", lambda: ran.append(2)))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    gate.set()
    await first
    await pool.run("a", lambda: ran.append(3))
    assert ran == [3]


async def test_many_fall_to_as_many_threads():
    pool = DerivePool(threads=2, per_address=9)
    both = threading.Barrier(2)
    await asyncio.gather(*(pool.run("a", both.wait) for _ in range(4)))     # one alone would wait for ever
    pool.close()


async def test_closing_drops_what_has_not_begun():
    pool, gate, ran = DerivePool(threads=1), threading.Event(), []
    begun = asyncio.ensure_future(pool.run("a", gate.wait))
    waiting = [asyncio.ensure_future(pool.run("a", lambda: ran.append(1))) for _ in range(3)]
    await eventually(lambda: pool._jobs.qsize() == 3)

    def open_the_gate():
        """Once nothing waits but what tells the thread to end: close() waits for the thread."""
        while pool._jobs.qsize() != 1:
            time.sleep(0.001)
        gate.set()

    opener = threading.Thread(target=open_the_gate)
    opener.start()
    pool.close()
    opener.join()
    assert await begun
    assert ran == []
    dropped = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(end) for end in dropped] == [asyncio.CancelledError] * 3
