"""What slixmpp makes of archives: its plugins for XEP-0313, XEP-0059 and XEP-0441."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slixmpp import JID, ClientXMPP
from slixmpp.exceptions import IqError

from support.server import Server, running
from support.slix import WAIT, Queues
from support.twice import is_two

USERS = {f"{name}@localhost": "secret" for name in ("romeo", "juliet", "nurse")}
PLUGINS = ("xep_0030", "xep_0059", "xep_0297", "xep_0313", "xep_0359", "xep_0441")


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server"), users=USERS, twins=is_two(request)) as server:
        yield server


class Client(Queues, ClientXMPP):
    def __init__(self, name: str, server: Server) -> None:
        super().__init__(f"{name}@localhost/r", "secret")
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        self.ca_certs = str(server.certificate)
        self.keep("presence_available")

    async def bodies(self, **query: Any) -> list[str]:
        results = await asyncio.wait_for(self.plugin["xep_0313"].retrieve(**query), WAIT)
        return [message["mam_result"]["forwarded"]["stanza"]["body"] for message in results["mam"]["results"]]


@pytest.fixture
async def pair(server: Server) -> AsyncIterator[tuple[Client, Client]]:
    clients = Client("romeo", server), Client("juliet", server)
    for client in clients:
        client.connect("127.0.0.1", server.starttls)
        await client.next("session_start")
        client.send_presence()
        await client.next("presence_available")
    yield clients
    for client in clients:
        await client.log_out()


async def said(romeo: Client, juliet: Client, count: int, mark: str) -> None:
    for n in range(count):
        romeo.send_message(JID("juliet@localhost/r"), f"{mark}{n}", mtype="chat")
        while (await juliet.next("message"))["body"] != f"{mark}{n}":
            pass


async def test_archives(pair: tuple[Client, Client]) -> None:
    romeo, juliet = pair
    await said(romeo, juliet, 10, "a")
    with_romeo = await juliet.bodies(with_jid=JID("romeo@localhost"))
    assert with_romeo[-10:] == [f"a{n}" for n in range(10)]
    assert await juliet.bodies(with_jid=JID("nurse@localhost")) == []
    newest = [message["mam_result"]["forwarded"]["stanza"]["body"] async for message in
              juliet.plugin["xep_0313"].iterate(reverse=True, rsm={"max": 3}, total=5)]
    assert newest == ["a9", "a8", "a7", "a6", "a5"]
    now = datetime.now(UTC)
    assert await juliet.bodies(start=now + timedelta(hours=1)) == []
    assert (await juliet.bodies(start=now - timedelta(hours=1), end=now + timedelta(hours=1)))[-1] == "a9"
    # The plugin goes from page to page by itself.
    every = [message["mam_result"]["forwarded"]["stanza"]["body"]
             async for page in juliet.plugin["xep_0313"].retrieve(iterator=True, rsm={"max": 4})
             for message in page["mam"]["results"]]
    assert every[-10:] == [f"a{n}" for n in range(10)]


async def test_metadata_fields_and_features(pair: tuple[Client, Client]) -> None:
    romeo, juliet = pair
    await said(romeo, juliet, 2, "b")
    metadata = (await asyncio.wait_for(juliet.plugin["xep_0313"].get_archive_metadata(), WAIT))["mam_metadata"]
    assert len(metadata["end"]["id"]) == 32
    assert abs(metadata["end"]["timestamp"] - datetime.now(UTC)) < timedelta(minutes=1)
    form = await asyncio.wait_for(juliet.plugin["xep_0313"].get_fields(), WAIT)
    assert {"with", "start", "end", "before-id", "after-id", "ids"} <= set(form.get_fields())
    info = await asyncio.wait_for(juliet.plugin["xep_0030"].get_info(jid="juliet@localhost"), WAIT)
    assert {"urn:xmpp:mam:2", "urn:xmpp:mam:2#extended", "urn:xmpp:sid:0"} <= set(info["disco_info"]["features"])


async def test_others_archives_are_forbidden(pair: tuple[Client, Client]) -> None:
    romeo, _ = pair
    with pytest.raises(IqError) as refused:
        await romeo.bodies(jid=JID("juliet@localhost"))
    assert refused.value.condition == "forbidden"


async def test_preferences(pair: tuple[Client, Client]) -> None:
    romeo, juliet = pair
    before = len(await juliet.bodies(with_jid=JID("romeo@localhost")))
    plugin = juliet.plugin["xep_0441"]
    await asyncio.wait_for(plugin.set_preferences(default="never", always=[], never=[JID("nurse@localhost")]), WAIT)
    await said(romeo, juliet, 2, "c")
    assert len(await juliet.bodies(with_jid=JID("romeo@localhost"))) == before
    default, always, never = await asyncio.wait_for(plugin.get_preferences(), WAIT)
    assert (default, list(always), list(never)) == ("never", [], [JID("nurse@localhost")])
    await asyncio.wait_for(plugin.set_preferences(default="always", always=[], never=[]), WAIT)
