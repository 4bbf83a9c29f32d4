"""What of a client's stanzas is handled, as XEP-0198 counts (protocol.md 3)."""

import asyncio
import random

import pytest

from headrace.core.stanza import Stanza
from headrace.router.control import HoldAll, Outcome
from headrace.router.session import Reason, Session, SessionFlag
from support.routing import World, breath

ID = bytes(range(16))
TO_NOBODY = "<message to='juliet@localhost'><body/></message>"   # punted, as she is away


def managed(world: World, jid: str = "romeo@localhost/a") -> Session:
    session = world.client(jid)
    session.manage(ID, 600)
    return session


class Holder:
    """A control plane that holds whatever is punted."""

    def __init__(self, world: World) -> None:
        self.tickets: list[int] = []
        world.notes.answer = self.answer

    def answer(self, session: Session | None, stanza: object, reason: int) -> Outcome:
        assert session is not None
        self.tickets.append(session.hold())
        return None


@pytest.fixture
def world() -> World:
    return World()


def test_all_stanzas_count_and_nothing_else(world: World) -> None:
    romeo = world.client("romeo@localhost/a")
    world.send(romeo, TO_NOBODY)
    assert (romeo.h, romeo.sm_key, romeo.hold()) == (0, 0, 0)
    romeo.manage(ID, 600)
    assert (romeo.h, romeo.sm_key) == (0, 0x0001020304050607)
    assert romeo.flags & SessionFlag.S_MANAGED
    world.send(romeo, TO_NOBODY + "<presence/> <iq type='get' id='1'><a xmlns='b'/></iq><iq/><message to='@'/>")
    assert romeo.h == 5


def test_management_is_switched_on_once(world: World) -> None:
    romeo = managed(world)
    with pytest.raises(RuntimeError, match="once"):
        romeo.manage(ID, 600)
    with pytest.raises(ValueError, match="16 bytes"):
        world.client("romeo@localhost/b").manage(b"short", 600)


def test_h_stays_below_what_is_held(world: World) -> None:
    romeo, holder = managed(world), Holder(world)
    world.send(romeo, "<presence/>" + TO_NOBODY + "<presence/>" + TO_NOBODY + "<presence/>")
    assert (romeo.h, holder.tickets) == (1, [2, 4])
    romeo.settle(4)
    assert romeo.h == 1
    romeo.settle(2)
    assert romeo.h == 5


def test_each_hold_is_settled(world: World) -> None:
    romeo, holder = managed(world), Holder(world)
    world.send(romeo, TO_NOBODY + "<presence/>")
    [ticket] = holder.tickets
    assert romeo.again(ticket) == ticket
    romeo.settle(ticket)
    assert romeo.h == 0
    romeo.settle(ticket)
    assert romeo.h == 2
    romeo.settle(ticket)        # once too often
    assert (romeo.h, romeo.again(ticket), romeo.settle(0), romeo.settle(99)) == (2, 0, 0, 0)


def test_a_commit_that_is_to_come_tells_its_h(world: World) -> None:
    """What a row of the archive says of its sender: true once all that was queued up to it is committed."""
    romeo, holder = managed(world), Holder(world)
    world.send(romeo, (TO_NOBODY + "<presence/>") * 4)
    first, second, third, fourth = holder.tickets
    assert romeo.committing(first) == 2
    assert romeo.committing(third) == 2     # the second waits for something else
    romeo.settle(first)
    assert romeo.committing(second) == 6
    assert romeo.committing(fourth) == 8
    assert romeo.h == 2
    for ticket in (second, third, fourth):
        romeo.settle(ticket)
    assert romeo.h == 8


def test_a_session_that_has_ended_settles_nothing(world: World) -> None:
    romeo, holder = managed(world), Holder(world)
    world.send(romeo, TO_NOBODY)
    world.rig.router.end(romeo, "reset")
    world.rig.turn()
    assert [romeo.settle(ticket) for ticket in holder.tickets] == [0]
    assert (romeo.h, romeo.again(1), romeo.hold(), romeo.committing(1)) == (0, 0, 0, 0)


async def test_what_waits_its_turn_is_not_handled(world: World) -> None:
    ready = asyncio.Event()
    world.notes.answer = lambda session, stanza, reason: HoldAll(ready.wait()) if stanza.name == "iq" else None
    romeo = managed(world)
    world.send(romeo, "<presence/><iq type='set' id='1'><a xmlns='b'/></iq>" + TO_NOBODY * 3)
    assert romeo.h == 2
    holder = Holder(world)
    ready.set()
    await breath()
    world.rig.turn()
    assert (holder.tickets, romeo.h) == ([3, 4, 5], 2)
    romeo.settle(3)
    assert romeo.h == 3


async def test_enabling_waits_for_nothing_and_counts_from_there(world: World) -> None:
    """Stanzas on both sides of <enable/> wait their turn, in one segment; only those behind it count."""
    ready = asyncio.Event()
    romeo, juliet = world.client("romeo@localhost/a"), world.client("juliet@localhost/b")

    def answer(session: Session, stanza: Stanza, reason: int) -> Outcome:
        if reason == Reason.P_NONZA:
            session.manage(ID, 600)
            return None
        return HoldAll(ready.wait())

    world.notes.answer = answer     # type: ignore[assignment]
    world.send(romeo, "<iq type='set' id='1'><a xmlns='b'/></iq><message to='juliet@localhost/b' id='2'/>"
                      "<enable xmlns='urn:xmpp:sm:3'/><message to='juliet@localhost/b' id='3'/>"
                      "<r xmlns='urn:xmpp:sm:3'/>")
    assert (romeo.h, world.got(juliet), world.got(romeo)) == (0, [], [])
    ready.set()
    await breath()
    world.rig.turn()
    assert [m.get("id") for m in world.got(juliet)] == ["2", "3"]
    assert ([a.get("h") for a in world.got(romeo)], romeo.h) == (["1"], 1)


def test_any_order_against_a_model(world: World, soak: int) -> None:
    romeo = managed(world)
    holder = Holder(world)
    rng = random.Random(198)
    sent, held = 0, {}
    for _ in range(3000 * soak):
        choice = rng.random()
        if choice < 0.45:
            world.send(romeo, TO_NOBODY)
            sent += 1
            held[holder.tickets[-1]] = 1
        elif choice < 0.6:
            world.send(romeo, "<presence/>")
            sent += 1
        elif held:
            ticket = rng.choice([*held][:40])
            if choice < 0.65:
                assert romeo.again(ticket) == ticket
                held[ticket] += 1
            else:
                romeo.settle(ticket)
                held[ticket] -= 1
                if not held[ticket]:
                    del held[ticket]
        assert romeo.h == (min(held) - 1 if held else sent)
