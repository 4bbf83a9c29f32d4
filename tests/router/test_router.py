"""What Python asks of the router: stanzas of our own making, tables, sessions."""

import sys
from collections.abc import Callable

import pytest

from headrace.router.session import Reason
from support.routing import World, condition


def test_own_stanza_is_routed_like_any_other() -> None:
    world = World()
    juliet, c = world.client("juliet@localhost/b", presence="0"), world.client("juliet@localhost/c", presence="-1")
    world.got(juliet)
    world.rig.router.route(b"<message from='localhost' to='juliet@localhost'/>")
    world.rig.router.route(b"<message from='localhost' to='juliet@localhost/c' type='headline'/>")
    world.rig.router.route(b"<message to='nobody@localhost'><body/></message>", "localhost")
    world.rig.turn()
    assert (len(world.got(juliet)), len(world.got(c))) == (1, 1)
    (session, stanza, reason), = world.notes.punted
    assert (session, reason, stanza.to, stanza.from_) == (None, Reason.P_ABSENT, "nobody@localhost", "localhost")


def test_error_of_an_own_stanza_goes_to_its_sender() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.rig.router.route(b"<message from='romeo@localhost/a' to='juliet@localhost' type='groupchat' id='1'/>")
    world.rig.router.route(b"<message from='localhost' to='juliet@localhost' type='groupchat' id='2'/>")
    world.rig.turn()
    assert [(condition(answer), answer.get("id")) for answer in world.got(romeo)] == [("service-unavailable", "1")]


@pytest.mark.parametrize("raw", [
    b"", b"<message", b"<message from='localhost'/>", b"<message to='a@localhost'/>", b"<a xmlns='b' to='c' from='d'/>",
    b"<message to='a@localhost' from='localhost'/><message to='a@localhost' from='localhost'/>",
    b"<message to='a@localhost' from='localhost'><stream:error/></message>", b"<iq to='a@localhost' from='b'/>"])
def test_own_stanza_that_cannot_be_routed(raw: bytes) -> None:
    world = World()
    with pytest.raises(ValueError, match=r"."):
        world.rig.router.route(raw)
    world.rig.router.route(b"<message from='localhost' to='a@localhost'><body/></message>")
    assert world.notes.reasons() == [Reason.P_ABSENT]


def test_deliver_puts_a_reply_as_it_is() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.rig.router.deliver(romeo, b"<iq type='result' id='1'/>")
    world.rig.turn()
    assert world.raw(romeo) == b"<iq type='result' id='1'/>"


def test_binding_needs_the_tables() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    with pytest.raises(LookupError):
        world.rig.router.bind(romeo.link, romeo.tok, "other@localhost/a", None)


def test_tables_live_as_long_as_sessions() -> None:
    world = World()
    router = world.rig.router
    romeo = world.client("romeo@localhost/a", contacts={"a@localhost": 3})
    router.load("romeo@localhost", {})
    router.set_contact("romeo@localhost", "b@localhost", 1)
    assert [router.contact("romeo@localhost", f"{name}@localhost") for name in "abc"] == [3, 1, 0]
    router.set_contact("romeo@localhost", "a@localhost", 0)
    assert router.contact("romeo@localhost", "a@localhost") == 0
    router.release("romeo@localhost")
    assert router.loaded("romeo@localhost")
    world.rig.lose(romeo.link)
    assert not router.loaded("romeo@localhost")
    router.load("romeo@localhost", {})
    router.release("romeo@localhost")
    assert not router.loaded("romeo@localhost")


# The data plane moves without Python.

CHAT = "<message to='juliet@localhost/b' type='chat' id='1'><body>Hi</body></message>"
TO_BARE = "<message to='juliet@localhost' type='chat' id='1'><body>Hi</body></message>"
PING = "<iq to='juliet@localhost/b' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>"
RESULT = "<iq to='juliet@localhost/b' type='result' id='1'/>"
DIRECTED = "<presence to='juliet@localhost/b'/>"
BROADCAST = "<presence><show>away</show></presence>"
ERROR = "<iq to='juliet@localhost/gone' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>"
PUNTED = "<iq to='localhost' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>"


def entered(function: Callable[[], None]) -> int:
    """How often Python code was entered."""
    events = 0

    def count(frame: object, event: str, arg: object) -> None:
        nonlocal events
        events += event == "call"

    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(None)
    return events


@pytest.mark.parametrize("stanza", [CHAT, TO_BARE, PING, RESULT, DIRECTED, BROADCAST, ERROR, PUNTED])
def test_no_python_is_entered(stanza: str) -> None:
    """native.md: 20 stanzas enter as much Python as 5 do; where they are punted they must not."""
    world = World()
    romeo = world.client("romeo@localhost/a", contacts={"juliet@localhost": 3}, presence="0")
    juliet = world.client("juliet@localhost/b", contacts={"romeo@localhost": 3}, presence="0")

    def send(times: int) -> int:
        data = (stanza * times).encode()

        def run() -> None:
            world.rig.feed(romeo, data)
            world.rig.turn()

        return entered(run)

    send(1)
    few, many = send(5), send(20)
    assert (few == many) == (stanza != PUNTED)
    assert stanza in (ERROR, PUNTED) or len(world.got(juliet)) >= 26
