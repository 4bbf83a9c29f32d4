"""The control channel: a socket in the data folder, for its owner alone, by which commands reach a running server.

One request a connection: a line of JSON, `{"do": "delete", "jid": "romeo@localhost"}`, answered by one,
`{"done": true}` or `{"error": "..."}`. What a request does is headrace.modules.lifecycle's; `sessions` lists them.
Those about other servers are headrace.session.federation's.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from headrace.cluster.ports import Accounts
from headrace.modules.lifecycle import Lifecycle

NAME = "control"
PATIENCE = 60.0     # s for an answer: the deletion of an account tells each of its contacts


class ControlError(Exception):
    """What a running server says it cannot do."""


class ControlChannel:
    def __init__(self, folder: Path, life: Lifecycle, accounts: Accounts,
                 more: Mapping[str, Callable[..., Awaitable[object]]] | None = None) -> None:
        self._folder = folder
        self._requests: Mapping[str, Callable[..., Awaitable[object]]] = {
            "set_password": life.set_password, "delete": life.delete, "disable": life.disable, "enable": life.enable,
            "end": life.end, "sessions": accounts.online, **(more or {})}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Raises OSError."""
        listening = socket.socket(socket.AF_UNIX)
        (self._folder / NAME).unlink(missing_ok=True)      # of a server that was killed
        with short_name(self._folder) as name:
            listening.bind(name)
        (self._folder / NAME).chmod(0o600)                  # before anybody can connect
        self._server = await asyncio.start_unix_server(self._serve, sock=listening)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            (self._folder / NAME).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            writer.write(orjson.dumps(await self._answer(await reader.readline())) + b"\n")
            await writer.drain()

    async def _answer(self, line: bytes) -> dict[str, object]:
        try:
            asked = orjson.loads(line)
            do = self._requests[asked.pop("do")]
            return {"done": await do(**asked)}
        except Exception as error:  # whoever asks is told
            return {"error": str(error) or type(error).__name__}


class NotRunning(Exception):
    """No server listens there."""


def ask(folder: Path, do: str, **values: Any) -> Any:
    """What the server that runs on this data folder answers. Raises NotRunning, ControlError."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        try:
            with short_name(folder) as name:
                connection.connect(name)
        except (FileNotFoundError, ConnectionRefusedError):
            raise NotRunning from None
        connection.sendall(orjson.dumps({"do": do, **values}) + b"\n")
        answer = orjson.loads(connection.makefile("rb").readline())
    if "error" in answer:
        raise ControlError(answer["error"])
    return answer["done"]


@contextlib.contextmanager
def short_name(folder: Path) -> Iterator[str]:
    """The socket's name by way of a descriptor: the address of a Unix socket holds 107 bytes."""
    descriptor = os.open(folder, os.O_PATH)
    try:
        yield f"/proc/self/fd/{descriptor}/{NAME}"
    finally:
        os.close(descriptor)
