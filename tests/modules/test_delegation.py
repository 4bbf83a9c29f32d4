"""Namespace delegation, without a component: what becomes of those who wait for one."""

from dataclasses import replace
from typing import Any

import pytest

from headrace.core.ns import PUBSUB
from headrace.modules import delegation
from headrace.modules.api import Request, Route
from headrace.modules.delegation import NamespaceDelegation
from headrace.modules.nesting import Delegation, Nesting
from headrace.modules.questions import PATIENCE
from support.stanzas import condition, tree
from support.world import World, effects, request

CLERK, OTHER = "clerk.example.org", "other.example.org"
ROMEO = "romeo@example.org/r"
OURS = frozenset({"example.org"})


@pytest.fixture
def clerk(world: World) -> NamespaceDelegation:
    nesting = Nesting((Delegation(CLERK, PUBSUB, OURS), Delegation(OTHER, "urn:x", OURS)))
    world.context = replace(world.context, nesting=nesting)
    return world.module(NamespaceDelegation)  # type: ignore[no-any-return]


def asking(id: str, namespace: str = PUBSUB, sender: str = ROMEO) -> Request:
    return request(f"<iq type='get' id='{id}'><pubsub xmlns='{namespace}'/></iq>", sender)


async def ask(clerk: NamespaceDelegation, id: str, namespace: str = PUBSUB) -> list[Any]:
    """What is routed when Romeo asks this."""
    divert = clerk.divert(asking(id, namespace))
    assert divert is not None
    return await effects(divert(asking(id, namespace)))


def refused(route: Route) -> tuple[str | None, ...]:
    error = tree(route.stanza)
    assert condition(route.stanza) == ("cancel", "service-unavailable")
    return error.get("from"), error.get("to"), error.get("id")


def unanswered(id: str) -> tuple[str, str, str]:
    return "romeo@example.org", ROMEO, id


async def test_too_many(clerk: NamespaceDelegation, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is answered, if not by the component."""
    monkeypatch.setattr(delegation, "ASKED", 2)
    clerk = world.module(NamespaceDelegation)
    assert [len(await ask(clerk, id)) for id in "12"] == [1, 1]
    error, route = await ask(clerk, "3")
    assert refused(error) == unanswered("1")
    assert tree(route.stanza).get("to") == CLERK


async def test_too_late(clerk: NamespaceDelegation, world: World) -> None:
    await ask(clerk, "1")
    world.clock.time += PATIENCE + 1
    error, _ = await ask(clerk, "2")
    assert refused(error) == unanswered("1")


def test_its_own_requests(clerk: NamespaceDelegation, world: World) -> None:
    """In a user's name too (XEP-0356), but not the user's own, nor what another component asks so."""
    romeo, nesting = "romeo@example.org", world.context.nesting
    id = nesting.id_for(CLERK, romeo)
    assert clerk.divert(asking(id, sender=CLERK)) is None
    assert clerk.divert(asking(id, sender=romeo)) is None
    assert clerk.divert(asking(nesting.id_for(OTHER, romeo), sender=romeo)) is not None
    assert clerk.divert(asking(id, sender=ROMEO)) is not None
    assert clerk.divert(asking("3", sender=romeo)) is not None


async def test_the_component_goes(clerk: NamespaceDelegation) -> None:
    """What it has answered, and what others have to answer, is not touched."""
    [asked] = [tree(each.stanza) for each in await ask(clerk, "1")]
    await ask(clerk, "2")
    await ask(clerk, "3", "urn:x")
    answer = request(f"<iq type='error' id='{asked.get('id')}'/>", CLERK, "example.org")
    assert [refused(each) for each in await effects(clerk.answered(answer))] == [unanswered("1")]
    assert await effects(clerk.answered(answer)) == []
    assert [refused(each) for each in await effects(clerk.disconnected(CLERK))] == [unanswered("2")]
    assert await effects(clerk.disconnected(CLERK)) == []
