"""A file through the proxy (XEP-0065), as slixmpp's plugin finds and uses it, in both directions."""

import asyncio
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from support.ports import unused_port
from support.server import Server, running
from support.slix import WAIT, Client, subscribe

PROXY = """
[[proxy]]
domain = "proxy.localhost"
address = "127.0.0.1"
port = {port}
"""
FILES = [bytes((i * 7 + i // 256) % 256 for i in range(1_000_000)) * 3, b"\x05\x01\x00" * 400_000]


async def login(name: str, server: Server) -> Client:
    client = Client(name, server)
    client.register_plugin("xep_0030")
    client.register_plugin("xep_0065", {"auto_accept": True})
    client.keep("socks5_stream", "socks5_data", "socks5_closed")
    await client.log_in()
    return client


async def send(connection: Any, data: bytes) -> None:
    for at in range(0, len(data), 50_000):
        await asyncio.wait_for(connection.write(data[at:at + 50_000]), WAIT)


async def receive(client: Client, size: int) -> bytes:
    got = b""
    while len(got) < size:
        got += await client.next("socks5_data")
    return got


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path, more=PROXY.format(port=unused_port())) as server:
        yield server


async def test_files_both_ways(place: Server) -> None:
    romeo, juliet = await login("romeo", place), await login("juliet", place)
    await subscribe(romeo, juliet)
    await subscribe(juliet, romeo)
    ours = await asyncio.wait_for(romeo.plugin["xep_0065"].handshake(juliet.boundjid), WAIT)
    theirs = await juliet.next("socks5_stream")
    for data, sender, receiver in zip(FILES, (ours, theirs), (juliet, romeo), strict=True):
        got, _ = await asyncio.gather(receive(receiver, len(data)), send(sender, data))
        assert sha256(got).digest() == sha256(data).digest()
    ours.transport.close()
    await juliet.next("socks5_closed")
    for client in romeo, juliet:
        await client.log_out()
    total = sum(map(len, FILES))
    assert [line["bytes"] for line in place.log if line["event"] == "bytestream ended"] == [total]
