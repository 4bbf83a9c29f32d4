"""What `type` says, and the self-contained copy of a stanza."""

import pytest

from support.routing import World


@pytest.mark.parametrize("type", ["chat ", "Chat", "cha", "chatt", "erro", "groupcha", "headlines", "\u00e9", "x" * 99])
def test_a_message_type_is_known_to_the_letter(type: str) -> None:
    """Whatever is not one of the five is normal: it is delivered to the account, as it was written."""
    world = World()
    romeo, juliet = world.client("romeo@localhost/a"), world.client("juliet@localhost/b", presence="0")
    world.send(romeo, f"<message to='juliet@localhost' type='{type}'/>")
    assert [m.get("type") for m in world.got(juliet)] == [type]


def test_the_copy_is_the_stanza_as_delivered() -> None:
    """What is punted for storing and what a resource gets are the same bytes."""
    world = World()
    romeo = world.client("romeo@localhost/a", lang="it")
    inside = b"<p:x/><body>&#10;</body></message>"
    stanza = b"<message to='Juliet@localhost' xmlns:p='urn:p' type='chat' id='&apos;'>" + inside
    world.send(romeo, stanza)
    juliet = world.client("juliet@localhost/b", presence="0")
    world.raw(juliet)
    world.send(romeo, stanza)
    (_, punted, _), = world.notes.punted
    assert world.raw(juliet) == punted.raw == (
        b"<message from='romeo@localhost/a' to='juliet@localhost' id='&apos;' type='chat' xml:lang='it'"
        b" xmlns:p='urn:p'>" + inside)
