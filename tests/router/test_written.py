"""What a session tells of its outbox and of its priority."""

import asyncio

from headrace.router.control import HoldAll
from headrace.router.session import Session
from support.routing import World

STANZA = b"<message><body>0123456789</body></message>"


def owing(world: World) -> Session:
    """A session whose peer reads nothing, and which has a stanza for it."""
    session = world.client("juliet@localhost/b", presence="0")
    world.rig.allow(session.link, 0)
    world.rig.router.deliver(session, STANZA)
    world.rig.turn()
    return session


async def test_nothing_to_write_is_written() -> None:
    world = World()
    assert world.client("juliet@localhost/b").written().result() is True


async def test_written_means_all_that_was_there_and_no_more() -> None:
    world = World()
    session = owing(world)
    first = session.written()
    world.rig.router.deliver(session, STANZA)
    second = session.written()
    world.rig.allow(session.link, len(STANZA) - 1)
    world.rig.turn()
    assert not first.done()
    world.rig.allow(session.link, 1)
    world.rig.turn()
    assert first.result() is True
    assert not second.done()
    world.rig.allow(session.link, -1)
    world.rig.turn()
    assert second.result() is True


async def test_session_that_is_lost_says_what_was_written() -> None:
    world = World()
    session = owing(world)
    waiting, given_up = session.written(), session.written()
    given_up.cancel()
    world.rig.lose(session.link)
    assert waiting.result() is False
    assert session.written().result() is False
    assert given_up.cancelled()


async def test_a_lost_session_does_not_wait_for_who_waits_for_it() -> None:
    """Its own first presence is being answered, its next stanza waits for that, and nothing can be written any more."""
    world, answers = World(), list[bool]()

    async def hand_over(session: Session) -> None:
        world.rig.router.deliver(session, STANZA)
        answers.append(await session.written())

    world.notes.welcome = lambda session: HoldAll(hand_over(session))
    session = world.client("juliet@localhost/b")
    world.rig.allow(session.link, 0)
    world.send(session, "<presence/><message to='romeo@localhost'><body>x</body></message>")
    await asyncio.sleep(0)  # the handler begins
    world.rig.lose(session.link)
    for _ in range(5):
        await asyncio.sleep(0)
        world.rig.turn()
    assert answers == [False]
    assert world.notes.went == [session]


async def test_nothing_is_written_to_who_is_leaving() -> None:
    world = World()
    session = world.client("juliet@localhost/b")
    world.rig.router.end(session, "conflict")
    world.rig.router.deliver(session, STANZA)
    assert session.written().result() is False


async def test_end_of_a_session_whose_peer_reads_everything() -> None:
    world = World()
    session = owing(world)
    waiting = session.written()
    world.rig.allow(session.link, -1)
    world.rig.router.end(session, "conflict")
    world.rig.turn()
    assert waiting.result() is True


def test_rising_above_zero_is_told_once_each_time() -> None:
    world = World()
    session = world.client("juliet@localhost/b", presence="-1")
    for priority, told in [("-5", 0), ("0", 1), ("7", 1), ("-1", 1), ("1", 2)]:
        world.send(session, f"<presence><priority>{priority}</priority></presence>")
        assert len(world.notes.rising) == told
    assert world.notes.came == [session]


def test_coming_back_is_no_rising() -> None:
    world = World()
    session = world.client("juliet@localhost/b", presence="-1")
    world.send(session, "<presence type='unavailable'/><presence/>")
    assert world.notes.rising == []
    assert world.notes.came == [session, session]
