import pytest

from headrace.modules.api import Refused, Reply
from headrace.modules.vcard import VCard
from support.stanzas import shape, tree
from support.world import World, effects, request

ROMEO, JULIET = "romeo@example.org", "juliet@example.net"
CARD = "<vCard xmlns='vcard-temp'><FN>Romeo &amp; co</FN><N><GIVEN/></N></vCard>"


async def ask(world: World, handler: str, type: str = "get", inside: str = "<vCard xmlns='vcard-temp'/>", *,
              sender: str = ROMEO, to: str | None = None) -> list[object]:
    got = request(f"<iq type='{type}' id='1'>{inside}</iq>", f"{sender}/o", to)
    return await effects(getattr(world.module(VCard), handler)(got))


async def test_written_by_its_owner_and_read_by_everybody(world: World) -> None:
    await world.account(ROMEO)
    assert await ask(world, "set", "set", CARD) == [Reply()]
    for answer in (await ask(world, "own"), await ask(world, "of_account", sender=JULIET, to=ROMEO)):
        [reply] = answer
        assert isinstance(reply, Reply)
        assert shape(tree(reply.payload)) == shape(tree(CARD))


async def test_none_yet(world: World) -> None:
    """Strangers can't tell it from an account that is not there."""
    await world.account(ROMEO)
    [reply] = await ask(world, "own")
    assert isinstance(reply, Reply)
    assert shape(tree(reply.payload)) == shape(tree("<vCard xmlns='vcard-temp'/>"))
    for to in (ROMEO, "nobody@example.org"):
        with pytest.raises(Refused, match="service-unavailable"):
            await ask(world, "of_account", sender=JULIET, to=to)


async def test_other_peoples_cannot_be_written(world: World) -> None:
    with pytest.raises(Refused, match="forbidden"):
        await ask(world, "foreign", "set", CARD, to=JULIET)
