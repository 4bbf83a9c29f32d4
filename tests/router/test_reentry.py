"""What a session held for a peer that never took it goes to whom it concerns now (protocol.md 5 and 7)."""

from headrace.router.session import Reason, Session
from support.routing import CLIENT, World, condition


def held(world: World, *stanzas: str) -> Session:
    """Juliet, who takes nothing, with these stanzas from romeo in her outbox."""
    romeo = world.client("romeo@localhost/a")
    juliet = world.client("juliet@localhost/b", contacts={"romeo@localhost": 3}, presence="0")
    world.rig.allow(juliet.link, 0)
    world.send(romeo, "".join(stanzas))
    return romeo


def lose(world: World, session: Session) -> None:
    world.rig.lose(session.link)
    world.rig.turn()
    world.rig.turn()


def find(world: World, full: str) -> Session:
    session = world.rig.router.find(full)
    assert session is not None
    return session


CHAT = "<message to='juliet@localhost{}' id='{}' type='chat'><body>x</body></message>"


def test_messages_are_absent_once_more_in_order() -> None:
    world = World()
    held(world, CHAT.format("", 1), CHAT.format("/b", 2), CHAT.format("", 3))
    lose(world, find(world, "juliet@localhost/b"))
    assert [(stanza.id, reason) for _, stanza, reason in world.notes.punted] == [
        (n, Reason.P_ABSENT) for n in "123"]


def test_what_was_written_whole_is_gone() -> None:
    world = World()
    held(world, CHAT.format("/b", 1), CHAT.format("/b", 2))
    juliet = find(world, "juliet@localhost/b")
    world.rig.allow(juliet.link, juliet.outbox.unsent_bytes // 2 + 10)  # the first, and some of the second
    world.rig.turn()
    lose(world, juliet)
    assert [stanza.id for _, stanza, _ in world.notes.punted] == ["2"]


def test_requests_are_answered_for_the_one_who_left() -> None:
    world = World()
    romeo = held(world, "<iq type='get' to='juliet@localhost/b' id='q'><query xmlns='a:b'/></iq>",
                 "<iq type='result' to='juliet@localhost/b' id='r'/>", "<presence to='juliet@localhost/b'/>")
    lose(world, find(world, "juliet@localhost/b"))
    [answer] = [e for e in world.got(romeo) if e.tag == CLIENT + "iq"]
    assert (answer.get("id"), condition(answer)) == ("q", "service-unavailable")
    assert world.notes.punted == []


def test_what_another_resource_was_given_too_is_not_repeated() -> None:
    world = World()
    other = world.client("juliet@localhost/c", presence="0")
    held(world, CHAT.format("", 1))
    assert len(world.got(other)) == 2       # the presence of /b, and the message
    lose(world, find(world, "juliet@localhost/b"))
    assert [e.tag for e in world.got(other)] == [CLIENT + "presence"]
    assert world.notes.punted == []


def test_what_was_for_one_resource_goes_to_another() -> None:
    world = World()
    other = world.client("juliet@localhost/c", presence="0")
    held(world, CHAT.format("/b", 1))
    world.got(other)
    lose(world, find(world, "juliet@localhost/b"))
    assert "1" in [e.get("id") for e in world.got(other)]


def test_an_overrun_session_passes_on_what_it_drops() -> None:
    world = World()
    big = "<message to='juliet@localhost' type='chat' id='{}'><body>" + "x" * 200_000 + "</body></message>"
    romeo = held(world)
    for n in range(90):     # 18 MB: past 16 MiB she is ended, the rest finds nobody
        world.send(romeo, big.format(n))
    assert [session.jid for session in world.notes.went] == ["juliet@localhost/b"]
    ids = [int(stanza.id or "") for _, stanza, reason in world.notes.punted if reason == Reason.P_ABSENT]
    assert sorted(ids) == list(range(90))
