"""Which messages must be kept: those are punted where nobody takes them, the rest is refused or dropped at once."""

import asyncio

import pytest

from headrace.router.session import Reason
from support.routing import World, condition

HINT = "xmlns='urn:xmpp:hints'"
STATE = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
OTHER = "<x xmlns='urn:x'/>"


@pytest.mark.parametrize(("type", "inside", "kept"), [
    ("chat", "<body>hi</body>", True),
    ("normal", "<body/>", True),
    ("chat", "<subject>s</subject>", True),
    ("chat", "<received xmlns='urn:xmpp:receipts' id='1'/>", True),
    ("chat", f"{STATE}<store {HINT}/>", True),
    ("chat", "<encrypted xmlns='eu.siacs.conversations.axolotl'/>", True),
    ("chat", f"<body>hi</body><no-permanent-store {HINT}/>", True),
    ("chat", f"<body>hi</body><no-copy {HINT}/>", True),
    ("chat", "<origin-id xmlns='urn:xmpp:sid:0' id='1'/>" + 20 * STATE + OTHER, True),
    ("chat", "", False),
    ("chat", STATE, False),
    ("chat", f"{STATE}<thread>t</thread><no-permanent-store {HINT}/><no-copy {HINT}/>", False),
    ("chat", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", False),
    ("chat", "<origin-id xmlns='urn:xmpp:sid:0' id='1'/>", False),
    ("chat", f"<received xmlns='urn:xmpp:receipts' id='1'/><no-store {HINT}/>", False),
    ("chat", f"<body>hi</body><no-store {HINT}/><store {HINT}/>", False),
    ("headline", "<body>hi</body>", False),
    ("groupchat", "<body>hi</body>", False),
    ("error", "<body>hi</body>", False),
])
def test_what_must_be_kept(type: str, inside: str, kept: bool) -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.send(romeo, f"<message to='juliet@localhost' type='{type}'>{inside}</message>")
    assert world.notes.reasons() == [Reason.P_ABSENT] * kept


@pytest.mark.parametrize(("type", "inside", "answer"), [
    ("chat", f"<body>hi</body><no-store {HINT}/>", "service-unavailable"),
    ("chat", STATE, None),
    ("chat", f"{STATE}<no-store {HINT}/>", None),
    ("headline", f"<body>hi</body><no-store {HINT}/>", None),
])
def test_what_need_not_be_kept_comes_back_if_somebody_wrote_it(type: str, inside: str, answer: str | None) -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.send(romeo, f"<message to='juliet@localhost' type='{type}'>{inside}</message>")
    assert world.notes.punted == []
    assert [condition(m) for m in world.got(romeo)] == ([answer] if answer else [])


async def test_the_moment_does_not_wait_for_what_is_handed_over() -> None:
    """Chat states go to who is there, though older messages are still on their way to it."""
    world = World()
    handed_over = asyncio.Event()
    world.notes.welcome = lambda session: handed_over.wait()
    romeo, juliet = world.client("romeo@localhost/a"), world.client("juliet@localhost/b", presence="0")
    for inside in (STATE, f"<body>now</body><no-store {HINT}/>", "<body>later</body>"):
        world.send(romeo, f"<message to='juliet@localhost' type='chat'>{inside}</message>")
    assert [m[0].tag.rpartition("}")[2] for m in world.got(juliet)] == ["composing", "body"]
    assert world.notes.reasons() == [Reason.P_ABSENT]
    handed_over.set()
