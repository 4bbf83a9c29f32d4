"""The ports over a recorded router; over the real one: tests/modules/test_together.py."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.cluster.local import LocalAccounts
from headrace.cluster.ports import Audience, Online, Resource
from headrace.router.session import SessionFlag
from support.stanzas import shape, tree

ROMEO = "romeo@example.org"
AVAILABLE, INTERESTED, ENDED = SessionFlag.S_AVAILABLE, SessionFlag.S_INTERESTED, SessionFlag.S_ENDED
BLOCKLIST = SessionFlag.S_BLOCKLIST


@dataclass
class FakeSession:
    jid: str
    flags: int
    priority: int = 0
    link: Any = None
    silence: float = 1.5
    got: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)  # of what was lent
    outcome: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def bare(self) -> str:
        return self.jid.partition("/")[0]

    def written(self) -> asyncio.Future[bool]:
        return self.outcome


@dataclass
class FakeRouter:
    bound: Mapping[str, FakeSession]
    calls: list[tuple[object, ...]] = field(default_factory=list)

    def sessions(self, bare: str) -> list[FakeSession]:
        return [session for jid, session in self.bound.items() if jid.partition("/")[0] == bare]

    def find(self, full: str) -> FakeSession | None:
        return self.bound.get(full)

    def lend(self, session: FakeSession, raw: bytes, number: int) -> None:
        session.numbers.append(number)
        self.deliver(session, raw)

    def deliver(self, session: FakeSession, raw: bytes) -> None:
        session.got.append(raw)

    def show(self, *call: object) -> None:
        self.calls.append(("show", *call))

    def hide(self, *call: object) -> None:
        self.calls.append(("hide", *call))

    def everybody(self) -> list[FakeSession]:
        return list(self.bound.values())

    def end(self, *call: object) -> None:
        self.calls.append(("end", *call))

    def route(self, raw: bytes) -> None:
        self.calls.append(("route", raw))

    def directed(self, *call: object) -> bool:
        self.calls.append(("directed", *call))
        return True

    def apart(self, bare: str) -> set[int]:
        return {7} if bare == ROMEO else set()

    def set_blocked(self, *call: object) -> None:
        self.calls.append(("set_blocked", *call))

    def set_archive(self, *call: object) -> None:
        self.calls.append(("set_archive", *call))

    def set_contact(self, *call: object) -> None:
        self.calls.append(("set_contact", *call))


@pytest.fixture
async def router() -> FakeRouter:
    flags = {"a": AVAILABLE | INTERESTED, "b": AVAILABLE | BLOCKLIST, "c": INTERESTED,
             "d": AVAILABLE | INTERESTED | ENDED}
    return FakeRouter({f"{ROMEO}/{r}": FakeSession(f"{ROMEO}/{r}", flag) for r, flag in flags.items()})


@pytest.fixture
def accounts(router: FakeRouter) -> LocalAccounts:
    return LocalAccounts(router)  # type: ignore[arg-type]


def got(router: FakeRouter) -> dict[str, list[bytes]]:
    return {jid[-1]: session.got for jid, session in router.bound.items() if session.got}


async def test_push_goes_to_the_interested_each_with_an_id(router: FakeRouter, accounts: LocalAccounts) -> None:
    await accounts.push(ROMEO, b"<query xmlns='jabber:iq:roster'/>")
    pushes = {resource: tree(raw) for resource, [raw] in got(router).items()}
    assert set(pushes) == {"a", "c"}
    assert len({push.get("id") for push in pushes.values()}) == 2
    assert shape(pushes["a"]) == shape(tree(f"<iq type='set' id='{pushes['a'].get('id')}' to='{ROMEO}/a'>"
                                            "<query xmlns='jabber:iq:roster'/></iq>"))


@pytest.mark.parametrize(("audience", "who"), [
    (Audience.AVAILABLE, {"a", "b"}), (Audience.INTERESTED, {"a", "c"}), (Audience.BLOCKLIST, {"b"})])
async def test_audiences(router: FakeRouter, accounts: LocalAccounts, audience: Audience, who: set[str]) -> None:
    assert await accounts.deliver(ROMEO, b"<presence/>", audience) == len(who)
    assert got(router) == {resource: [b"<presence/>"] for resource in who}


async def test_push_to_another_audience(router: FakeRouter, accounts: LocalAccounts) -> None:
    await accounts.push(ROMEO, b"<block xmlns='urn:xmpp:blocking'/>", Audience.BLOCKLIST)
    assert set(got(router)) == {"b"}


async def test_nobody_is_there(router: FakeRouter, accounts: LocalAccounts) -> None:
    await accounts.push("x@example.org", b"<q/>")
    assert await accounts.deliver("x@example.org", b"<presence/>", Audience.AVAILABLE) == 0
    assert await accounts.resources("x@example.org") == []
    assert not await accounts.hand_over("x@example.org/r", [(1, b"<message/>")])
    assert not await accounts.write("x@example.org/r", [b"<message/>"])
    assert got(router) == {}


async def test_resources_without_the_ended(accounts: LocalAccounts) -> None:
    assert await accounts.resources(ROMEO) == [
        Resource(f"{ROMEO}/a", True, True, 0), Resource(f"{ROMEO}/b", True, False, 0),
        Resource(f"{ROMEO}/c", False, True, 0)]


async def test_presence_and_tables_are_the_routers(router: FakeRouter, accounts: LocalAccounts) -> None:
    assert await accounts.show(ROMEO, "x@y") == await accounts.hide(ROMEO, "x@y") == 2
    await accounts.set_contact(ROMEO, "x@y", 3)
    await accounts.set_blocked(ROMEO, {"x@y"})
    assert router.calls == [("show", ROMEO, "x@y"), ("hide", ROMEO, "x@y"), ("set_contact", ROMEO, "x@y", 3),
                            ("set_blocked", ROMEO, {"x@y"})]


async def test_what_resources_got_apart_the_router_knows(accounts: LocalAccounts) -> None:
    assert (await accounts.apart(ROMEO), await accounts.apart("x@example.org")) == ({7}, set())


async def test_routing_is_the_routers(router: FakeRouter, accounts: LocalAccounts) -> None:
    await accounts.route(b"<presence/>")
    assert await accounts.directed(f"{ROMEO}/a", "x@y/z")
    assert router.calls == [("route", b"<presence/>"), ("directed", f"{ROMEO}/a", "x@y/z")]


async def test_handed_over(router: FakeRouter, accounts: LocalAccounts) -> None:
    session = router.bound[f"{ROMEO}/a"]
    handing = asyncio.create_task(accounts.hand_over(session.jid, [(1, b"<one/>"), (2, b"<two/>")]))
    await asyncio.sleep(0)
    assert (session.got, session.numbers) == ([b"<one/>", b"<two/>"], [1, 2])
    assert not handing.done()
    session.outcome.set_result(True)
    assert await handing


async def test_written(router: FakeRouter, accounts: LocalAccounts) -> None:
    session = router.bound[f"{ROMEO}/a"]
    writing = asyncio.create_task(accounts.write(session.jid, [b"<one/>", b"<two/>"]))
    await asyncio.sleep(0)
    assert (session.got, session.numbers) == ([b"<one/>", b"<two/>"], [])
    assert not writing.done()
    session.outcome.set_result(True)
    assert await writing


async def test_session_that_ends_first(router: FakeRouter, accounts: LocalAccounts) -> None:
    session = router.bound[f"{ROMEO}/a"]
    session.outcome.set_result(False)
    assert not await accounts.hand_over(session.jid, [(1, b"<one/>")])
    assert not await accounts.write(session.jid, [b"<one/>"])


async def test_who_is_online(router: FakeRouter, accounts: LocalAccounts) -> None:
    session = FakeSession("x@example.net/y", AVAILABLE, 5, SimpleNamespace(peer=("192.0.2.1", 5), tls=object()))
    router.bound = {session.jid: session, "a@example.org/b": FakeSession("a@example.org/b", 0)}
    there = Online(session.jid, True, 5, "192.0.2.1", True, 1.5)
    gone = Online("a@example.org/b", False, 0, "", False, 1.5)
    assert await accounts.online() == [there, gone]
    assert await accounts.online("example.net") == [there]


@pytest.mark.parametrize(("jid", "but", "ended"), [
    (ROMEO, None, "abcd"), (ROMEO, f"{ROMEO}/b", "acd"), (f"{ROMEO}/c", None, "c"), (f"{ROMEO}/x", None, ""),
    ("x@example.org", None, ""),
])
async def test_ending(router: FakeRouter, accounts: LocalAccounts, jid: str, but: str | None, ended: str) -> None:
    assert await accounts.end(jid, "reset", "why", but=but) == len(ended)
    assert router.calls == [("end", router.bound[f"{ROMEO}/{resource}"], "reset", "why") for resource in ended]
