"""What slixmpp's plugins make of an account's life: blocking."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
from slixmpp.exceptions import IqError

from support.server import Server
from support.slix import WAIT, Client


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
        for plugin in ("xep_0030", "xep_0191"):
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
