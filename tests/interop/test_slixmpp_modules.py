"""What slixmpp's plugins make of the modules: rosters, discovery, ping, version, time, last activity."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError

from support.server import Server, running
from support.slix import WAIT, Queues

USERS = {f"{name}@localhost": "secret" for name in ("romeo", "juliet", "tybalt")}
PLUGINS = ("xep_0012", "xep_0030", "xep_0092", "xep_0199", "xep_0202", "xep_0203")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server"), users=USERS) as server:
        yield server


class Client(Queues, ClientXMPP):
    """Available, with its roster; keeps what comes in, by event."""

    def __init__(self, name: str, resource: str, server: Server) -> None:
        super().__init__(f"{name}@localhost/{resource}", "secret")
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        self.ca_certs = str(server.certificate)
        self.auto_authorize = None
        self.keep("message_error", "roster_update", "presence_subscribe", "presence_subscribed",
                  "presence_unsubscribed", "presence_available", "presence_unavailable")

    async def pushed(self) -> tuple[str, dict[str, Any]]:
        """(contact, item) of the next roster push."""
        [(jid, item)] = (await self.next("roster_update"))["roster"]["items"].items()
        return str(jid), item


class House:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.clients: list[Client] = []

    async def login(self, name: str, resource: str = "r") -> Client:
        client = Client(name, resource, self.server)
        self.clients.append(client)
        client.connect("127.0.0.1", self.server.starttls)
        await client.next("session_start")
        await asyncio.wait_for(client.get_roster(), WAIT)
        await client.next("roster_update")
        client.send_presence()
        await client.next("presence_available", client.boundjid.bare)
        return client


@pytest.fixture
async def house(server: Server) -> AsyncIterator[House]:
    house = House(server)
    yield house
    for client in house.clients:
        if client.is_connected():
            for contact in await contacts(client):
                await client.del_roster_item(contact)
            await client.log_out()


async def refused(answer: Any) -> str:
    with pytest.raises(IqError) as error:
        await asyncio.wait_for(answer, WAIT)
    return str(error.value.iq["error"]["condition"])


async def contacts(client: Client) -> Any:
    """Its roster as the server has it: all of it, not what has changed since it last looked (RFC 6121 2.6.2)."""
    client.client_roster.version = ""
    return (await asyncio.wait_for(client.get_roster(), WAIT))["roster"]["items"]


async def test_nothing_is_sent_of_a_roster_that_is_known(house: House) -> None:
    romeo = await house.login("romeo")
    assert romeo.client_roster.version
    await asyncio.wait_for(romeo.update_roster("juliet@localhost", name="Juliet"), WAIT)
    await romeo.pushed()
    answer = await asyncio.wait_for(romeo.get_roster(), WAIT)
    assert not answer.xml.findall("{jabber:iq:roster}query[@ver]")  # an empty result, to which slixmpp adds its own
    assert romeo.client_roster["juliet@localhost"]["name"] == "Juliet"


async def befriend(one: Client, other: Client) -> None:
    for asking, asked in ((one, other), (other, one)):
        asking.send_presence_subscription(pto=asked.boundjid.bare, ptype="subscribe")
        await asked.next("presence_subscribe", asking.boundjid.bare)
        asked.send_presence_subscription(pto=asking.boundjid.bare, ptype="subscribed")
        await asking.next("presence_available", asked.boundjid.bare)


async def test_roster_changes_reach_every_resource(house: House) -> None:
    one, two = await house.login("romeo", "one"), await house.login("romeo", "two")
    await asyncio.wait_for(one.update_roster("juliet@localhost", name="Juliet", groups=["Verona"]), WAIT)
    for client in (one, two):
        jid, item = await client.pushed()
        assert (jid, item["name"], item["groups"], item["subscription"]) == (
            "juliet@localhost", "Juliet", ["Verona"], "none")
    await asyncio.wait_for(two.del_roster_item("juliet@localhost"), WAIT)
    for client in (one, two):
        assert (await client.pushed())[1]["subscription"] == "remove"
    assert await refused(one.del_roster_item("juliet@localhost")) == "item-not-found"


async def test_removal_ends_what_both_saw(house: House) -> None:
    romeo, juliet = await house.login("romeo"), await house.login("juliet")
    await befriend(romeo, juliet)
    await asyncio.wait_for(romeo.del_roster_item("juliet@localhost"), WAIT)
    await romeo.next("presence_unavailable", "juliet@localhost")
    await juliet.next("presence_unsubscribed", "romeo@localhost")
    await juliet.next("presence_unavailable", "romeo@localhost")
    roster = await contacts(juliet)
    assert roster["romeo@localhost"]["subscription"] == "none"


async def test_request_waits_until_its_target_logs_in(house: House) -> None:
    romeo = await house.login("romeo")
    romeo.send_presence_subscription(pto="juliet@localhost", ptype="subscribe", pnick="Romeo")
    assert (await romeo.pushed())[1]["ask"] == "subscribe"
    juliet = await house.login("juliet")
    await juliet.next("presence_subscribe", "romeo@localhost")
    assert not await contacts(juliet)
    juliet.send_presence_subscription(pto="romeo@localhost", ptype="unsubscribed")
    await romeo.next("presence_unsubscribed", "juliet@localhost")


async def test_discovery(house: House) -> None:
    romeo, juliet = await house.login("romeo"), await house.login("juliet")
    ask = romeo.plugin["xep_0030"].get_info
    host = (await ask("localhost", timeout=WAIT))["disco_info"]
    assert ("server", "im", None, "Headrace") in host["identities"]
    assert {"http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items", "urn:xmpp:ping",
            "jabber:iq:version", "urn:xmpp:time", "jabber:iq:last", "msgoffline"} <= set(host["features"])
    assert not (await romeo.plugin["xep_0030"].get_items("localhost", timeout=WAIT))["disco_items"]["items"]
    own = (await ask("romeo@localhost", timeout=WAIT))["disco_info"]
    assert ("account", "registered", None, None) in own["identities"]
    assert await refused(ask("localhost", node="nothing", timeout=WAIT)) == "item-not-found"
    for stranger in ("juliet@localhost", "nobody@localhost"):
        assert await refused(ask(stranger, timeout=WAIT)) == "service-unavailable"
    await befriend(romeo, juliet)
    assert (await ask("juliet@localhost", timeout=WAIT))["disco_info"]["identities"] == own["identities"]


async def test_ping_version_time(house: House) -> None:
    romeo = await house.login("romeo")
    assert await romeo.plugin["xep_0199"].ping("localhost", timeout=WAIT) < WAIT
    assert await romeo.plugin["xep_0199"].ping("romeo@localhost", timeout=WAIT) < WAIT
    version = (await romeo.plugin["xep_0092"].get_version("localhost", timeout=WAIT))["software_version"]
    assert (version["name"], version["os"]) == ("Headrace", "")
    time = (await romeo.plugin["xep_0202"].get_entity_time("localhost", timeout=WAIT))["entity_time"]
    now = datetime.fromisoformat(time.xml.findtext("{urn:xmpp:time}utc"))  # slixmpp 1.17's own getters fail
    assert abs((datetime.now(UTC) - now).total_seconds()) < WAIT
    assert time.xml.findtext("{urn:xmpp:time}tzo") == "+00:00"


async def test_last_activity(house: House) -> None:
    romeo, juliet = await house.login("romeo"), await house.login("juliet")
    ask = romeo.plugin["xep_0012"].get_last_activity
    assert (await ask("localhost", timeout=WAIT))["last_activity"]["seconds"] >= 0
    for stranger in ("juliet@localhost", "nobody@localhost"):
        assert await refused(ask(stranger, timeout=WAIT)) == "forbidden"
    await befriend(romeo, juliet)
    assert (await ask("juliet@localhost", timeout=WAIT))["last_activity"]["seconds"] == 0
    await juliet.log_out()
    await romeo.next("presence_unavailable", "juliet@localhost")
    assert 0 <= (await ask("juliet@localhost", timeout=WAIT))["last_activity"]["seconds"] < 3600


async def test_missed_messages_come_once_to_one_resource(house: House) -> None:
    romeo = await house.login("romeo")
    for number in range(120):
        romeo.send_message(mto="tybalt@localhost", mbody=str(number), mtype="chat")
    romeo.send_message(mto="nobody@localhost", mbody="hello?", mtype="chat")
    error = await romeo.next("message_error")
    assert (error["from"].bare, error["error"]["condition"]) == ("nobody@localhost", "service-unavailable")
    one = await house.login("tybalt", "one")
    got = [await one.next("message") for _ in range(120)]
    assert [message["body"] for message in got] == [str(number) for number in range(120)]
    assert {str(message["from"]) for message in got} == {str(romeo.boundjid)}
    two = await house.login("tybalt", "two")
    await two.plugin["xep_0199"].ping("localhost", timeout=WAIT)
    romeo.send_message(mto=two.boundjid.full, mbody="live", mtype="chat")
    assert (await two.next("message"))["body"] == "live"
    assert one.queues["message"].empty()
