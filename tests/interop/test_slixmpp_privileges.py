"""What slixmpp's plugin for privileged entities (XEP-0356) makes of ours."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from slixmpp.exceptions import IqError
from slixmpp.xmlstream import ET

from support.component import configuration
from support.server import Server, running
from support.slix import WAIT, Client, Component

BOSS, SEER, GATE = "boss.localhost", "seer.localhost", "gate.localhost"
GRANTS = """
roster = "both"
message = "outgoing"
iq = {"urn:xmpp:ping" = "get"}
"""

SEES = """
roster = "get"
presence = "roster"
"""


@pytest.fixture
def place(tmp_path: Path, free_port: int) -> Iterator[Server]:
    with running(tmp_path, more=configuration(free_port, {BOSS: GRANTS, SEER: SEES, GATE: ""})) as server:
        yield server


@pytest.fixture
async def boss(place: Server, free_port: int) -> AsyncIterator[Component]:
    component = Component(BOSS, free_port, "xep_0356", "xep_0199")
    await component.log_in()
    await component.next("privileges_advertised")
    yield component
    await component.log_out()


async def test_what_the_plugin_does(place: Server, boss: Component) -> None:
    romeo, plugin = Client("romeo", place), boss.plugin["xep_0356"]
    await romeo.log_in()
    await asyncio.wait_for(plugin.set_roster(
        "romeo@localhost", {"nurse@localhost": {"name": "Nurse", "subscription": "none", "groups": ["Rivals"]}}), WAIT)
    roster = (await asyncio.wait_for(plugin.get_roster("romeo@localhost"), WAIT))["roster"]["items"]
    assert [(str(jid), item["name"], item["groups"]) for jid, item in roster.items()] == [
        ("nurse@localhost", "Nurse", ["Rivals"])]
    message = boss.make_message(romeo.boundjid, "as juliet", mfrom="juliet@localhost")
    message.xml.tag = "{jabber:client}message"
    for child in message.xml:
        child.tag = child.tag.replace("jabber:component:accept", "jabber:client")
    plugin.send_privileged_message(message)
    got = await romeo.next("message")
    assert (got["from"], got["body"]) == ("juliet@localhost", "as juliet")
    ping = boss.make_iq_get(ito="localhost", ifrom="romeo@localhost")
    ping.append(ET.Element("{urn:xmpp:ping}ping"))
    answer = await asyncio.wait_for(plugin.send_privileged_iq(ping), WAIT)
    assert (answer["type"], answer["from"], answer["to"]) == ("result", "localhost", "romeo@localhost")
    with pytest.raises(IqError) as refused:
        await asyncio.wait_for(plugin.get_roster("nobody@localhost"), WAIT)
    assert refused.value.iq.xml.find("*/{urn:ietf:params:xml:ns:xmpp-stanzas}item-not-found") is not None
    await romeo.log_out()


async def test_whom_users_see(place: Server, free_port: int) -> None:
    """One who is on a gateway, and both users, though they have not subscribed the component."""
    seer, gate = Component(SEER, free_port, "xep_0356"), Component(GATE, free_port)
    for component in (seer, gate):
        await component.log_in()
    await seer.next("privileges_advertised")
    assert seer.plugin["xep_0356"].granted_privileges["localhost"].presence == "roster"
    romeo, friend = Client("romeo", place), f"friend@{GATE}"
    await romeo.log_in()
    await seer.next("presence_available", romeo.boundjid.bare)
    romeo.send_presence_subscription(pto=friend, ptype="subscribe")
    await gate.next("presence_subscribe", romeo.boundjid.bare)
    gate.send_presence_subscription(pto=romeo.boundjid.bare, pfrom=friend, ptype="subscribed")
    await romeo.next("presence_subscribed", friend)
    gate.send_presence(pto=romeo.boundjid.bare, pfrom=f"{friend}/x", pstatus="here")
    assert (await romeo.next("presence_available", friend))["status"] == "here"
    assert (await seer.next("presence_available", friend))["status"] == "here"
    await romeo.log_out()
    await seer.next("presence_unavailable")
    gate.send_presence(pto=romeo.boundjid.bare, pfrom=f"{friend}/x", ptype="unavailable")
    assert (await seer.next("presence_unavailable"))["from"] == f"{friend}/x"
    for component in (seer, gate):
        await component.log_out()
