"""Up to where accounts have what was sent to them, on its way into the storage."""

import asyncio
from typing import Any

import pytest

from headrace.modules.marks import Marks
from headrace.storage.ports import StorageError

ROMEO, JULIET = "romeo@example.org", "juliet@example.net"


class SlowArchive:
    """Its writes wait for the gate; `down` fails them."""

    def __init__(self) -> None:
        self.stored: dict[str, int] = {}
        self.writes: list[dict[str, int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.down = False

    async def mark(self, account: str) -> int:
        return self.stored.get(account, 0)

    async def set_marks(self, marks: dict[str, int]) -> None:
        self.writes.append(dict(marks))
        await self.gate.wait()
        if self.down:
            raise StorageError("down")
        self.stored.update(marks)


class Reached:
    """What the data plane tells, once."""

    def __init__(self) -> None:
        self.marks: dict[str, int] = {}

    async def acknowledged(self) -> dict[str, int]:
        marks, self.marks = self.marks, {}
        return marks


class Bench:
    def __init__(self) -> None:
        self.archive, self.reached = SlowArchive(), Reached()
        archive: Any = self.archive
        accounts: Any = self.reached
        self.marks = Marks(archive, accounts)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_the_highest_counts_wherever_it_is(bench: Bench) -> None:
    bench.archive.stored = {ROMEO: 3, JULIET: 9}
    bench.reached.marks = {ROMEO: 5, JULIET: 4}
    assert await bench.marks.of(ROMEO) == 5
    assert await bench.marks.of(JULIET) == 9
    assert await bench.marks.of("nurse@example.net") == 0


async def test_a_group_is_written_once(bench: Bench) -> None:
    bench.reached.marks = {ROMEO: 5, JULIET: 4}
    for _ in range(2):
        await bench.marks.flush()
    assert bench.archive.writes == [{ROMEO: 5, JULIET: 4}]


async def test_what_is_being_stored_is_seen(bench: Bench) -> None:
    """A login meanwhile must not be given again what its account has had."""
    bench.archive.gate.clear()
    bench.reached.marks = {ROMEO: 5}
    flushing = asyncio.ensure_future(bench.marks.flush())
    await asyncio.sleep(0)
    assert bench.archive.writes == [{ROMEO: 5}]
    assert await bench.marks.of(ROMEO) == 5
    bench.reached.marks = {ROMEO: 7}
    assert await bench.marks.of(ROMEO) == 7
    bench.archive.gate.set()
    await flushing
    assert await bench.marks.of(ROMEO) == 7
    await bench.marks.flush()
    assert bench.archive.writes[1:] == [{ROMEO: 7}]


async def test_two_store_the_same_at_once(bench: Bench) -> None:
    """The one that comes in turns, and a message for somebody whose waiting ones are counted."""
    bench.archive.gate.clear()
    bench.reached.marks = {ROMEO: 5, JULIET: 4}
    first = asyncio.ensure_future(bench.marks.flush())
    await asyncio.sleep(0)
    bench.reached.marks = {JULIET: 6}
    second = asyncio.ensure_future(bench.marks.flush())
    await asyncio.sleep(0)
    bench.archive.gate.set()
    await asyncio.gather(first, second)
    assert bench.archive.writes == [{ROMEO: 5, JULIET: 4}, {ROMEO: 5, JULIET: 6}]
    await bench.marks.flush()
    assert bench.archive.writes[2:] == []


async def test_what_could_not_be_stored_is_tried_again(bench: Bench) -> None:
    bench.archive.down = True
    bench.reached.marks = {ROMEO: 5}
    with pytest.raises(StorageError):
        await bench.marks.flush()
    bench.archive.down = False
    await bench.marks.flush()
    assert bench.archive.stored == {ROMEO: 5}


async def test_stopping_stores_what_is_owed(bench: Bench) -> None:
    bench.marks.start()
    bench.reached.marks = {ROMEO: 5}
    await bench.marks.stop()
    assert bench.archive.stored == {ROMEO: 5}


async def test_stopping_without_a_storage_is_no_crash(bench: Bench) -> None:
    bench.archive.down = True
    bench.marks.start()
    bench.reached.marks = {ROMEO: 5}
    await bench.marks.stop()
    assert bench.archive.stored == {}
