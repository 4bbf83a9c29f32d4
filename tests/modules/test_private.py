import pytest

from headrace.modules.api import Refused, Reply
from headrace.modules.private import Private
from support.stanzas import shape, tree
from support.world import World, effects, request

ROMEO = "romeo@example.org"
BOOKMARKS = "<storage xmlns='storage:bookmarks'><conference jid='a@b'>&lt;é</conference></storage>"


async def ask(world: World, type: str, inside: str, sender: str = ROMEO, **options: int) -> list[object]:
    module = world.module(Private, **options)
    got = request(f"<iq type='{type}' id='1'><query xmlns='jabber:iq:private'>{inside}</query></iq>", f"{sender}/o")
    return await effects(getattr(module, type)(got))


async def kept(world: World, element: str, sender: str = ROMEO) -> object:
    [reply] = await ask(world, "get", element, sender)
    assert isinstance(reply, Reply)
    return shape(tree(reply.payload)[0])


async def test_kept_by_name_and_namespace_for_each_account(world: World) -> None:
    await world.account(ROMEO, "juliet@example.org")
    assert await ask(world, "set", BOOKMARKS + "<x xmlns='urn:x'/>") == [Reply()]
    await ask(world, "set", "<y xmlns='urn:x'>1</y>")
    await ask(world, "set", "<y xmlns='urn:x'>2</y>")
    assert await kept(world, "<storage xmlns='storage:bookmarks'/>") == shape(tree(BOOKMARKS))
    assert await kept(world, "<y xmlns='urn:x'/>") == shape(tree("<y xmlns='urn:x'>2</y>"))
    empty = shape(tree("<storage xmlns='storage:bookmarks'/>"))
    assert await kept(world, "<storage xmlns='storage:bookmarks'/>", "juliet@example.org") == empty
    assert await kept(world, "<storage xmlns='urn:x'/>") == shape(tree("<storage xmlns='urn:x'/>"))


@pytest.mark.parametrize(("type", "inside", "condition"), [
    ("get", "", "not-acceptable"), ("get", "<a xmlns='urn:a'/><b xmlns='urn:b'/>", "bad-request"),
    ("get", "<a/>", "not-acceptable"), ("set", "", "not-acceptable"), ("set", "<a/>", "not-acceptable"),
    ("set", "<a xmlns=''/>", "not-acceptable"),
    ("set", "<a xmlns='urn:a'/><b xmlns='jabber:client'/>", "not-acceptable"),
    ("set", "<a xmlns='urn:a'/><b xmlns='urn:b'/><c xmlns='urn:c'/>", "resource-constraint"),
    ("set", f"<a xmlns='urn:a'>{'a' * 100}</a>", "resource-constraint"),
])
async def test_refused(world: World, type: str, inside: str, condition: str) -> None:
    await world.account(ROMEO)
    with pytest.raises(Refused) as refused:
        await ask(world, type, inside, max_items=2, max_bytes=100)
    assert refused.value.condition == condition
    assert await world.storage.documents.sizes(ROMEO, "private") == {}


async def test_replacing_counts_once(world: World) -> None:
    await world.account(ROMEO)
    for _ in range(3):
        assert await ask(world, "set", f"<a xmlns='urn:a'>{'a' * 60}</a>", max_items=1, max_bytes=100) == [Reply()]


def test_other_peoples_are_forbidden(world: World) -> None:
    with pytest.raises(Refused, match="forbidden"):
        world.module(Private).foreign(request("<iq type='get' id='1'><query xmlns='jabber:iq:private'/></iq>",
                                              f"{ROMEO}/o", "juliet@example.org"))
