"""Coroutines run without a task around them: to what they run it looks like one."""

import asyncio

import pytest

from headrace.session.work import Work


class Ends(list):
    """What became of works, in the order in which they ended later."""

    def __call__(self, work):
        self.append(work.error)


@pytest.fixture
def ends():
    return Ends()


def work(coroutine, ends):
    return Work(asyncio.get_running_loop(), coroutine, ends)


async def turns(count=5):
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_needs_not_wait_is_over_at_once(ends):
    said = []

    async def now():
        said.append(asyncio.current_task())

    it = work(now(), ends)
    assert it.start()
    assert (said, it.error) == ([it], None)
    await turns()
    assert ends == []


async def test_an_error_at_once(ends):
    async def fail():
        raise ValueError("now")

    it = work(fail(), ends)
    assert it.start()
    assert str(it.error) == "now"


async def test_it_waits_for_futures_tasks_and_turns(ends):
    loop, said = asyncio.get_running_loop(), []
    first = loop.create_future()

    async def later():
        said.append(await first)
        await asyncio.sleep(0)
        said.append(await loop.create_task(asyncio.sleep(0, "task")))
        said.extend(await asyncio.gather(asyncio.sleep(0, 1), asyncio.sleep(0, 2)))

    assert not work(later(), ends).start()
    await turns()
    assert said == []
    first.set_result("future")
    await turns(20)
    assert (said, ends) == (["future", "task", 1, 2], [None])


async def test_an_error_later(ends):
    broken = asyncio.get_running_loop().create_future()

    async def wait():
        await broken

    assert not work(wait(), ends).start()
    broken.set_exception(ValueError("later"))
    await turns()
    assert [str(error) for error in ends] == ["later"]


async def test_who_is_cancelled_may_clean_up(ends):
    loop, said = asyncio.get_running_loop(), []
    first, second = loop.create_future(), loop.create_future()

    async def wait():
        try:
            await first
        finally:
            said.append(await second)

    it = work(wait(), ends)
    assert not it.start()
    assert it.cancel()
    await turns()
    assert (first.cancelled(), ends) == (True, [])
    second.set_result("clean")
    await turns()
    assert said == ["clean"]
    assert [type(error) for error in ends] == [asyncio.CancelledError]
    assert not it.cancel()


async def test_who_gives_itself_up_is_cancelled_where_it_waits_next(ends):
    async def give_up():
        asyncio.current_task().cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(60)

    assert not work(give_up(), ends).start()
    await turns()
    assert [type(error) for error in ends] == [asyncio.CancelledError]


async def test_timeouts_work(ends):
    async def wait():
        async with asyncio.timeout(0.001):
            await asyncio.get_running_loop().create_future()

    async def catch():
        with pytest.raises(TimeoutError):
            await wait()
        return asyncio.current_task().cancelling()

    it = work(catch(), ends)
    assert not it.start()
    async with asyncio.timeout(20):
        while not ends:
            await asyncio.sleep(0.001)
    assert (ends, it.cancelling(), it.uncancel()) == ([None], 0, 0)


async def test_one_inside_another_task(ends):
    """The tasks that current_task() tells are the same before and after."""
    inner, outer = [], asyncio.current_task()

    async def now():
        inner.append(asyncio.current_task())
        inside = work(nothing(), ends)
        assert inside.start()
        inner.append(asyncio.current_task())

    async def nothing():
        inner.append(asyncio.current_task())

    it = work(now(), ends)
    assert it.start()
    assert it.error is None
    assert inner[0] is inner[2] is it
    assert inner[1] not in (it, outer)
    assert asyncio.current_task() is outer
