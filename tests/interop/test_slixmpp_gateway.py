"""The life of a gateway's user (XEP-0100), with slixmpp's plugin for gateways as the component."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.component import configuration
from support.server import Server, running
from support.slix import WAIT, Client, Component

GATE, FRIEND = "gate.localhost", "juliet@gate.localhost"


@pytest.fixture
def place(tmp_path: Path, free_port: int) -> Iterator[Server]:
    with running(tmp_path, more=configuration(free_port, {GATE: ""})) as server:
        yield server


@pytest.fixture
async def gate(place: Server, free_port: int) -> AsyncIterator[Component]:
    component = Component(GATE, free_port, "xep_0030", "xep_0077", "xep_0100")
    component.keep("presence_unsubscribe", "presence_unsubscribed", "presence_unavailable", "presence_subscribed",
                   "presence_available")
    await component.log_in()
    yield component
    await component.log_out()


async def come(queues: Any, event: str, sender: str, to: str | None = None) -> Any:
    """The next one from there."""
    while True:
        stanza = await queues.next(event)
        if stanza["from"].bare == sender and to in (None, stanza["to"].bare):
            return stanza


async def subscriptions(romeo: Client) -> dict[str, str]:
    answer = await asyncio.wait_for(romeo.make_iq_get(queryxmlns="jabber:iq:roster").send(), WAIT)
    return {item.get("jid"): item.get("subscription") for item in answer.xml[0]}


async def register(romeo: Client) -> None:
    iq = romeo.make_iq_set(ito=GATE)
    iq["register"]["username"], iq["register"]["password"] = "romeo", "at the legacy service"
    await asyncio.wait_for(iq.send(), WAIT)


async def befriend(romeo: Client, contact: str) -> None:
    """Both subscriptions, and the contact's presence."""
    romeo.send_presence_subscription(pto=contact)
    await come(romeo, "presence_subscribed", contact)
    await come(romeo, "presence_available", contact)
    await come(romeo, "presence_subscribe", contact)
    romeo.send_presence_subscription(pto=contact, ptype="subscribed")


async def test_from_registration_to_its_end(place: Server, gate: Component) -> None:
    romeo = Client("romeo", place)
    for plugin in "xep_0030", "xep_0077":
        romeo.register_plugin(plugin)
    await romeo.log_in()
    info = await asyncio.wait_for(romeo.plugin["xep_0030"].get_info(jid=GATE), WAIT)
    assert ("gateway", "xmpp") in {identity[:2] for identity in info["disco_info"]["identities"]}

    await register(romeo)       # the gateway asks to see its user, and he to see it
    await come(romeo, "presence_subscribe", GATE)
    romeo.send_presence_subscription(pto=GATE, ptype="subscribed")
    await come(gate, "presence_subscribed", "romeo@localhost")
    romeo.send_presence_subscription(pto=GATE)
    await come(romeo, "presence_subscribed", GATE)
    await befriend(romeo, FRIEND)
    await come(gate, "presence_subscribed", "romeo@localhost", FRIEND)
    assert await subscriptions(romeo) == {GATE: "both", FRIEND: "both"}

    romeo.send_presence(pstatus="changed")      # he is seen through the roster, by the contact too
    gate.send_presence(pfrom=FRIEND, pto="romeo@localhost", pstatus="Art thou not Romeo?")
    while (await come(romeo, "presence_available", FRIEND))["status"] != "Art thou not Romeo?":
        pass

    second = "nurse@gate.localhost"     # one that leaves the roster is told so by the server
    await befriend(romeo, second)
    await come(gate, "presence_subscribed", "romeo@localhost", second)
    romeo.del_roster_item(second)
    for event in "presence_unsubscribe", "presence_unsubscribed", "presence_unavailable":
        await come(gate, event, "romeo@localhost", second)

    await asyncio.wait_for(romeo.plugin["xep_0077"].cancel_registration(jid=GATE), WAIT)
    for contact in GATE, FRIEND:        # what the gateway says of it (XEP-0100 4.3.1)
        for type in "unsubscribe", "unsubscribed", "unavailable":
            gate.send_presence(pfrom=contact, pto="romeo@localhost", ptype=type)
        await come(romeo, "presence_unavailable", contact)
    assert await subscriptions(romeo) == {GATE: "none", FRIEND: "none"}
    romeo.send_presence(pstatus="unseen")
    await asyncio.wait_for(romeo.plugin["xep_0030"].get_info(jid=GATE), WAIT)
    seen = [gate.queues["presence_available"].get_nowait()["status"]
            for _ in range(gate.queues["presence_available"].qsize())]
    assert "changed" in seen
    assert "unseen" not in seen
    await romeo.log_out()
