import asyncio

import pytest

from headrace.modules import blocklists
from headrace.modules.blocklists import Blocklists

ROMEO = "romeo@example.org"


class Store:
    """Answers when told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.ready = asyncio.Event()
        self.ready.set()

    async def load(self, owner: str) -> frozenset[str]:
        self.asked.append(owner)
        read = frozenset({"x@old.example"})
        await self.ready.wait()
        return read


async def test_read_once() -> None:
    lists = Blocklists(store := Store())  # type: ignore[arg-type]
    assert lists.known(ROMEO) is None
    assert await lists.keeps_away(ROMEO, "x@old.example/r")
    assert not await lists.keeps_away(ROMEO, "y@old.example")
    assert lists.known(ROMEO) == {"x@old.example"}
    assert store.asked == [ROMEO]


async def test_change_while_it_is_read_stands() -> None:
    lists = Blocklists(store := Store())  # type: ignore[arg-type]
    store.ready.clear()
    reading = asyncio.ensure_future(lists.of(ROMEO))
    await asyncio.sleep(0)
    lists.changed(ROMEO, frozenset({"new.example"}))
    store.ready.set()
    assert await reading == await lists.of(ROMEO) == {"new.example"}


async def test_forgotten_when_the_account_goes() -> None:
    lists = Blocklists(Store())  # type: ignore[arg-type]
    lists.changed(ROMEO, frozenset({"new.example"}))
    lists.forget(ROMEO)
    assert lists.known(ROMEO) is None


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocklists, "KEPT", 2)
    lists = Blocklists(Store())  # type: ignore[arg-type]
    for n in range(3):
        await lists.of(f"{n}@example.org")
    lists.changed("1@example.org", frozenset())
    await lists.of("4@example.org")
    assert [lists.known(f"{n}@example.org") is None for n in range(5)] == [True, False, True, True, False]
