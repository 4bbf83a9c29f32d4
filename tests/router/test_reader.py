"""Stanzas that come from no link are read without disturbing those that do."""

import pytest

from support.routing import World


@pytest.mark.parametrize("depth", [1, 2, 3, 10])
def test_routing_inside_a_handler_inside_a_handler(depth: int) -> None:
    """A handler routes a stanza whose handler routes one ...; the client's next stanza is read as if nothing was."""
    world = World()
    romeo, juliet = world.client("romeo@localhost/a"), world.client("juliet@localhost/b", presence="0")
    world.got(juliet)
    levels: list[str] = []

    def letter(level: int) -> str:
        return f"<message from='romeo@localhost/a' to='gone@localhost' id='{level}'><body/></message>"

    def answer(session: object, stanza: object, reason: int) -> None:
        levels.append(stanza.id)
        if len(levels) < depth:
            world.rig.router.route(letter(len(levels)).encode())
        else:
            world.rig.router.route(b"<message from='localhost' to='juliet@localhost' id='last'/>")

    world.notes.answer = answer
    world.send(romeo, letter(0) + "<message to='juliet@localhost' id='next'>"
                      "<stanza-id xmlns='urn:xmpp:sid:0'/><body>x</body></message>")
    assert levels == [str(i) for i in range(depth)]
    assert [(m.get("id"), len(m)) for m in world.got(juliet)] == [("last", 0), ("next", 1)]


def test_a_bad_stanza_spoils_nothing() -> None:
    world = World()
    juliet = world.client("juliet@localhost/b", presence="0")
    world.got(juliet)
    good = b"<message from='localhost' to='juliet@localhost'/>"
    for bad in (b"</stream:stream>", b"<message", b"<a></b>", good + good, b" ", b"x"):
        world.rig.router.route(good)
        with pytest.raises(ValueError, match=r"one well-formed element"):
            world.rig.router.route(bad)
    world.rig.router.route(good)
    world.rig.turn()
    assert len(world.got(juliet)) == 7


@pytest.mark.parametrize("size", [10, 5000, 100_000, 3_000_000])
def test_our_own_stanzas_know_no_limits(size: int) -> None:
    world = World()
    juliet = world.client("juliet@localhost/b", presence="0")
    world.got(juliet)
    body = b"<body>" + b"x" * size + b"</body>" + b"<x xmlns='y'>" * 60 + b"</x>" * 60
    world.rig.router.route(b"<message from='localhost' to='juliet@localhost'>" + body + b"</message>")
    world.rig.turn()
    assert body in world.raw(juliet)
