import dataclasses

import pytest

from headrace.modules.anonymous import Anonymous
from headrace.modules.api import Refused
from headrace.modules.hosts import Host
from headrace.storage.ports import RosterItem
from support.world import World, effects, request

ROMEO, NOBODY = "romeo@example.org", "59bec12a-9bab-452b-88f8-d1563f09e549@example.net"


@pytest.fixture
def module(world: World) -> Anonymous:
    """example.net is for anonymous users."""
    hosts = {**world.context.hosts, "example.net": Host(anonymous=True)}
    return Anonymous(dataclasses.replace(world.context, hosts=hosts), Anonymous.Options())


@pytest.mark.parametrize("type", ["subscribe", "subscribed", "unsubscribe", "unsubscribed"])
@pytest.mark.parametrize(("sender", "to"), [(NOBODY, ROMEO), (ROMEO, NOBODY)])
async def test_no_subscriptions(module: Anonymous, type: str, sender: str, to: str) -> None:
    with pytest.raises(Refused, match="not-allowed"):
        await effects(module.subscription(request(f"<presence type='{type}' to='{to}'/>", f"{sender}/x", to)))


async def test_others_subscribe_as_ever(module: Anonymous) -> None:
    to = "juliet@example.org"
    assert module.subscription(request(f"<presence type='subscribe' to='{to}'/>", f"{ROMEO}/x", to)) is None


async def test_nothing_is_left_of_a_session(module: Anonymous, world: World) -> None:
    await world.account(ROMEO)
    for owner in (NOBODY, ROMEO):
        await world.storage.roster.put(owner, RosterItem("juliet@example.org"))
        await effects(module.gone(f"{owner}/x"))
    assert await world.storage.roster.load(NOBODY) == []
    assert len(await world.storage.roster.load(ROMEO)) == 1
