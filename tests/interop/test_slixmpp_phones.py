"""What slixmpp's plugins make of carbons, client states, push, and of payloads that only pass."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import repeat
from xml.etree.ElementTree import Element

import pytest
from slixmpp import ClientXMPP, Iq
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from support.component import configuration
from support.ports import unused_port
from support.server import Server, running
from support.slix import WAIT, Component, Queues

NAMES = ("romeo", "juliet", "push")
PLUGINS = ("xep_0030", "xep_0085", "xep_0184", "xep_0199", "xep_0280", "xep_0308", "xep_0333", "xep_0352", "xep_0444",
           "xep_0461")
SERVICE = "push.localhost"    # a component
PUSH, PUBSUB, DATA = "urn:xmpp:push:0", "http://jabber.org/protocol/pubsub", "jabber:x:data"


@pytest.fixture(scope="module")
def port() -> int:
    """Of components."""
    return unused_port()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Server]:
    users = {f"{name}@localhost": "secret" for name in NAMES}
    with running(tmp_path_factory.mktemp("server"), users=users, more=configuration(port, {SERVICE: ""})) as server:
        yield server


class Client(Queues, ClientXMPP):
    def __init__(self, name: str, resource: str, server: Server) -> None:
        super().__init__(f"{name}@localhost/{resource}", "secret")
        self.running = server
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        self.ca_certs = str(server.certificate)
        self.keep("sm_enabled", "session_resumed")
        self.keep("carbon_received", "carbon_sent", "receipt_received", "presence_available", "published")

    async def log_in(self) -> "Client":
        self.connect("127.0.0.1", self.running.starttls)
        await self.next("session_start")
        self.send_presence()
        while (await self.next("presence_available"))["from"] != self.boundjid:
            pass
        return self

    async def sync(self) -> None:
        await asyncio.wait_for(self.plugin["xep_0199"].send_ping("localhost"), WAIT)


class House:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.clients: list[Client] = []

    async def login(self, name: str, resource: str) -> Client:
        self.clients.append(client := Client(name, resource, self.server))
        return await client.log_in()


@pytest.fixture
async def house(server: Server) -> AsyncIterator[House]:
    house = House(server)
    yield house
    for client in house.clients:
        if client.is_connected():
            await client.log_out()


async def test_carbons(house: House) -> None:
    desk, phone = await house.login("romeo", "desk"), await house.login("romeo", "phone")
    juliet = await house.login("juliet", "r")
    await asyncio.wait_for(phone.plugin["xep_0280"].enable(), WAIT)
    juliet.send_message(mto=desk.boundjid, mbody="to the desk")
    assert (await desk.next("message"))["body"] == "to the desk"
    copy = await phone.next("carbon_received")
    assert (copy["carbon_received"]["body"], copy["carbon_received"]["from"]) == ("to the desk", juliet.boundjid)
    desk.send_message(mto="juliet@localhost", mbody="from the desk")
    copy = await phone.next("carbon_sent")
    assert (copy["carbon_sent"]["body"], copy["carbon_sent"]["to"]) == ("from the desk", "juliet@localhost")
    assert (await juliet.next("message"))["body"] == "from the desk"
    await asyncio.wait_for(phone.plugin["xep_0280"].disable(), WAIT)
    juliet.send_message(mto=desk.boundjid, mbody="again")
    await desk.next("message")
    await phone.sync()
    assert phone.queues["carbon_received"].empty()


async def test_client_state(house: House) -> None:
    desk, phone = await house.login("romeo", "desk"), await house.login("romeo", "phone")
    phone.plugin["xep_0352"].send_inactive()
    await phone.sync()
    while not phone.queues["presence_available"].empty():
        await phone.next("presence_available")
    for status in ("1", "2", "3"):
        desk.send_presence(pstatus=status)
    await desk.sync()
    assert phone.queues["presence_available"].empty()
    phone.plugin["xep_0352"].send_active()
    assert (await phone.next("presence_available"))["status"] == "3"
    await phone.sync()
    assert phone.queues["presence_available"].empty()


async def test_payloads_that_only_pass(house: House) -> None:
    """XEP-0184, 0333, 0085, 0308, 0444 and 0461, as slixmpp writes them and reads them, copied and to inactive ones."""
    desk, phone = await house.login("romeo", "desk"), await house.login("romeo", "phone")
    juliet = await house.login("juliet", "r")
    await asyncio.wait_for(phone.plugin["xep_0280"].enable(), WAIT)
    phone.plugin["xep_0352"].send_inactive()
    juliet.plugin["xep_0184"].auto_request = True
    juliet.send_message(mto=desk.boundjid, mbody="receipt, please")
    assert (await desk.next("message"))["request_receipt"]
    assert (await juliet.next("receipt_received"))["from"] == desk.boundjid
    message = juliet.make_message(desk.boundjid, "corrected", mtype="chat")
    message["replace"]["id"], message["chat_state"], message["id"] = "1", "active", "2"
    message["reply"]["to"], message["reply"]["id"] = str(desk.boundjid), "0"
    message.enable("markable")
    message["reactions"].set_values({"\U0001F44B"})
    message["reactions"]["id"] = "0"
    message.send()
    await phone.next("carbon_received")     # the first one
    for got in (await desk.next("message"), (await phone.next("carbon_received"))["carbon_received"]):
        assert (got["replace"]["id"], got["chat_state"], got["reply"]["id"]) == ("1", "active", "0")
        assert got.get_plugin("markable", check=True) is not None
        assert (got["reactions"]["id"], got["reactions"]["values"]) == ("0", {"\U0001F44B"})


# Push.

def serve(client: Client | Component, refusals: Iterable[str] = ()) -> None:
    """The client is a push service: it takes what is published, or answers with these conditions first."""
    waiting = iter(refusals)

    def published(iq: Iq) -> None:
        answer = iq.reply()
        condition = next(waiting, None)
        if condition is not None:
            answer.error()
            answer["error"]["condition"] = condition
        answer.send()
        client.event("published", iq)

    client.register_handler(
        Callback("published", MatchXPath(f"{{{client.default_ns}}}iq/{{{PUBSUB}}}pubsub"), published))


async def ask(client: Client, name: str, **attributes: str) -> None:
    iq = client.make_iq_set()
    iq.append(Element(f"{{{PUSH}}}{name}", attributes))
    await asyncio.wait_for(iq.send(), WAIT)


async def message_count(service: Client | Component, node: str) -> str | None:
    iq = (await service.next("published")).xml
    assert (iq.get("from"), iq.find(f"{{{PUBSUB}}}pubsub/{{{PUBSUB}}}publish").get("node")) == ("localhost", node)
    form, = iq.iter(f"{{{DATA}}}x")
    values = {field.get("var"): field.findtext(f"{{{DATA}}}value") for field in form}
    assert values.keys() == {"FORM_TYPE", "message-count"}
    return values["message-count"]  # type: ignore[no-any-return]


async def test_push(house: House) -> None:
    """Told of what comes while nobody is here; not of what is seen; no more once it is disabled."""
    service = await house.login("push", "service")
    serve(service)
    juliet, phone = await house.login("juliet", "r"), await house.login("romeo", "phone")
    info = await asyncio.wait_for(phone.plugin["xep_0030"].get_info(jid="romeo@localhost"), WAIT)
    assert PUSH in info["disco_info"]["features"]
    await ask(phone, "enable", jid=service.boundjid.full, node="n")
    juliet.send_message(mto="romeo@localhost", mbody="seen")
    await phone.next("message")
    await phone.log_out()
    for count in ("1", "2"):
        juliet.send_message(mto="romeo@localhost", mbody="missed")
        assert await message_count(service, "n") == count
    juliet.send_message(mto="romeo@localhost", mbody=None, mtype="chat")
    phone = await house.login("romeo", "phone")
    assert [(await phone.next("message"))["body"] for _ in range(2)] == ["missed"] * 2
    await ask(phone, "disable", jid=service.boundjid.full)
    await phone.log_out()
    juliet.send_message(mto="romeo@localhost", mbody="missed")
    await juliet.sync()
    await service.sync()
    assert service.queues["published"].empty()


async def test_push_service_that_wants_no_more(house: House) -> None:
    service = await house.login("push", "unwilling")
    serve(service, repeat("item-not-found"))
    juliet, phone = await house.login("juliet", "r"), await house.login("romeo", "phone")
    await ask(phone, "enable", jid=service.boundjid.full, node="n")
    await phone.log_out()
    for _ in range(10):         # the first few may be under way before the refusal is stored
        juliet.send_message(mto="romeo@localhost", mbody="missed")
        await juliet.sync()
        await service.sync()
    assert 1 <= service.queues["published"].qsize() <= 5


async def test_push_service_that_is_a_component(house: House, port: int) -> None:
    """What passes by itself costs it nothing; once it wants no more it is not asked again, until a client says so."""
    service = Component(SERVICE, port)
    serve(service, ("resource-constraint", "item-not-found"))
    await service.log_in()
    romeo, phone = await house.login("romeo", "r"), await house.login("juliet", "phone")
    await ask(phone, "enable", jid=SERVICE, node="n")
    await phone.log_out()
    for count in ("1", "2"):
        romeo.send_message(mto="juliet@localhost", mbody="missed")
        assert await message_count(service, "n") == count
    for _ in range(6):          # the first few may be under way before the refusal is stored
        romeo.send_message(mto="juliet@localhost", mbody="missed")
        await romeo.sync()
    assert service.queues["published"].qsize() <= 4
    phone = await house.login("juliet", "phone")
    for _ in range(8):
        await phone.next("message")
    await ask(phone, "enable", jid=SERVICE, node="m")
    await phone.log_out()
    while not service.queues["published"].empty():
        service.queues["published"].get_nowait()
    romeo.send_message(mto="juliet@localhost", mbody="missed")
    assert await message_count(service, "m") == "1"
    await service.log_out()


async def test_push_to_who_has_lost_its_connection(house: House, port: int) -> None:
    """Its session goes on (XEP-0198), and its own service is told of the first message that it holds, once a loss; of
    nothing once it is back."""
    service = Component(SERVICE, port)
    serve(service)
    await service.log_in()
    romeo, phone = await house.login("romeo", "r"), Client("juliet", "lost", house.server)
    phone.register_plugin("xep_0198")
    house.clients.append(phone)
    await phone.log_in()
    await phone.next("sm_enabled")
    await ask(phone, "enable", jid=SERVICE, node="lost")
    romeo.send_message(mto="juliet@localhost", mbody="here")
    while (await phone.next("message"))["body"] != "here":     # it may have missed something before
        pass
    for turn in range(2):
        phone.transport.abort()
        await phone.next("disconnected")
        await romeo.sync()
        said = [f"{turn} {what}" for what in ("first", "second", "seen")]
        for body in said[:2]:
            romeo.send_message(mto="juliet@localhost", mbody=body)
        assert await message_count(service, "lost") == "1"
        phone.connect("127.0.0.1", house.server.starttls)
        await phone.next("session_resumed")
        romeo.send_message(mto="juliet@localhost", mbody=said[2])
        assert [(await phone.next("message"))["body"] for _ in said] == said
    await romeo.sync()
    await ask(phone, "disable", jid=SERVICE, node="lost")
    assert service.queues["published"].empty()
    await service.log_out()
