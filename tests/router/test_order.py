"""Order holds across punts (protocol.md 2): with a port slowed down, everything ends as if sent one by one."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from headrace.core.stanza import Stanza
from headrace.router.control import HoldAll, Outcome
from headrace.router.session import Reason, Session, SessionFlag
from support.routing import World

DELAY = 0.02


class Slow:
    """A control plane whose storage takes its time: what is absent is stored, a set of `hold` holds everything."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.log: list[str] = []
        self.running = 0
        world.notes.answer = self.answer

    def answer(self, session: Session | None, stanza: Stanza, reason: int) -> Outcome:
        name = stanza.id or stanza.name
        self.log.append(f"begin {name}")
        if reason == Reason.P_SERVER and stanza.child_name == "hold":
            return HoldAll(self.work(name))
        if reason == Reason.P_SERVER and stanza.child_name == "quick":
            self.log.append(f"end {name}")
            return None
        return self.work(name)

    async def work(self, name: str) -> None:
        self.running += 1
        await asyncio.sleep(DELAY)
        self.log.append(f"end {name}")
        self.running -= 1

    async def finish(self) -> None:
        """Until nothing is under way, and nothing that waited for it has begun."""
        for _ in range(2000):
            before = list(self.log)
            for _ in range(5):  # a task's end, its callback, a turn
                await asyncio.sleep(0)
            self.world.rig.turn()
            if before == self.log and not self.running:
                return
            await asyncio.sleep(DELAY / 10)
        raise AssertionError(self.log)


def absent(to: str, id: str) -> str:
    return f"<message to='{to}' id='{id}' type='chat'><body/></message>"


def request(child: str, id: str, type: str = "set", to: str = "") -> str:
    return f"<iq{f' to={to!r}' if to else ''} type='{type}' id='{id}'><{child} xmlns='urn:x'/></iq>"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def romeo(world: World) -> Session:
    return world.client("romeo@localhost/a", contacts={"juliet@localhost": 3})


async def test_same_address_waits_other_addresses_pass(world: World, romeo: Session) -> None:
    slow, juliet = Slow(world), world.client("juliet@localhost/b")
    world.send(romeo, absent("a@localhost", "1") + absent("A@localhost/x", "2") + absent("b@localhost", "3")
               + "<message to='juliet@localhost/b' id='4'/>")
    assert slow.log == ["begin 1", "begin 3"]
    assert [m.get("id") for m in world.got(juliet)] == ["4"]
    await slow.finish()
    assert slow.log.index("end 1") < slow.log.index("begin 2")


async def test_delivery_does_not_overtake_storing(world: World, romeo: Session) -> None:
    """The second message finds the recipient online; the first is still on its way to the store."""
    slow = Slow(world)
    world.send(romeo, absent("juliet@localhost", "1"))
    juliet = world.client("juliet@localhost/b", presence="0")
    world.send(romeo, absent("juliet@localhost", "2") + absent("juliet@localhost/b", "3"))
    assert world.got(juliet) == []
    await slow.finish()
    assert [m.get("id") for m in world.got(juliet)] == ["2", "3"]


async def test_hold_all_holds_everything(world: World, romeo: Session) -> None:
    slow, juliet = Slow(world), world.client("juliet@localhost/b", presence="0")
    world.send(romeo, request("hold", "1") + "<message to='juliet@localhost/b' id='2'/>" + request("quick", "3")
               + "<presence id='4'/><presence to='juliet@localhost' id='5'/>" + "<a xmlns='b'/>")
    assert (slow.log, world.got(juliet), romeo.flags) == (["begin 1"], [], 0)
    await slow.finish()
    assert [e.get("id") for e in world.got(juliet)] == ["2", "4", "5"]
    assert slow.log[:4] == ["begin 1", "end 1", "begin 3", "end 3"]
    assert romeo.flags & SessionFlag.S_AVAILABLE


async def test_what_changes_treatment_does_not_overtake_what_waits(world: World, romeo: Session) -> None:
    """A block list set behind a held message must not apply to it; what follows waits for the set."""
    slow = Slow(world)
    world.send(romeo, absent("a@localhost", "1") + absent("a@localhost", "2") + request("hold", "3")
               + absent("b@localhost", "4"))
    assert slow.log == ["begin 1"]
    await slow.finish()
    assert [x for x in slow.log if x.startswith("begin")] == ["begin 1", "begin 2", "begin 3", "begin 4"]
    assert slow.log.index("end 3") < slow.log.index("begin 4")


async def test_requests_to_the_account_come_in_order(world: World, romeo: Session) -> None:
    slow = Slow(world)
    world.send(romeo, request("wait", "1", "get") + request("quick", "2", to="romeo@localhost") + "<presence id='3'/>")
    assert slow.log == ["begin 1"]
    await slow.finish()
    assert slow.log == ["begin 1", "end 1", "begin 2", "end 2"]
    assert romeo.flags & SessionFlag.S_AVAILABLE


async def test_other_sessions_do_not_wait(world: World, romeo: Session) -> None:
    slow, juliet = Slow(world), world.client("juliet@localhost/b")
    world.send(romeo, request("hold", "1"))
    world.send(juliet, "<message to='romeo@localhost/a' id='2'/>")
    assert [m.get("id") for m in world.got(romeo)] == ["2"]
    await slow.finish()


async def test_available_may_wait(world: World, romeo: Session) -> None:
    """Stored messages come before what the resource asks of its account next."""
    slow = Slow(world)
    world.notes.welcome = lambda session: slow.work("welcome")
    world.send(romeo, "<presence/>" + request("quick", "1"))
    assert slow.log == []
    await slow.finish()
    assert slow.log == ["end welcome", "begin 1", "end 1"]


@pytest.mark.parametrize("hook", ["welcome", "rise"])
async def test_available_may_hold_everything(world: World, hook: str) -> None:
    slow, juliet = Slow(world), world.client("juliet@localhost/b")
    romeo = world.client("romeo@localhost/a", presence="-1" if hook == "rise" else None)
    setattr(world.notes, hook, lambda session: HoldAll(slow.work("welcome")))
    world.send(romeo, "<presence/><message to='juliet@localhost/b'/>")
    assert world.got(juliet) == []
    await slow.finish()
    assert (len(world.got(juliet)), slow.log) == (1, ["end welcome"])


@pytest.mark.parametrize("early", [True, False])
async def test_letters_that_are_given_up_hold_back_no_others(world: World, early: bool) -> None:
    """However its hand-over ends, also cancelled before it began: the account takes messages again."""
    slow, before = Slow(world), asyncio.all_tasks()
    world.notes.welcome = lambda session: asyncio.sleep(60)
    romeo = world.client("romeo@localhost/a", presence="0")
    letters, = asyncio.all_tasks() - before
    message = b"<message from='localhost' to='romeo@localhost'><body/></message>"
    world.rig.router.route(message)
    assert (world.got(romeo), world.notes.reasons()) == ([], [Reason.P_ABSENT])
    if not early:
        await asyncio.sleep(0)
    letters.cancel()
    await slow.finish()
    world.rig.router.route(message)
    world.rig.turn()
    assert len(world.got(romeo)) == 1


@pytest.mark.parametrize("raises", [True, False])
async def test_a_request_that_fails_or_is_cancelled_lets_go(world: World, romeo: Session, raises: bool) -> None:
    async def fail() -> None:
        if raises:
            raise RuntimeError("a bug")
        raise asyncio.CancelledError

    outcomes: list[Callable[[], Awaitable[None]]] = [fail]
    world.notes.answer = lambda session, stanza, reason: HoldAll(outcomes.pop()()) if outcomes else None
    world.send(romeo, request("x", "1") + request("x", "2"))
    assert len(world.notes.punted) == 1
    for _ in range(5):
        await asyncio.sleep(0)
    world.rig.turn()
    assert len(world.notes.punted) == 2
    assert len(world.rig.loop.failures) == raises


async def test_what_waits_is_bounded(world: World, romeo: Session) -> None:
    """Then the link is not read; nothing is lost."""
    slow, juliet = Slow(world), world.client("juliet@localhost/b")
    link = romeo.link
    world.send(romeo, request("hold", "0") + "".join(
        f"<message to='juliet@localhost/b' id='{i}'/>" for i in range(500)))
    assert link.paused
    await slow.finish()
    assert not link.paused
    assert [m.get("id") for m in world.got(juliet)] == [str(i) for i in range(500)]


async def test_what_waits_is_bounded_in_bytes(world: World, romeo: Session) -> None:
    slow, juliet = Slow(world), world.client("juliet@localhost/b")
    body = "x" * 200_000
    world.send(romeo, request("hold", "0"))
    for _ in range(3):
        assert not romeo.link.paused
        world.send(romeo, f"<message to='juliet@localhost/b'><body>{body}</body></message>")
    assert romeo.link.paused
    await slow.finish()
    assert len(world.got(juliet)) == 3


async def test_everything_held_is_routed_before_the_end(world: World, romeo: Session) -> None:
    slow = Slow(world)
    juliet = world.client("juliet@localhost/b", contacts={"romeo@localhost": 3}, presence="0")
    world.send(romeo, request("hold", "0") + "<presence/><message to='juliet@localhost/b' id='1'/></stream:stream>")
    assert world.raw(romeo) == b"</stream:stream>"
    assert (world.got(juliet), world.notes.went) == ([], [])
    await slow.finish()
    assert [(e.get("id"), e.get("type")) for e in world.got(juliet)] == [
        (None, None), ("1", None), (None, "unavailable")]
    assert world.notes.went == [romeo]
    assert world.counters()["sessions"] == 1


async def test_a_lost_link_loses_nothing_that_was_held(world: World, romeo: Session) -> None:
    slow, juliet = Slow(world), world.client("juliet@localhost/b")
    world.send(romeo, request("hold", "0") + "<message to='juliet@localhost/b' id='1'/>" + absent("a@localhost", "2"))
    world.rig.lose(romeo.link)
    assert world.counters()["sessions"] == 2
    await slow.finish()
    assert [m.get("id") for m in world.got(juliet)] == ["1"]
    assert slow.log[-2:] == ["begin 2", "end 2"]
    assert world.counters()["sessions"] == 1


async def test_a_lost_link_loses_nothing_that_was_unread(world: World) -> None:
    """More came than may wait: it stood in the tokenizer when the link was lost."""
    slow = Slow(world)
    romeo = world.client("romeo@localhost/a", contacts={"juliet@localhost": 3}, presence="0")
    juliet = world.client("juliet@localhost/b", contacts={"romeo@localhost": 3}, presence="0")
    message = "<message to='juliet@localhost/b' id='{}'/>".format
    world.send(romeo, request("hold", "0") + "".join(map(message, range(300))) + request("hold", "1")
               + "".join(map(message, range(300, 600))) + "<mess")
    assert romeo.link.paused
    world.rig.lose(romeo.link)
    world.rig.router.route(b"<message from='localhost' to='romeo@localhost' id='late'><body/></message>")
    assert (world.got(juliet), world.notes.went) == ([], [])
    await slow.finish()
    *got, last = world.got(juliet)
    assert [m.get("id") for m in got] == [str(i) for i in range(600)]
    assert (last.get("type"), world.notes.went) == ("unavailable", [romeo])
    assert slow.log == ["begin 0", "begin late", "end 0", "end late", "begin 1", "end 1"]
    assert (world.counters()["sessions"], world.counters()["links"]) == (1, 1)


@pytest.mark.parametrize("behind", ["</stream:stream>", "<not></well-formed>"])
async def test_what_stands_behind_the_end_is_not_read(world: World, romeo: Session, behind: str) -> None:
    slow, juliet = Slow(world), world.client("juliet@localhost/b")
    messages = "<message to='juliet@localhost/b'/>" * 200
    world.send(romeo, request("hold", "0") + messages + behind + "<message to='juliet@localhost/b' id='no'/>")
    world.rig.lose(romeo.link)
    await slow.finish()
    assert [m.get("id") for m in world.got(juliet)] == [None] * 200
    assert world.notes.went == [romeo]


async def test_a_session_that_is_ended_reads_no_more(world: World, romeo: Session) -> None:
    """Ended by the server, not by its link: what has not been taken yet is not."""
    slow, juliet = Slow(world), world.client("juliet@localhost/b")
    world.send(romeo, request("hold", "0") + "<message to='juliet@localhost/b'/>" * 500)
    world.rig.router.end(romeo, "conflict")
    world.rig.turn()
    await slow.finish()
    assert len(world.got(juliet)) < 200
    assert world.counters()["sessions"] == 1


async def test_a_request_outlives_its_session(world: World, romeo: Session) -> None:
    slow = Slow(world)
    world.send(romeo, request("hold", "0"))
    world.rig.lose(romeo.link)
    assert world.notes.went == [romeo]
    await slow.finish()
    assert world.counters()["sessions"] == 0


async def test_held_stanzas_keep_their_stream_root(world: World) -> None:
    """Prefixes of the sender's root mean the same when a stanza is read again."""
    slow, juliet = Slow(world), world.client("juliet@localhost/b")
    romeo = world.client("romeo@localhost/a", bindings=(("p", "urn:p"), ("s", "http://etherx.jabber.org/streams")))
    world.send(romeo, request("hold", "0") + "<message to='juliet@localhost/b'><p:x/><s:y/></message>")
    await slow.finish()
    message, = world.got(juliet)
    assert [child.tag for child in message] == ["{urn:p}x", "{http://etherx.jabber.org/streams}y"]


async def test_own_stanzas_that_wait_hold_nobody(world: World, romeo: Session) -> None:
    slow = Slow(world)
    for id in ("1", "2"):
        world.rig.router.route(absent("a@localhost", id).encode(), "localhost")
    assert slow.log == ["begin 1", "begin 2"]
    await slow.finish()
