"""Commands beside a running server reach its sessions too."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from headrace.cluster.ports import Online
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


class Home:
    """With one session."""

    async def online(self, host: str | None) -> list[Online]:
        return [Online("romeo@localhost/a", True, 3, "192.0.2.1", False, 0.5)] if host == "localhost" else []


async def test_channel(tmp_path: Path) -> None:
    """In a folder whose name is longer than the address of a socket may be."""
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    (folder / "control").touch()  # what a killed server leaves
    with pytest.raises(NotRunning):
        ask(folder, "delete", jid="romeo@localhost")
    channel = ControlChannel(folder, life := Life(), Home())  # type: ignore[arg-type]
    await channel.start()
    assert stat.S_IMODE((folder / "control").stat().st_mode) == 0o600
    assert await asyncio.to_thread(ask, folder, "delete", jid="romeo@localhost") is True
    assert await asyncio.to_thread(ask, folder, "delete", jid="nobody@localhost") is False
    assert life.asked == [("delete", "romeo@localhost"), ("delete", "nobody@localhost")]
    assert await asyncio.to_thread(ask, folder, "sessions", host="localhost") == [{
        "jid": "romeo@localhost/a", "available": True, "priority": 3, "address": "192.0.2.1", "tls": False,
        "silence": 0.5}]
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


def test_sessions(server: Server) -> None:
    """Listed for people and for programs, ended by account or one by one."""
    one, two = Client(server.plain), Client(server.plain)
    one.log_in("romeo", "montague", "one")
    two.log_in("romeo", "montague", "two / 2")
    two.send("<presence><priority>5</priority></presence>")
    two.sync()
    first, second = server.command("session", "list").stdout.splitlines()
    assert first.startswith("romeo@localhost/one  127.0.0.1  no TLS  no presence  silent ")
    assert second.startswith("romeo@localhost/two / 2  127.0.0.1  no TLS  priority 5  silent ")
    listed = [json.loads(line) for line in server.command("session", "list", "localhost", "--json").stdout.splitlines()]
    assert [(entry["jid"], entry["priority"]) for entry in listed] == [
        ("romeo@localhost/one", 0), ("romeo@localhost/two / 2", 5)]
    assert server.command("session", "list", "example.org").stdout == ""
    assert server.command("session", "end", "Romeo@LOCALHOST/one").stdout == "1 ended\n"
    assert one.stream_error() == "policy-violation"
    two.sync()
    assert server.command("session", "end", "romeo@localhost").stdout == "1 ended\n"
    assert two.stream_error() == "policy-violation"
    nothing = server.command("session", "end", "romeo@localhost")
    assert (nothing.returncode, nothing.stderr) == (1, "headrace: romeo@localhost has no session\n")
    for wrong, why in (("localhost", "write user@host"), ("@", "'@': ")):
        assert why in server.command("session", "end", wrong).stderr


def test_without_a_server(server: Server) -> None:
    server.terminate()
    assert server.command("session", "list").stderr == "headrace: no server runs on this data\n"
    assert server.command("user", "disable", "romeo@localhost").stdout == "romeo@localhost disabled\n"
    assert server.command("user", "enable", "romeo@localhost").stdout == "romeo@localhost enabled\n"
