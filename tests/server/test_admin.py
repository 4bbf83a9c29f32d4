"""Commands beside a running server reach its sessions too."""

import asyncio
import stat
from pathlib import Path
from typing import Any

import pytest

from headrace.server.admin import ControlChannel, ControlError, NotRunning, ask
from support.rawclient import Client
from support.server import Server


class Life:
    """Writes down what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    async def delete(self, jid: str) -> bool:
        self.asked.append(("delete", jid))
        return jid == "romeo@localhost"

    async def set_password(self, jid: str, password: str) -> bool:
        raise ValueError("a password must not be empty")

    disable = enable = end = delete


async def test_channel(tmp_path: Path) -> None:
    """In a folder whose name is longer than the address of a socket may be."""
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    (folder / "control").touch()  # what a killed server leaves
    with pytest.raises(NotRunning):
        ask(folder, "delete", jid="romeo@localhost")
    channel = ControlChannel(folder, life := Life())  # type: ignore[arg-type]
    await channel.start()
    assert stat.S_IMODE((folder / "control").stat().st_mode) == 0o600
    assert await asyncio.to_thread(ask, folder, "delete", jid="romeo@localhost") is True
    assert await asyncio.to_thread(ask, folder, "delete", jid="nobody@localhost") is False
    assert life.asked == [("delete", "romeo@localhost"), ("delete", "nobody@localhost")]
    with pytest.raises(ControlError, match="must not be empty"):
        await asyncio.to_thread(ask, folder, "set_password", jid="romeo@localhost", password="")
    for wrong in ({"do": "rule"}, {"do": "delete"}):
        with pytest.raises(ControlError):
            await asyncio.to_thread(lambda wrong=wrong: ask(folder, **wrong))
    channel.close()
    with pytest.raises(NotRunning):
        ask(folder, "delete", jid="romeo@localhost")


def client(server: Server, password: str) -> Client:
    client = Client(server.plain)
    client.log_in("romeo", password)
    return client


def test_commands_end_sessions(server: Server) -> None:
    one = client(server, "montague")
    assert server.command("user", "passwd", "romeo@localhost", "--stdin", input="new\n").returncode == 0
    assert one.stream_error() == "reset"
    one = client(server, "new")
    assert server.command("user", "disable", "romeo@localhost").returncode == 0
    assert one.stream_error() == "policy-violation"
    refused = Client(server.plain)
    refused.open()
    assert refused.plain("romeo", "new")[0].tag.endswith("}account-disabled")
    assert refused.plain("romeo", "wrong")[0].tag.endswith("}not-authorized")
    assert server.command("user", "enable", "romeo@localhost").returncode == 0
    one = client(server, "new")
    assert server.command("user", "delete", "romeo@localhost", "--yes").returncode == 0
    assert one.stream_error() == "not-authorized"
    assert "there is no account" in server.command("user", "disable", "romeo@localhost").stderr


def test_without_a_server(server: Server) -> None:
    server.terminate()
    assert server.command("user", "disable", "romeo@localhost").stdout == "romeo@localhost disabled\n"
    assert server.command("user", "enable", "romeo@localhost").stdout == "romeo@localhost enabled\n"
