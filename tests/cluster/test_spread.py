"""Calls about accounts whose home is another worker: two workers and a bus that carries them when it is told to."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from headrace.cluster.ports import Audience, Online, Place, Receive, Resource
from headrace.cluster.spread import FarError, SpreadAccounts
from headrace.router.neighbour import home_of
from headrace.xep.mam import Preferences

NEAR, FAR = (next(jid for n in range(100) if home_of(jid := f"a{n}@localhost", 2) == home) for home in (0, 1))


class Bus:
    def __init__(self) -> None:
        self.ends: dict[int, Receive] = {}
        self.carried = 0

    def end(self, here: int) -> "End":
        return End(self, here)


@dataclass
class End:
    bus: Bus
    here: int

    def send(self, worker: int, channel: str, message: bytes) -> None:
        self.bus.carried += 1
        asyncio.get_running_loop().call_later(0.001, lambda: self.bus.ends[worker](self.here, message))

    def listen(self, channel: str, receive: Receive) -> None:
        assert channel == "accounts"
        self.bus.ends[self.here] = receive


class Local:
    """headrace.cluster.local.LocalAccounts that writes down what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.answer: Any = None

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def ask(*arguments: Any, **options: Any) -> Any:
            self.asked.append((name, *arguments, *options.values()))
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return ask


@dataclass
class Workers:
    here: SpreadAccounts
    there: SpreadAccounts
    near: Local = field(default_factory=Local)
    far: Local = field(default_factory=Local)
    revoked: list[tuple[int, str]] = field(default_factory=list)
    bus: Bus = field(default_factory=Bus)


@pytest.fixture
def workers() -> Workers:
    bus, near, far = Bus(), Local(), Local()
    revoked: list[tuple[int, str]] = []
    made: list[Any] = [SpreadAccounts(Place(here, 2, bus.end(here)), local,     # type: ignore[arg-type]
                                      lambda account, *_, here=here: revoked.append((here, account)))  # type: ignore[misc]
                       for here, local in ((0, near), (1, far))]
    return Workers(*made, near, far, revoked, bus)


PREFERENCES = Preferences("roster", ("x@y",), ("z@y/r",))
CALLS: dict[str, tuple[tuple[Any, ...], Any]] = {   # arguments behind the account, and the answer
    "push": ((b"<x/>", Audience.BLOCKLIST), None), "deliver": ((b"<x/>", Audience.AVAILABLE), 3),
    "apart": ((), {1, 1 << 60}), "catching_up": ((), True),
    "settled": ((), None), "show": (("w@localhost",), 2), "hide": (("w@localhost",), 1),
    "set_contact": (("c@localhost", 3), None), "set_archive": ((PREFERENCES,), None),
    "hand_over": (([(1 << 60, b"<m/>")],), True), "write": (([b"<m/>"],), False),
    "directed": (("w@localhost/r",), True),
    "resources": ((), [Resource("a@localhost/r", available=True, interested=False, priority=-1)]),
}


@pytest.mark.parametrize("method", CALLS)
async def test_the_home_is_asked(workers: Workers, method: str) -> None:
    """What it is given and what it answers arrive as they are."""
    arguments, answer = CALLS[method]
    workers.near.answer = workers.far.answer = answer
    given = arguments
    if method == "hand_over":       # a message's number and bytes: a pair, whatever kind of sequence
        given = ([list(pair) for pair in arguments[0]],)
    assert await getattr(workers.here, method)(FAR, *arguments) == answer
    assert (workers.near.asked, workers.far.asked) == ([], [(method, FAR, *given)])
    assert workers.bus.carried == 2
    assert await getattr(workers.here, method)(NEAR, *arguments) == answer
    assert workers.near.asked == [(method, NEAR, *arguments)]
    assert workers.bus.carried == 2     # alone, at home


async def test_block_lists(workers: Workers) -> None:
    await workers.here.set_blocked(FAR, frozenset({"b@y", "a@y"}))
    assert workers.far.asked == [("set_blocked", FAR, ["a@y", "b@y"])]


async def test_many_at_once(workers: Workers) -> None:
    workers.far.answer = 1
    assert await asyncio.gather(*(workers.here.show(FAR, f"w{n}@localhost") for n in range(50))) == [1] * 50


async def test_a_home_that_fails(workers: Workers) -> None:
    workers.far.answer = RuntimeError("no")
    with pytest.raises(FarError, match="show: no"):
        await workers.here.show(FAR, "w@localhost")


async def test_everybody_online(workers: Workers) -> None:
    one, other = (Online(f"{jid}/r", available=True, priority=0, address="", tls=False, silence=1.5)
                  for jid in (NEAR, FAR))
    workers.near.answer, workers.far.answer = [one], [other]
    assert await workers.there.online("localhost") == [one, other]


async def test_an_end_reaches_logins_everywhere_and_sessions_at_home(workers: Workers) -> None:
    """Logins under way at other workers first: nobody slips through on his way home."""
    workers.far.answer = 2
    assert await workers.here.end(FAR, "reset", "text", but=f"{FAR}/r") == 2
    assert workers.revoked == [(0, FAR)]
    assert (workers.near.asked, workers.far.asked) == ([], [("end", FAR, "reset", "text", f"{FAR}/r")])
    assert await workers.there.end(f"{FAR}/r", "reset") == 2
    assert workers.revoked == [(0, FAR)]


async def test_stanzas_find_their_own_way(workers: Workers) -> None:
    await workers.here.route(b"<message/>")
    await workers.here.acknowledged()
    assert workers.near.asked == [("route", b"<message/>"), ("acknowledged",)]
    assert workers.bus.carried == 0
