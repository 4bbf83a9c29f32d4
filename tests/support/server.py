"""A real server for tests: `headrace serve` in a process of its own, on ports of the kernel's choice.

    with running(tmp_path, users={"romeo@localhost": "secret"}) as server:
        ... connect to ("127.0.0.1", server.starttls), server.direct or server.plain ...
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headrace import core
from headrace.sasl.credentials import MIN_ITERATIONS, make
from headrace.server.config import Config, load
from headrace.server.data import open_storage
from support.rawclient import Client

USERS = {"romeo@localhost": "montague", "juliet@localhost": "capulet"}
PATIENCE = 30.0     # s; a bound for what takes well under one

CONFIG = """
data = "var"
iterations = {iterations}
{top}
[log]
format = "json"
{listeners}
[[host]]
name = "localhost"
{more}
"""
LISTENER = """
[[listener]]
kind = "c2s"
address = "127.0.0.1"
port = 0
tls = "{tls}"
"""


class Server:
    """A running server. Ports are on 127.0.0.1."""

    def __init__(self, folder: Path, fragile: str = "", *, twins: bool = False) -> None:
        self.folder = folder
        self.database = folder / "var" / "headrace.db"
        self.certificate = folder / "var" / "certificates" / "localhost.crt"
        self.starttls = self.direct = self.plain = 0    # plain: login with or without TLS
        self.carried = 0    # messages that two workers have told one another, when it last settled
        self.log_file = folder / "log"
        with self.log_file.open("wb") as log:
            pipe = subprocess.PIPE if twins else None
            self.process = subprocess.Popen(
                [*(FRAGILE if fragile else TWINS if twins else COMMAND), "serve", "--config",
                 str(folder / "headrace.toml")], stderr=log, stdin=pipe, stdout=pipe,
                env={**environment(), "FRAGILE": fragile})
        self._wait_for_ports()

    @property
    def log(self) -> list[dict[str, Any]]:
        """What it has logged so far; a line that is not JSON (a traceback) comes as {"event": line}."""
        whole, _, _ = self.log_file.read_text().rpartition("\n")    # the last one may be half written
        return [json.loads(line) if line.startswith("{") else {"event": line} for line in whole.splitlines()]

    @property
    def complaints(self) -> list[dict[str, Any]]:
        """What of it is worse than a warning."""
        return [entry for entry in self.log if entry.get("level") not in ("debug", "info", "warning")]

    def client(self, user: str, resource: str = "r") -> Client:
        """One of USERS, logged in and bound."""
        client = Client(self.plain, settle=self.settle)
        client.log_in(user, USERS[f"{user}@localhost"], resource)
        return client

    def command(self, *args: str, input: str = "") -> subprocess.CompletedProcess[str]:
        """`headrace ... --config` beside it."""
        return headrace(*args, "--config", str(self.folder / "headrace.toml"), input=input)

    def settle(self) -> bool:
        """Of two workers: waits until nothing is under way between them. Of one: that is so, False."""
        if self.process.stdin is None or self.process.stdout is None:
            return False
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the server has ended"
        self.carried = int(answer)
        return True

    def terminate(self) -> int:
        """SIGTERM; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _wait_for_ports(self) -> None:
        """All of them: those for components, servers and proxies come last."""
        names = {"starttls": "starttls", "direct": "direct", "optional": "plain"}
        config = load(self.folder / "headrace.toml")
        deadline, listening = time.monotonic() + PATIENCE, list[dict[str, Any]]()
        while len(listening) < len(config.listeners) + len(config.proxies):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the server did not start:\n{self.log_file.read_text()}")
            time.sleep(0.01)
            listening = [entry for entry in self.log if entry["event"] == "listening"]
        for entry in listening:
            if entry["kind"] == "c2s":
                setattr(self, names[entry["tls"]], entry["port"])


COMMAND = [sys.executable, "-m", "headrace.server"]
FRAGILE = [sys.executable, str(Path(__file__).with_name("fragile.py"))]
TWINS = [sys.executable, str(Path(__file__).with_name("twins.py"))]


def environment() -> dict[str, str]:
    """The same headrace as this process has, also in a build of its own."""
    return {**os.environ, "PYTHONPATH": str(Path(core.__file__).parents[2])}


def headrace(*args: str, input: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    return subprocess.run([*COMMAND, *args], input=input, capture_output=True, text=True, env=environment(), cwd=cwd,
                          timeout=PATIENCE, check=False)


@contextmanager
def running(folder: Path, *, users: Mapping[str, str] = USERS, top: str = "", more: str = "",
            fragile: str = "", twins: bool = False) -> Iterator[Server]:
    """A server with its data in `folder` (kept from an earlier one there), for as long as the block takes.

    users: password by JID. top, more: TOML for the head and the end of the configuration. fragile: when it dies
    (support/fragile.py). twins: two workers (support/twins.py)."""
    listeners = "".join(LISTENER.format(tls=tls) for tls in ("starttls", "direct", "optional"))
    (folder / "headrace.toml").write_text(
        CONFIG.format(iterations=MIN_ITERATIONS, top=top, listeners=listeners, more=more))
    asyncio.run(add_users(load(folder / "headrace.toml"), users))
    server = Server(folder, fragile, twins=twins)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


async def add_users(config: Config, users: Mapping[str, str]) -> None:
    """Those that don't exist yet; keys are derived once per password, and cheaply."""
    credentials = {password: make(password, iterations=MIN_ITERATIONS) for password in set(users.values())}
    storage = await open_storage(config)
    await storage.accounts.create_many([(jid, credentials[password]) for jid, password in users.items()])
    await storage.close()
