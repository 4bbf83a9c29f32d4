from xml.etree.ElementTree import fromstring

import pytest

from headrace.modules.api import Inline, Switch
from headrace.modules.csi import ClientState
from headrace.router.session import SessionFlag
from support.house import build_house
from support.world import World

ROMEO = "romeo@example.org/orchard"


@pytest.mark.parametrize(("name", "inactive"), [("active", False), ("inactive", True)])
def test_a_login_begins_as_it_says(world: World, name: str, inactive: bool) -> None:
    asked = Inline(ROMEO, fromstring(f"<{name} xmlns='urn:xmpp:csi:0'/>"))
    assert world.module(ClientState).state(asked) == Switch(SessionFlag.S_INACTIVE, inactive)


async def test_pong_comes_behind_what_waited(world: World) -> None:
    """XEP-0352 5.1, its example."""
    house = await build_house(world, ["romeo@example.org"])
    phone = await house.login(ROMEO)
    await phone.got("presence romeo")
    phone.say("<inactive xmlns='urn:xmpp:csi:0'/>")
    await house.login("romeo@example.org/desk")
    await phone.got()
    phone.say("<active xmlns='urn:xmpp:csi:0'/>",
              "<iq type='get' id='1' to='example.org'><ping xmlns='urn:xmpp:ping'/></iq>")
    await phone.got("presence romeo", "iq result example.org")
