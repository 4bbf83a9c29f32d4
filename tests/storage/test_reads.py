"""Reads in groups: who goes together, what one's failure does to others, and who waits how long."""

import asyncio
from collections.abc import Callable
from threading import Event, get_ident
from typing import Any

import pytest

from headrace.storage import requests
from headrace.storage.health import Health
from headrace.storage.ports import StorageUnavailable
from headrace.storage.requests import Requests
from headrace.storage.sqlite.reads import Reads


class Reading:
    """Reads, and how many groups the thread has finished."""

    def __init__(self, patience: float = 5.0) -> None:
        self.groups = 0
        self.requests = Requests("it", patience, Health(None))
        self.reads = Reads(self.requests, self.work)

    def work(self, jobs: list[Callable[[], Any]]) -> list[Any]:
        self.groups += 1
        return [self.answer(job) for job in jobs]

    @staticmethod
    def answer(job: Callable[[], Any]) -> Any:
        try:
            return job()
        except StorageUnavailable as error:
            return error

    async def hold(self) -> Event:
        """The thread is busy until this is set."""
        begun, release = Event(), Event()

        def job() -> None:
            begun.set()
            release.wait(10)

        self.held = self.reads.ask(job)
        assert await asyncio.to_thread(begun.wait, 10)
        return release


async def test_what_is_asked_in_one_turn_goes_together() -> None:
    reading = Reading()
    threads = await asyncio.gather(*(reading.reads.ask(get_ident) for _ in range(50)))
    assert len(set(threads)) == 1
    assert get_ident() not in threads
    assert reading.groups == 1
    reading.reads.close()


async def test_what_is_asked_meanwhile_goes_together() -> None:
    reading = Reading()
    release = await reading.hold()
    answers = []
    for n in range(20):
        answers.append(reading.reads.ask(lambda n=n: n))    # type: ignore[misc]
        await asyncio.sleep(0)
    release.set()
    assert await asyncio.gather(*answers) == list(range(20))
    assert reading.groups == 2
    reading.reads.close()


async def test_a_failure_is_its_own() -> None:
    reading = Reading()

    def fail() -> None:
        raise StorageUnavailable("this one")

    found = await asyncio.gather(*(reading.reads.ask(job) for job in (int, fail, str)), return_exceptions=True)
    assert found[0] == 0
    assert found[2] == ""
    assert str(found[1]) == "this one"
    reading.reads.close()


async def test_a_group_that_fails_does_so_for_all() -> None:
    reading = Reading()

    def fail(jobs: list[type]) -> list[object]:
        raise StorageUnavailable("all of them")

    reads = Reads(reading.requests, fail)
    found = await asyncio.gather(reads.ask(int), reads.ask(str), return_exceptions=True)
    assert [str(error) for error in found] == ["all of them", "all of them"]
    reads.close()
    reading.reads.close()


async def test_nobody_waits_longer_than_patience() -> None:
    reading = Reading(patience=0.05)
    release = await reading.hold()
    ran: list[int] = []
    with pytest.raises(StorageUnavailable, match=r"it does not answer within 0\.05 s"):
        await reading.reads.ask(lambda: ran.append(1))
    release.set()
    assert await reading.reads.ask(lambda: 7) == 7  # and what had not begun never did
    assert ran == []
    reading.reads.close()


async def test_no_more_wait_than_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MOST", 3)
    reading = Reading()
    release = await reading.hold()
    answers = [reading.reads.ask(int) for _ in range(2)]
    with pytest.raises(StorageUnavailable, match="too many requests wait for it"):
        reading.reads.ask(int)
    release.set()
    assert await asyncio.gather(*answers) == [0, 0]
    assert await reading.reads.ask(int) == 0
    reading.reads.close()


async def test_who_has_gone_holds_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MOST", 2)
    reading = Reading()
    release = await reading.hold()
    gone = reading.reads.ask(int)
    gone.cancel()
    release.set()
    await reading.held
    for _ in range(10):     # none of them finds the place of the one that has gone still taken
        assert await reading.reads.ask(int) == 0
    reading.reads.close()
