"""What slixmpp's plugins make of an account's life: blocking, registration, administration, what is kept for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import Any

import pytest
from slixmpp.exceptions import IqError
from slixmpp.xmlstream import ElementBase

from support.server import USERS, Server, running
from support.slix import WAIT, Client

PLUGINS = ("xep_0004", "xep_0030", "xep_0049", "xep_0050", "xep_0054", "xep_0077", "xep_0133", "xep_0191")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Romeo administers it, and strangers can register."""
    with running(tmp_path, more="admins = ['romeo@localhost']\nregistration = true") as server:
        yield server


async def soon(answer: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(answer, WAIT)


async def refused(answer: Awaitable[Any]) -> str:
    with pytest.raises(IqError) as error:
        await soon(answer)
    return str(error.value.iq["error"]["condition"])


@pytest.fixture
async def pair(server: Server) -> AsyncIterator[tuple[Client, Client]]:
    """Romeo and Juliet, online."""
    clients = Client("romeo", server), Client("juliet", server)
    for client in clients:
        for plugin in PLUGINS:
            client.register_plugin(plugin)
        await client.log_in()
    yield clients
    for client in clients:
        if client.is_connected():
            await client.log_out()


async def test_blocking(pair: tuple[Client, Client]) -> None:
    romeo, juliet = pair
    plugin = romeo.plugin["xep_0191"]
    pushed: asyncio.Queue[Any] = asyncio.Queue()
    romeo.add_event_handler("blocked", pushed.put_nowait)
    assert not (await soon(plugin.get_blocked()))["blocklist"]["items"]
    await soon(plugin.block(juliet.boundjid.bare))
    answer, push = await soon(plugin.get_blocked()), await soon(pushed.get())
    for items in (answer["blocklist"]["items"], push["block"]["items"]):
        assert [str(item["jid"]) for item in items] == ["juliet@localhost"]
    assert await refused(juliet.plugin["xep_0199"].send_ping(romeo.boundjid.full, timeout=WAIT)) == (
        "service-unavailable")
    await soon(plugin.unblock(juliet.boundjid.bare))
    assert not (await soon(plugin.get_blocked()))["blocklist"]["items"]


async def test_new_password_and_removal(pair: tuple[Client, Client], server: Server) -> None:
    _, juliet = pair
    on_file = (await soon(juliet.plugin["xep_0077"].get_registration()))["register"]
    assert (on_file["registered"], on_file["username"]) == (True, "juliet")
    await soon(juliet.plugin["xep_0077"].change_password("new"))
    again = Client("juliet", server, "new")
    again.register_plugin("xep_0077")
    await again.log_in()  # in the place of the first
    await soon(again.plugin["xep_0077"].cancel_registration())
    assert (await again.next("stream_error"))["condition"] == "not-authorized"
    assert server.command("user", "list").stdout.split() == ["romeo@localhost"]


async def execute(client: Client, name: str, values: dict[str, Any]) -> Any:
    """Runs an administrator's command with a form filled in; the last answer."""
    answers: asyncio.Queue[Any] = asyncio.Queue()
    session = {"next": lambda iq, session: answers.put_nowait((iq, session))}
    getattr(client.plugin["xep_0133"], name)(session=session)
    iq, session = await soon(answers.get())
    form = iq["command"]["form"]
    form["type"] = "submit"
    form["values"] = values
    session["payload"] = [form]
    client.plugin["xep_0050"].complete_command(session)
    return (await soon(answers.get()))[0]


async def test_administration(pair: tuple[Client, Client], server: Server) -> None:
    romeo, juliet = pair
    items = (await soon(romeo.plugin["xep_0133"].get_commands()))["disco_items"]["items"]
    assert ("localhost", "http://jabber.org/protocol/admin#add-user", "Add a user") in items
    added = await execute(romeo, "add_user", {"accountjid": "nurse@localhost", "password": "p", "password-verify": "p"})
    assert added["command"]["status"] == "completed"
    assert server.command("user", "list").stdout.split() == sorted([*USERS, "nurse@localhost"])
    told = (await execute(romeo, "user_stats", {"accountjid": "juliet@localhost"}))["command"]["form"].get_values()
    assert (told["rostersize"], told["onlineresources"]) == ("0", "slixmpp")
    await execute(romeo, "end_user_session", {"accountjids": ["juliet@localhost"]})
    assert (await juliet.next("stream_error"))["condition"] == "policy-violation"


class Note(ElementBase):
    name, namespace, plugin_attrib = "note", "urn:example:note", "note"
    interfaces = frozenset({"text"})
    sub_interfaces = interfaces


async def test_what_is_kept(pair: tuple[Client, Client]) -> None:
    romeo, juliet = pair
    private, vcards = romeo.plugin["xep_0049"], romeo.plugin["xep_0054"]
    private.register(Note)
    note = Note()
    note["text"] = "tear <wet"
    await soon(private.store(note))
    assert (await soon(private.retrieve("note")))["private"]["note"]["text"] == "tear <wet"
    card = vcards.make_vcard()
    card["FN"] = "Romeo Montague"
    await soon(vcards.publish_vcard(card))
    got = await soon(juliet.plugin["xep_0054"].get_vcard("romeo@localhost"))
    assert got["vcard_temp"]["FN"] == "Romeo Montague"


async def test_sign_up(server: Server) -> None:
    """Its plugin registers the account that it then logs in with, on the same stream."""
    bill = Client("bill", server, "Calliope")
    bill.register_plugin("xep_0077")

    async def fill_in(form: Any) -> None:
        assert {"username", "password"} <= form["register"]["fields"]
        request = bill.Iq()
        request["type"] = "set"
        request["register"]["username"], request["register"]["password"] = "bill", "Calliope"
        await soon(request.send())

    bill.add_event_handler("register", fill_in)
    await bill.log_in()
    assert bill.boundjid.bare == "bill@localhost"
    assert "bill@localhost" in server.command("user", "list", "localhost").stdout.splitlines()
    await bill.log_out()
