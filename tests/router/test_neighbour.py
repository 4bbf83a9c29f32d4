"""Two routers, each the home of some accounts, and what goes between them (protocol.md 19)."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from headrace.router.archive import Archive
from headrace.router.control import Outcome
from headrace.router.group import MessageFlag as M
from headrace.router.neighbour import Neighbours, home_of
from headrace.router.session import Reason, Session, SessionFlag
from headrace.storage.connection import Connection
from headrace.storage.migrate import steps
from headrace.storage.sqlite.migrate import migrate
from headrace.storage.writer import GroupWriter
from support.managed import ID, SM, R, chat
from support.routing import CLIENT, World, condition

SID = "{urn:xmpp:sid:0}stanza-id"
SENT = "{urn:xmpp:carbons:2}sent/{urn:xmpp:forward:0}forwarded"
STATE = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"


def somebody(home: int, *not_these: str) -> str:
    """The bare JID of an account of that home."""
    return next(jid for n in range(100) if home_of(jid := f"a{n}@localhost", 2) == home and jid not in not_these)


ROMEO, JULIET = somebody(0), somebody(1)
NURSE = somebody(1, JULIET)


class Workers:
    """Romeo's home and Juliet's; what one tells the other waits until carry()."""

    def __init__(self) -> None:
        self.worlds = [World(), World()]
        self.bus: list[tuple[int, int, bytes]] = []
        for here, world in enumerate(self.worlds):
            world.rig.router.neighbours = Neighbours(world.rig.router, here, 2, partial(self._post, here))
            world.rig.router.archive = Archive(bytes(16))
        self.here, self.there = self.worlds

    def _post(self, here: int, there: int, batch: bytes) -> None:
        self.bus.append((here, there, batch))

    def step(self) -> None:
        """One batch arrives, or two that have crossed."""
        waiting, self.bus = self.bus, []
        for sender, receiver, batch in waiting:
            router = self.worlds[receiver].rig.router
            assert router.neighbours is not None
            router.neighbours.receive(sender, batch)
        for world in self.worlds:
            world.rig.turn()

    def carry(self) -> None:
        while self.bus:
            self.step()

    def commit(self) -> int:
        """What waits at Juliet's home; how many messages."""
        archive = self.there.rig.router.archive
        assert archive is not None
        group = archive.take()
        if group is None:
            return 0
        archive.committed()
        self.there.rig.turn()
        return 1


@pytest.fixture
def workers() -> Workers:
    return Workers()


def pair(workers: Workers, *, managed: bool = True) -> tuple[Session, Session]:
    romeo = workers.here.client(f"{ROMEO}/a", presence="0")
    if managed:
        romeo.manage(ID, 600)
    return romeo, workers.there.client(f"{JULIET}/b", presence="0")


def stanzas(elements: list[Element]) -> list[Element]:
    return [element for element in elements if element.tag.startswith(CLIENT)]


def acks(elements: list[Element]) -> list[str | None]:
    return [element.get("h") for element in elements if element.tag == SM + "a"]


def test_homes_are_the_same_everywhere() -> None:
    assert {home_of(f"a{n}@localhost", 2) for n in range(20)} == {0, 1}
    assert [home_of(f"a{n}@localhost", 1) for n in range(20)] == [0] * 20
    assert home_of("romeo@localhost", 1 << 20) == home_of("romeo@localhost", 1 << 20)


def test_handed_over_is_not_acknowledged(workers: Workers) -> None:
    """Not when it is on the bus, not when it is delivered: when it is committed at the recipient's home."""
    romeo, juliet = pair(workers)
    workers.here.send(romeo, chat(1, f"{JULIET}/b"))
    assert romeo.h == 0
    workers.step()
    [message] = workers.there.got(juliet)
    assert (message.get("id"), message.get("from")) == ("1", f"{ROMEO}/a")
    stanza_id = message.find(SID)
    assert stanza_id is not None
    assert stanza_id.get("by") == JULIET
    workers.carry()
    assert romeo.h == 0
    assert workers.commit()
    assert romeo.h == 0
    workers.carry()
    assert romeo.h == 1
    workers.here.send(romeo, R)
    assert acks(workers.here.got(romeo)) == ["1"]


@pytest.mark.parametrize("stanza", [
    f"<message to='{JULIET}/b' type='chat'>{STATE}</message>", f"<presence to='{JULIET}/b'/>",
    f"<iq to='{JULIET}/b' type='get' id='q'><x xmlns='urn:x'/></iq>",
    f"<message to='{JULIET}/gone' type='groupchat'><body>x</body></message>"])
def test_what_is_not_kept_counts_once_its_home_has_handled_it(workers: Workers, stanza: str) -> None:
    romeo, _ = pair(workers)
    workers.here.send(romeo, stanza)
    assert romeo.h == 0
    workers.step()
    assert romeo.h == 0
    workers.carry()
    assert romeo.h == 1


def test_order_is_kept_and_what_is_slow_holds_h_back(workers: Workers) -> None:
    """A message of the kept kind, and a chat state behind it."""
    romeo, juliet = pair(workers)
    workers.here.send(romeo, chat(1, f"{JULIET}/b") + f"<message to='{JULIET}/b' type='chat' id='2'>{STATE}</message>")
    workers.carry()
    assert [message.get("id") for message in workers.there.got(juliet)] == ["1", "2"]
    assert romeo.h == 0
    workers.commit()
    workers.carry()
    assert romeo.h == 2


def test_a_store_that_takes_no_more_refuses(workers: Workers) -> None:
    """Nobody has got the message, and it counts."""
    romeo, juliet = pair(workers)
    assert workers.there.rig.router.archive is not None
    workers.there.rig.router.archive.closed = True
    workers.here.send(romeo, chat(1, f"{JULIET}/b") + R)
    workers.carry()
    got = workers.here.got(romeo)
    [error] = stanzas(got)
    assert (error.get("id"), error.get("from"), condition(error)) == ("1", f"{JULIET}/b", "resource-constraint")
    assert acks(got) == ["1"]
    assert workers.there.got(juliet) == []


def test_the_senders_archive_is_in_the_same_row(workers: Workers) -> None:
    """Its carbons tell the number that its archive has."""
    romeo, _ = pair(workers)
    desk = workers.here.client(f"{ROMEO}/desk", presence="0")
    desk.set_flag(SessionFlag.S_CARBONS)
    workers.here.send(romeo, chat(1, f"{JULIET}/b"))
    assert workers.here.got(desk) == []
    workers.carry()
    [copy] = workers.here.got(desk)
    message = copy.find(f"{SENT}/{CLIENT}message")
    assert message is not None
    stanza_id = message.find(SID)
    assert stanza_id is not None
    assert stanza_id.get("by") == ROMEO
    here, there = (world.rig.router.archive for world in workers.worlds)
    assert here is not None
    assert there is not None
    assert here.last == 0       # nothing was filed here
    assert there.number_of(stanza_id.get("id", ""), ROMEO.encode()) == there.last


def test_never_in_an_archive_that_does_not_want_it(workers: Workers) -> None:
    romeo, _ = pair(workers)
    desk = workers.here.client(f"{ROMEO}/desk", presence="0")
    desk.set_flag(SessionFlag.S_CARBONS)
    workers.here.rig.router.set_archive(ROMEO, 1)
    workers.here.send(romeo, chat(1, f"{JULIET}/b"))
    workers.carry()
    [copy] = workers.here.got(desk)
    assert copy.find(f"{SENT}/{CLIENT}message") is not None
    assert copy.find(f"{SENT}/{CLIENT}message/{SID}") is None


def test_copies_come_before_the_error_that_is_copied_too(workers: Workers) -> None:
    romeo, _ = pair(workers)
    desk = workers.here.client(f"{ROMEO}/desk", presence="0")
    desk.set_flag(SessionFlag.S_CARBONS)
    workers.there.rig.router.set_blocked(JULIET, [ROMEO])
    workers.here.send(romeo, chat(1, f"{JULIET}/b"))
    workers.carry()
    sent, error = workers.here.got(desk)
    assert sent.find(SENT) is not None
    assert error[0].tag == "{urn:xmpp:carbons:2}received"
    [answer] = [element for element in workers.here.got(romeo) if element.tag == f"{CLIENT}message"]
    assert condition(answer) == "service-unavailable"
    assert romeo.h == 1


def test_a_sender_that_has_gone_meanwhile(workers: Workers) -> None:
    """Its other sessions get their copies all the same."""
    romeo, juliet = pair(workers, managed=False)
    desk = workers.here.client(f"{ROMEO}/desk", presence="0")
    desk.set_flag(SessionFlag.S_CARBONS)
    workers.here.send(romeo, chat(1, f"{JULIET}/b") + "</stream:stream>")
    assert romeo.link is None
    workers.carry()
    assert [message.get("id") for message in workers.there.got(juliet)] == ["1"]
    assert [element.find(SENT) is not None for element in workers.here.got(desk)
            if element.tag == f"{CLIENT}message"] == [True]


class Slow:
    """Answers punts of one kind when it is told to; holds the message as the modules do."""

    def __init__(self, world: World, reason: Reason) -> None:
        self.world = world
        self.reason = reason
        self.done = asyncio.Event()
        self.visitors: list[Any] = []
        world.notes.answer = self.answer

    def answer(self, session: Session | None, stanza: Any, reason: int) -> Outcome:
        if reason != self.reason:
            return None
        visitor = self.world.rig.router.visitor
        assert session is None
        assert visitor is not None
        self.visitors.append(visitor)
        return self.wait(visitor, visitor.hold())

    async def wait(self, visitor: Any, ticket: int) -> None:
        await self.done.wait()
        visitor.settle(ticket)


async def until(condition: Callable[[], bool], workers: Workers) -> None:
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0)
        for world in workers.worlds:
            world.rig.turn()
        workers.carry()
    raise AssertionError("it does not happen")


async def test_what_waits_there_is_not_overtaken(workers: Workers) -> None:
    """By what is for the same account; h waits with it (protocol.md 2)."""
    romeo, juliet = pair(workers)
    slow = Slow(workers.there, Reason.P_ABSENT)
    workers.here.send(romeo, chat(1, NURSE))
    workers.carry()
    nurse = workers.there.client(f"{NURSE}/c", presence="0")
    workers.here.send(romeo, chat(2, f"{NURSE}/c") + f"<message to='{JULIET}/b' id='3' type='chat'>{STATE}</message>")
    workers.carry()
    assert [message.get("id") for message in workers.there.got(juliet)] == ["3"]
    assert workers.there.got(nurse) == []
    assert romeo.h == 0
    [visitor] = slow.visitors
    assert visitor.archives
    slow.done.set()
    await until(lambda: workers.commit() == 1, workers)
    assert [message.get("id") for message in workers.there.got(nurse)] == ["2"]
    await until(lambda: romeo.h == 3, workers)


async def test_settled_waits_for_all_that_has_gone(workers: Workers) -> None:
    romeo, _ = pair(workers, managed=False)
    neighbours = workers.here.rig.router.neighbours
    assert neighbours is not None
    await asyncio.wait_for(neighbours.settled(), 5)
    workers.here.send(romeo, chat(1, f"{JULIET}/b"))
    waiting = asyncio.ensure_future(neighbours.settled())
    workers.carry()
    await asyncio.sleep(0)
    assert not waiting.done()
    workers.here.send(romeo, chat(2, f"{JULIET}/b"))      # not of those
    workers.step()
    workers.bus.clear()
    workers.commit()
    workers.carry()
    await asyncio.wait_for(waiting, 5)


async def test_another_server_is_told_once_all_is_handled_everywhere(workers: Workers) -> None:
    """What comes from there for accounts of other homes is acknowledged no sooner (federation.pyx)."""
    neighbours = workers.here.rig.router.neighbours
    assert neighbours is not None
    own = asyncio.get_running_loop().create_future()
    romeo, _ = pair(workers, managed=False)
    workers.here.send(romeo, chat(1, f"{JULIET}/b"))
    kept = neighbours.flushed(own)
    own.set_result(1)
    workers.carry()
    await asyncio.sleep(0.001)
    assert not kept.done()
    workers.commit()
    workers.carry()
    await asyncio.wait_for(kept, 5)


def test_presence_of_contacts(workers: Workers) -> None:
    """A copy to each contact at home elsewhere, and a probe."""
    juliet = workers.there.client(f"{JULIET}/b", contacts={ROMEO: 3}, presence="0")
    workers.carry()
    assert workers.there.notes.reasons() == []
    assert workers.here.notes.reasons() == [Reason.P_PROBE]
    romeo = workers.here.client(f"{ROMEO}/a", contacts={JULIET: 3}, presence="1")
    workers.carry()
    [presence] = workers.there.got(juliet)
    assert (presence.get("from"), presence.get("to")) == (f"{ROMEO}/a", JULIET)
    [(_, probe, reason)] = workers.there.notes.punted
    assert (probe.from_, probe.to, reason) == (ROMEO, JULIET, Reason.P_PROBE)
    workers.there.rig.router.show(JULIET, ROMEO)
    workers.there.rig.turn()
    workers.carry()
    assert [element.get("from") for element in workers.here.got(romeo)] == [f"{JULIET}/b"]
    workers.here.rig.lose(romeo.link)
    workers.carry()
    assert [element.get("type") for element in workers.there.got(juliet)] == ["unavailable"]


def test_directed_presence_ends(workers: Workers) -> None:
    romeo, juliet = pair(workers, managed=False)
    workers.here.send(romeo, f"<presence to='{JULIET}/b'/>")
    workers.carry()
    workers.here.rig.lose(romeo.link)
    workers.carry()
    assert [element.get("type") for element in workers.there.got(juliet)] == [None, "unavailable"]


@pytest.mark.parametrize(("bits", "answer"), [(0, "error"), (2, None)])
def test_only_contacts_learn_of_resources(workers: Workers, bits: int, answer: str | None) -> None:
    """protocol.md 12, though it comes from a user of ours."""
    romeo = workers.here.client(f"{ROMEO}/a", presence="0")
    juliet = workers.there.client(f"{JULIET}/b", contacts={ROMEO: bits})
    workers.here.send(romeo, f"<iq to='{JULIET}/b' type='get' id='q'><x xmlns='urn:x'/></iq>")
    workers.carry()
    assert [element.get("type") for element in workers.here.got(romeo)] == ([answer] if answer else [])
    assert len(workers.there.got(juliet)) == (1 if bits else 0)


def test_requests_to_accounts_go_to_their_homes(workers: Workers) -> None:
    romeo, _ = pair(workers, managed=False)
    workers.here.send(romeo, f"<iq to='{JULIET}' type='get' id='q'><x xmlns='urn:x'/></iq>")
    workers.carry()
    assert workers.here.notes.reasons() == []
    [(session, stanza, reason)] = workers.there.notes.punted
    assert (session, stanza.from_, stanza.to, reason) == (None, f"{ROMEO}/a", JULIET, Reason.P_SERVER)


def test_subscriptions_change_the_senders_side_first(workers: Workers) -> None:
    romeo, _ = pair(workers, managed=False)
    workers.here.send(romeo, f"<presence to='{JULIET}' type='subscribe'/>")
    assert workers.here.notes.reasons() == [Reason.P_SUBSCRIPTION]
    assert workers.bus == []
    workers.here.rig.router.route(f"<presence from='{ROMEO}' to='{JULIET}' type='subscribe'/>".encode())
    workers.here.rig.turn()
    workers.carry()
    assert workers.there.notes.reasons() == [Reason.P_SUBSCRIPTION]


def test_what_must_not_be_copied_is_cleaned_before_it_goes(workers: Workers) -> None:
    romeo, juliet = pair(workers, managed=False)
    workers.here.send(romeo, f"<message to='{JULIET}/b' type='chat'><body>x</body><sent xmlns='urn:xmpp:carbons:2'/>"
                             "</message>")
    workers.carry()
    [message] = workers.there.got(juliet)
    assert [child.tag for child in message] == [f"{CLIENT}body", SID]


def test_a_home_that_does_not_answer(workers: Workers) -> None:
    """What waits for it is bounded; what comes then is refused, and counts."""
    romeo, _ = pair(workers)
    big = f"<message to='{JULIET}/b' type='chat'><body>{'x' * 200_000}</body></message>"
    for _ in range(84):
        workers.here.send(romeo, big)
    assert workers.here.got(romeo) == []
    workers.here.send(romeo, chat("last", f"{JULIET}/b") + f"<presence to='{JULIET}' type='unavailable'/>")
    [error] = stanzas(workers.here.got(romeo))
    assert (error.get("id"), condition(error)) == ("last", "resource-constraint")
    assert romeo.h == 0
    workers.carry()
    workers.commit()
    workers.carry()
    assert romeo.h == 86
    workers.here.send(romeo, chat("again", f"{JULIET}/b"))
    assert stanzas(workers.here.got(romeo)) == []


def test_rows_tell_how_far_the_session_is_kept(workers: Workers, tmp_path: Path) -> None:
    """protocol.md 4: with the message its session's h, but never beyond what is open elsewhere."""
    database = Connection(tmp_path / "test.db", patience=1.0)
    migrate(database, steps("sqlite"))
    romeo, _ = pair(workers)
    archive = workers.there.rig.router.archive
    assert archive is not None
    workers.here.send(romeo, chat(1, f"{JULIET}/b") + chat(2, f"{JULIET}/b"))
    workers.carry()
    taken = archive.take()
    assert taken is not None
    GroupWriter(database).write(taken)
    rows = database.execute("SELECT sm_key, h, flags FROM message ORDER BY id")
    everything = M.M_ARCHIVE_A | M.M_ARCHIVE_B | M.M_GIVEN
    assert [tuple(map(int, row)) for row in rows] == [(romeo.sm_key, 1, everything), (romeo.sm_key, 0, everything)]
    archive.committed()
    workers.there.rig.turn()
    workers.carry()
    assert romeo.h == 2
    database.close()
