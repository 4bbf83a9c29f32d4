"""The outbox: partial writes, borders, bounds, and chunks that always come back."""

import random

import pytest

from headrace.router.session import Session, SessionFlag
from support.routing import World

MIB = 1 << 20


def message(n: int, fill: str = "x") -> bytes:
    """A message of exactly n bytes."""
    empty = b"<message><body></body></message>"
    return empty.replace(b"<body>", b"<body>" + fill.encode() * (n - len(empty)))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def romeo(world: World) -> Session:
    return world.client("romeo@localhost/a")


def test_idle_owns_no_chunk(world: World, romeo: Session) -> None:
    world.rig.router.deliver(romeo, message(100))
    assert world.counters()["chunks"] == 1
    world.rig.turn()
    assert (world.counters()["chunks"], world.raw(romeo)) == (0, message(100))


@pytest.mark.parametrize("size", [40, 300, 511, 512, 4000, 4096, 16000, 16384, 70000, MIB])
@pytest.mark.parametrize("piece", [1, 7, 100, 4096, 50000])
def test_partial_writes(world: World, romeo: Session, size: int, piece: int) -> None:
    """Whatever the peer takes at a time, every byte comes once, in order, and the border is known."""
    piece = max(piece, size // 200)
    stanzas = [message(size, chr(97 + i)) for i in range(3)]
    for stanza in stanzas:
        world.rig.router.deliver(romeo, stanza)
    whole, written = b"".join(stanzas), 0
    borders = [0, size, 2 * size, 3 * size]
    got = b""
    while written < len(whole):
        world.rig.allow(romeo.link, piece)
        world.rig.turn()
        got += world.raw(romeo)
        written = min(written + piece, len(whole))
        assert len(got) == written
        assert world.rig.border(romeo.link) == next(b for b in borders if b >= written) - written
        assert romeo.outbox.unsent_bytes == len(whole) - written
        assert romeo.outbox.unsent == sum(b > written for b in borders)
    assert got == whole
    assert (romeo.outbox.written_bytes, world.counters()["chunks"]) == (len(whole), 0)


def test_random_bursts_and_writes(world: World, romeo: Session, soak: int) -> None:
    for seed in range(30 * soak):
        rng = random.Random(seed)
        queued, got = [], b""
        for _ in range(60):
            if rng.random() < 0.6:
                queued.append(message(rng.choice((35, 200, 600, 5000, 20000)), chr(97 + len(queued) % 26)))
                world.rig.router.deliver(romeo, queued[-1])
            else:
                world.rig.allow(romeo.link, rng.randrange(1, 9000))
                world.rig.turn()
                got += world.raw(romeo)
        world.rig.allow(romeo.link, -1)
        world.rig.turn()
        assert got + world.raw(romeo) == b"".join(queued)
        assert world.counters()["chunks"] == 0


def test_a_burst_of_the_usual_size_leaves_in_one_run(world: World, romeo: Session) -> None:
    """The first chunk is as large as the last burst was."""
    for _ in range(2):
        for _ in range(10):
            world.rig.router.deliver(romeo, message(300))
        chunks = world.counters()["chunks"]
        world.rig.turn()
    assert chunks == 1


def test_peer_that_stops_reading_is_ended(world: World, romeo: Session) -> None:
    """4 MiB unsent and nothing taken for 30 s (protocol.md 7): what nobody reads is dropped, the error comes last."""
    juliet = world.client("juliet@localhost/b")
    world.rig.allow(juliet.link, 100)
    for _ in range(5):
        world.rig.router.deliver(juliet, message(MIB))
    world.rig.turn()
    world.rig.advance(29)
    assert not juliet.flags & SessionFlag.S_ENDED
    world.rig.advance(2)
    assert juliet.flags & SessionFlag.S_ENDED
    link = world.links[juliet]
    got = world.raw(juliet)
    assert got == message(MIB)[:100]
    assert (world.counters()["chunks"], world.counters()["sessions"], link.closing) == (0, 1, True)


def test_error_of_an_overrun_follows_the_stanza_under_way(world: World) -> None:
    romeo = world.client("romeo@localhost/b")
    world.rig.allow(romeo.link, 100)
    for _ in range(18):
        world.rig.router.deliver(romeo, message(MIB))
    assert romeo.flags & SessionFlag.S_ENDED
    link = romeo.link
    world.rig.allow(link, -1)
    world.rig.turn()
    error, = world.got(romeo)[-1:]
    assert error[0].tag == "{urn:ietf:params:xml:ns:xmpp-streams}resource-constraint"
    assert world.counters()["chunks"] == 0


def test_slow_but_steady_is_not_ended(world: World, romeo: Session) -> None:
    for _ in range(6):
        world.rig.router.deliver(romeo, message(MIB))
    for _ in range(20):
        world.rig.allow(romeo.link, 1000)
        world.rig.turn()
        world.rig.advance(20)
    assert not romeo.flags & SessionFlag.S_ENDED


def test_a_client_that_does_not_read_its_replies_is_not_read(world: World, romeo: Session) -> None:
    world.notes.answer = lambda session, stanza, reason: world.rig.router.deliver(session, message(MIB))
    world.rig.allow(romeo.link, 0)
    request = "<iq type='get' id='1'><a xmlns='b'/></iq>"
    world.send(romeo, request * 10)
    assert (len(world.notes.punted), romeo.link.paused) == (3, True)
    world.rig.allow(romeo.link, 3 * MIB)
    world.rig.turn()
    assert len(world.notes.punted) == 6
    world.rig.allow(romeo.link, -1)
    world.rig.turn()
    assert (len(world.notes.punted), romeo.link.paused) == (10, False)
    assert len(world.raw(romeo)) == 10 * MIB


def test_counters(world: World, romeo: Session) -> None:
    before = world.counters()
    world.send(romeo, "<message to='romeo@localhost/a'/>  <a xmlns='b'/>")
    after = world.counters()
    assert [after[name] - before[name] for name in ("stanzas_received", "stanzas_sent")] == [1, 1]


def test_the_account_knows_the_highest_number_that_was_written(world: World, romeo: Session) -> None:
    for number in (5, 3, 0):
        world.rig.router.lend(romeo, message(100), number)
    world.rig.allow(romeo.link, 99)
    world.rig.turn()
    assert world.rig.router.reached("romeo@localhost") == 0
    world.rig.allow(romeo.link, 1)
    world.rig.turn()
    assert world.rig.router.reached("romeo@localhost") == 5
    world.rig.allow(romeo.link, -1)
    world.rig.turn()
    assert (romeo.outbox.reached, world.rig.router.reached("romeo@localhost")) == (5, 5)
    assert world.rig.router.reached("juliet@localhost") == 0


def test_with_stream_management_nothing_is_done_with_when_written(world: World, romeo: Session) -> None:
    world.rig.router.lend(romeo, message(100), 4)
    world.rig.allow(romeo.link, 30)
    world.rig.turn()
    romeo.manage(bytes(16), 600)
    for number in (5, 6):
        world.rig.router.lend(romeo, message(100), number)
    world.rig.allow(romeo.link, -1)
    world.rig.turn()
    outbox = romeo.outbox
    assert (outbox.unsent, outbox.unacknowledged, outbox.unacknowledged_bytes) == (0, 2, 200)
    assert world.rig.router.reached("romeo@localhost") == 4     # it was under way before
    assert world.counters()["chunks"] == 1
    world.rig.lose(romeo.link)
    world.rig.router.end(romeo, "")
    world.rig.turn()
    assert world.counters()["chunks"] == 0
