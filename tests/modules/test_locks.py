import asyncio

import pytest

from headrace.modules.locks import Locks


async def test_one_at_a_time_per_account() -> None:
    locks, running, most = Locks(), 0, 0

    async def work() -> None:
        nonlocal running, most
        async with locks.hold("a"):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(work() for _ in range(5)))
    assert most == 1


async def test_pairs_in_either_order_do_not_block_each_other() -> None:
    locks, done = Locks(), []

    async def work(*pair: str) -> None:
        for _ in range(20):
            async with locks.hold(*pair):
                await asyncio.sleep(0)
        done.append(pair)

    await asyncio.wait_for(asyncio.gather(work("a", "b"), work("b", "a"), work("a", "a")), 30)
    assert len(done) == 3


async def test_nothing_stays_behind() -> None:
    locks = Locks()
    async with locks.hold("a"):
        waiting = asyncio.create_task(anext(aiter_of(locks)))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert locks._held == {}


async def aiter_of(locks: Locks):  # type: ignore[no-untyped-def]
    async with locks.hold("a", "b"):
        yield
