from xml.etree.ElementTree import fromstring

import pytest

from headrace.modules.api import Inline, Reply, Switch
from headrace.modules.carbons import Carbons
from headrace.router.session import SessionFlag
from support.house import build_house
from support.world import World, effects, request

ROMEO = "romeo@example.org/orchard"
CARBONS = "urn:xmpp:carbons:2"


@pytest.mark.parametrize(("name", "on"), [("enable", True), ("disable", False)])
async def test_switch_comes_before_the_answer(world: World, name: str, on: bool) -> None:
    module = world.module(Carbons)
    asked = request(f"<iq type='set' id='1'><{name} xmlns='{CARBONS}'/></iq>", ROMEO)
    assert await effects(getattr(module, name)(asked)) == [Switch(SessionFlag.S_CARBONS, on), Reply()]


def test_with_the_login(world: World) -> None:
    asked = Inline(ROMEO, fromstring(f"<enable xmlns='{CARBONS}'/>"))
    assert world.module(Carbons).enable_inline(asked) == Switch(SessionFlag.S_CARBONS, True)


async def test_on_and_off_and_on(world: World) -> None:
    """Sections 4, 5 and 10.1: as often as wanted; what it is already is no error."""
    house = await build_house(world, ["romeo@example.org", "juliet@example.net"])
    juliet = await house.login("juliet@example.net/balcony")
    desk, phone = await house.login(ROMEO), await house.login("romeo@example.org/phone")
    hello = "<message to='romeo@example.org/orchard' type='chat'><body>Hi</body></message>"
    await desk.got("presence romeo", "presence romeo")
    await phone.got("presence romeo", "presence romeo")
    for name, copied in (("enable", True), ("enable", True), ("disable", False), ("disable", False), ("enable", True)):
        phone.say(f"<iq type='set' id='1'><{name} xmlns='{CARBONS}'/></iq>")
        await phone.got("iq result")
        juliet.say(hello)
        await desk.got("message chat juliet Hi")
        await phone.got(*["message chat romeo"] * copied)


async def test_others_cannot_be_switched(world: World) -> None:
    house = await build_house(world, ["romeo@example.org", "juliet@example.net"])
    romeo, juliet = await house.login(ROMEO), await house.login("juliet@example.net/balcony")
    for to in ("juliet@example.net", "nobody@example.net"):
        romeo.say(f"<iq type='set' id='1' to='{to}'><enable xmlns='{CARBONS}'/></iq>")
    await romeo.got("presence romeo", "iq error juliet", "iq error nobody")
    assert not juliet.session.flags & SessionFlag.S_CARBONS


async def test_an_error_of_the_control_plane_goes_to_all_who_saw_the_message(world: World) -> None:
    house = await build_house(world, ["romeo@example.org"])
    desk, phone = await house.login(ROMEO), await house.login("romeo@example.org/phone")
    phone.say(f"<iq type='set' id='1'><enable xmlns='{CARBONS}'/></iq>")
    await phone.got("presence romeo", "presence romeo", "iq result")
    await desk.got("presence romeo", "presence romeo")
    desk.say("<message to='nobody@example.net' type='chat' id='1'><body>Hi</body></message>")
    await desk.got("message error nobody")
    sent, refused = await phone.got("message chat romeo", "message error romeo")
    assert [copy[0].tag for copy in (sent, refused)] == [f"{{{CARBONS}}}sent", f"{{{CARBONS}}}received"]
