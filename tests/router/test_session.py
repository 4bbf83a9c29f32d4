"""How a session ends, and that nothing is left of it."""

import gc

import pytest

from headrace.router.account import Subscription
from headrace.router.session import Reason, SessionFlag
from headrace.stream.limits import SessionLimits
from support.routing import World


def stream_error(data: bytes) -> str | None:
    """The condition of the stream error at the end; None if there is none."""
    _, found, rest = data.rpartition(b"<stream:error><")
    return rest.split(b" ")[0].decode() if found else None


def gone(world: World) -> bool:
    counters = world.counters()
    return [counters[name] for name in ("links", "sessions", "chunks", "deadlines")] == [0, 0, 0, 0]


def test_identity() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a/b", lang="en")
    assert (romeo.jid, romeo.bare, romeo.resource, romeo.lang) == (
        "romeo@localhost/a/b", "romeo@localhost", "a/b", "en")
    assert world.rig.router.find("romeo@localhost/a/b") is romeo
    assert world.rig.router.find("romeo@localhost") is None
    assert world.rig.router.find("romeo@localhost/a") is None
    assert world.rig.router.sessions("romeo@localhost") == [romeo]


def test_flags_of_the_control_plane() -> None:
    romeo = World().client("romeo@localhost/a")
    romeo.set_flag(SessionFlag.S_INTERESTED)
    assert romeo.flags == SessionFlag.S_INTERESTED
    romeo.set_flag(SessionFlag.S_INTERESTED, False)
    assert romeo.flags == 0
    romeo.set_flag(SessionFlag.S_BLOCKLIST)
    assert romeo.flags == SessionFlag.S_BLOCKLIST
    with pytest.raises(ValueError, match="not set from outside"):
        romeo.set_flag(SessionFlag.S_ENDED)


def test_peer_closes() -> None:
    world = World()
    romeo, juliet = world.client("romeo@localhost/a"), world.client("juliet@localhost/b")
    world.send(romeo, "<message to='juliet@localhost/b'/></stream:stream>")
    assert world.raw(romeo) == b"</stream:stream>"
    assert len(world.got(juliet)) == 1
    assert (world.notes.went, romeo.flags, romeo.link) == ([romeo], SessionFlag.S_ENDED, None)


@pytest.mark.parametrize(("data", "condition"), [
    ("<message", None), ("<message></presence>", "not-well-formed"), ("<!-- -->", "restricted-xml"), ("text", None)])
def test_errors_of_the_tokenizer(data: str, condition: str | None) -> None:
    world = World()
    romeo, juliet = world.client("romeo@localhost/a"), world.client("juliet@localhost/b")
    world.send(romeo, "<message to='juliet@localhost/b'/>" + data)
    assert len(world.got(juliet)) == 1
    if condition:
        assert stream_error(world.raw(romeo)) == condition


def test_ended_by_the_server() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.rig.router.deliver(romeo, b"<message/>")
    world.rig.router.end(romeo, "conflict", "you again")
    world.rig.router.end(romeo, "reset")
    world.rig.router.deliver(romeo, b"<presence/>")
    assert world.rig.router.find("romeo@localhost/a") is None
    world.rig.turn()
    data = world.raw(romeo)
    assert data.startswith(b"<message/><stream:error><conflict ")
    assert b"you again" in data
    assert data.endswith(b"</stream:error></stream:stream>")
    assert gone(world)


def test_ended_without_an_error() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.rig.router.end(romeo, "")
    world.rig.turn()
    assert world.raw(romeo) == b"</stream:stream>"


def test_a_new_session_takes_the_name_of_one_that_ends() -> None:
    world = World()
    old = world.client("romeo@localhost/a", contacts={"juliet@localhost": Subscription.SUB_FROM}, presence="0")
    world.rig.router.end(old, "conflict")
    new = world.client("romeo@localhost/a")
    assert world.rig.router.sessions("romeo@localhost") == [new]
    assert world.rig.router.contact("romeo@localhost", "juliet@localhost") == Subscription.SUB_FROM
    assert world.counters()["sessions"] == 1


@pytest.mark.parametrize("who", ["sender", "receiver", "both"])
def test_ending_from_inside_a_handler(who: str) -> None:
    """Nothing closes inside: a handler may end the session it is called for, and any other."""
    world = World()
    romeo = world.client("romeo@localhost/a", contacts={"juliet@localhost": 3}, presence="0")
    juliet = world.client("juliet@localhost/b", contacts={"romeo@localhost": 3}, presence="0")
    ends = {"sender": [romeo], "receiver": [juliet], "both": [juliet, romeo]}[who]

    def answer(session, stanza, reason):
        for ended in ends:
            world.rig.router.end(ended, "reset")

    world.notes.answer = answer
    world.got(juliet)
    world.send(romeo, "<iq type='get' id='1'><a xmlns='b'/></iq>" + "<message to='juliet@localhost/b'/>" * 3)
    got = world.raw(juliet)
    assert b"<message " not in got
    assert (b"type='unavailable'" in got) == (who == "sender")
    assert world.counters()["sessions"] == 2 - len(ends)


def test_ending_from_available_and_gone() -> None:
    world = World()
    juliet = world.client("juliet@localhost/b")
    world.notes.welcome = lambda session: world.rig.router.end(session, "reset")
    world.notes.gone = lambda session: world.rig.router.end(juliet, "reset")
    romeo = world.client("romeo@localhost/a")
    world.send(romeo, "<presence/><message to='juliet@localhost/b'/>")
    assert gone(world)


def test_a_control_plane_that_fails_costs_no_session() -> None:
    world = World()

    def fail(*args):
        raise RuntimeError("a bug")

    world.notes.answer = world.notes.welcome = fail
    romeo = world.client("romeo@localhost/a")
    world.send(romeo, "<presence/><iq type='get' id='1'><a xmlns='b'/></iq><message to='x@localhost'><body/></message>")
    assert [f["message"] for f in world.rig.loop.failures] == [
        "headrace: Control.available failed", "headrace: Control.punt failed", "headrace: Control.punt failed"]
    assert len(world.got(romeo)) == 1
    world.notes.gone = fail
    world.rig.lose(romeo.link)
    assert gone(world)


def test_unread_elements_of_the_login_are_read_after_binding() -> None:
    """A client that pipelines behind its bind request: bytes that came before the session did."""
    world = World()
    juliet = world.client("juliet@localhost/b")
    romeo = world.rig.connect("romeo@localhost/a")
    world.links[romeo] = romeo.link
    for piece in ("<mess", "age to='juliet@localhost/b'", "/><message to='juliet@loc", "alhost/b'/>"):
        world.send(romeo, piece)
    assert len(world.got(juliet)) == 2


# Silence (RFC 6120 4.6).

def test_who_is_silent_for_an_hour_is_given_up() -> None:
    world = World()
    romeo, juliet = world.client("romeo@localhost/a"), world.client("juliet@localhost/b")
    for _ in range(59):
        world.rig.advance(60)
        world.send(juliet, " ")
    assert not romeo.flags & SessionFlag.S_ENDED
    world.rig.advance(61)
    assert stream_error(world.raw(romeo)) == "connection-timeout"
    assert not juliet.flags & SessionFlag.S_ENDED
    assert world.counters()["deadlines"] == world.counters()["sessions"] == 1


def test_white_space_keeps_a_silent_connection_alive() -> None:
    """Sent when neither side has said anything for five minutes."""
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.rig.advance(299)
    assert world.raw(romeo) == b""
    world.rig.advance(1)
    assert world.raw(romeo) == b" "
    world.rig.advance(200)
    world.send(romeo, " ")
    world.rig.advance(299)
    world.rig.router.deliver(romeo, b"<message/>")
    world.rig.turn()
    assert world.raw(romeo) == b"<message/>"
    world.rig.advance(299)
    assert world.raw(romeo) == b""
    world.rig.advance(1)
    assert world.raw(romeo) == b" "


def test_no_white_space_inside_a_stanza() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.rig.allow(romeo.link, 5)
    world.rig.router.deliver(romeo, b"<message/>")
    world.rig.turn()
    world.rig.advance(1000)
    world.rig.allow(romeo.link, -1)
    world.rig.turn()
    assert world.raw(romeo) == b"<message/>"


def test_silence_is_told() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.rig.advance(90)
    assert 90 <= romeo.silence < 120
    world.send(romeo, " ")
    assert 0 <= romeo.silence < 30
    world.rig.lose(romeo.link)
    assert romeo.silence == 0


def test_silence_may_be_allowed_for_ever() -> None:
    world = World(limits=SessionLimits(idle_seconds=0, keep_alive_seconds=0))
    romeo = world.client("romeo@localhost/a")
    world.rig.advance(1e6)
    assert (world.raw(romeo), romeo.flags) == (b"", 0)


def test_many_sessions_leave_nothing() -> None:
    """native.md, "Memory and garbage": without the collector, links, sessions and chunks return to zero."""
    world = World()
    gc.collect()
    gc.disable()
    try:
        for i in range(300):
            romeo = world.client("romeo@localhost/a", contacts={"juliet@localhost": 3}, presence="0")
            juliet = world.client("juliet@localhost/b", contacts={"romeo@localhost": 3}, presence="1")
            world.send(romeo, "<message to='juliet@localhost/b'/><message to='juliet@localhost'/><message to='x@y'/>")
            world.send(juliet, "<presence to='x@y'/><iq to='romeo@localhost/a' type='get' id='1'><a xmlns='b'/></iq>")
            romeo.state = (romeo, juliet)
            if i % 2:
                world.rig.lose(romeo.link)
            else:
                world.send(romeo, "</stream:stream>")
            world.rig.router.end(juliet, "reset")
            world.rig.turn()
            assert gone(world)
            assert (romeo.state, romeo.link, juliet.link) == (None, None, None)
            world.links.clear()
    finally:
        gc.enable()
    assert not world.rig.router.loaded("romeo@localhost")
    assert Reason.P_REMOTE in world.notes.reasons()
