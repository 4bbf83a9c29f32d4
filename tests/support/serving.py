"""A Headrace server in a process of its own, as an operator runs it: configuration file, CLI, signals."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = [sys.executable, "-c", "from headrace.server.cli import main; main()"]
PATIENCE = 60  # seconds; only a server that hangs gets there

CONFIG = """
data = "var"
[[listener]]
kind = "c2s"
address = "127.0.0.1"
port = {port}
tls = "starttls"
[[host]]
name = "localhost"
"""


@dataclass(frozen=True)
class Server:
    port: int
    certificate: Path
    process: subprocess.Popen[bytes]
    log: Path


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def serving(folder: Path, users: Mapping[str, str]) -> Iterator[Server]:
    """Serves localhost from `folder` until the block ends; `users` are passwords by bare JID."""
    port, config, csv = free_port(), folder / "headrace.toml", folder / "users.csv"
    config.write_text(CONFIG.format(port=port))
    csv.write_text("".join(f"{jid},{password}\n" for jid, password in users.items()))
    subprocess.run([*PROGRAM, "user", "import", csv, "--config", config], check=True, timeout=PATIENCE)
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen([*PROGRAM, "serve", "--config", config], stdout=output, stderr=output,
                                   stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        wait_for_port(port, process, log)
        yield Server(port, folder / "var" / "certificates" / "localhost.crt", process, log)
    finally:
        stop(process)


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


def stop(process: subprocess.Popen[bytes]) -> int:
    """SIGTERM; SIGKILL for one that does not listen. Its exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
