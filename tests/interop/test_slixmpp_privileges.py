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

BOSS = "boss.localhost"
GRANTS = """
roster = "both"
message = "outgoing"
iq = {"urn:xmpp:ping" = "get"}
"""


@pytest.fixture
def place(tmp_path: Path, free_port: int) -> Iterator[Server]:
    with running(tmp_path, more=configuration(free_port, {BOSS: GRANTS})) as server:
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
