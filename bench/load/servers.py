"""The servers under test: how each is configured, given its users, started on one core and ended."""

import os
import shutil
import signal
import socket
import string
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPARE = ROOT / "bench" / "compare"
PASSWORD = "secret"
START_SECONDS = 60
SERVER_CORE = 0
NO_BUSY_WAITING = ["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"]


@dataclass(frozen=True)
class Place:
    """Where one server runs: its own folder and port, and how many users (u0, u1, ...) it has."""

    folder: Path
    port: int
    users: int

    def write(self, template: str) -> Path:
        """One of bench/compare's configurations, filled in, with nothing beyond a plain router switched on."""
        target = self.folder / template
        text = string.Template((COMPARE / template).read_text())
        target.write_text(text.substitute(folder=self.folder, port=self.port, direct=free_port(), features="",
                                          components=""))
        return target


Command = tuple[list[str], dict[str, str]]


def headrace(place: Place) -> Command:
    config = place.write("headrace.toml")
    users = place.folder / "users.csv"
    users.write_text("".join(f"u{i}@localhost,{PASSWORD}\n" for i in range(place.users)))
    program = [sys.executable, "-c", "from headrace.server.cli import main; main()"]
    env = {"PYTHONPATH": str(ROOT / "src")}
    subprocess.run([*program, "user", "import", str(users), "--config", str(config)],
                   env={**os.environ, **env}, stdout=subprocess.DEVNULL, check=True)
    return [*program, "serve", "--config", str(config)], env


def ejabberd(place: Place) -> Command:
    config = place.write("ejabberd.yml")
    (place.folder / "both.pem").write_text((place.folder / "cert.pem").read_text()
                                           + (place.folder / "key.pem").read_text())
    register = (f'[ejabberd_auth:try_register(iolist_to_binary(["u", integer_to_list(I)]), <<"localhost">>, '
                f'<<"{PASSWORD}">>) || I <- lists:seq(0, {place.users - 1})].')
    machine = ["+K", "true", "+P", "250000", *NO_BUSY_WAITING, "-noinput", "-noshell"]
    start = ["-mnesia", "dir", f'"{place.folder}/mnesia"', "-s", "ejabberd", "-eval", register]
    env = {"EJABBERD_CONFIG_PATH": str(config), "EJABBERD_LOG_PATH": str(place.folder / "ejabberd.log"),
           "ERL_LIBS": "/usr/lib/x86_64-linux-gnu", "HOME": str(place.folder)}
    return ["erl", *machine, *start], env


def prosody(place: Place) -> Command:
    accounts = place.folder / "data" / "localhost" / "accounts"
    accounts.mkdir(parents=True)
    for i in range(place.users):
        (accounts / f"u{i}.dat").write_text(f'return {{ ["password"] = "{PASSWORD}"; }};\n')
    return ["prosody", "--config", str(place.write("prosody.cfg.lua")), "-F"], {}


SERVERS: dict[str, Callable[[Place], Command]] = {
    "headrace": headrace, "ejabberd": ejabberd, "prosody": prosody,
}


def make_certificate(folder: Path) -> None:
    command = ["openssl", "req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=localhost",
               "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(command, check=True, capture_output=True)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(START_SECONDS * 10):
        if process.poll() is not None:
            raise SystemExit(f"{process.args[3]} ended with {process.returncode}")
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"nothing listens on {port} after {START_SECONDS} s")


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue  # it has just ended
        parents.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


@contextmanager
def running(name: str, folder: Path, users: int, under: Sequence[str] = ()) -> Iterator[tuple[int, list[int]]]:
    """Starts a server on SERVER_CORE, perhaps under a tool like strace; gives its port and processes."""
    folder.mkdir(parents=True)
    make_certificate(folder)
    place = Place(folder, free_port(), users)
    command, env = SERVERS[name](place)
    if shutil.which(command[0]) is None:
        raise SystemExit(f"{command[0]} is not installed")
    command = ["taskset", "-c", str(SERVER_CORE), *under, *command]
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(command, env={**os.environ, **env}, stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=output, start_new_session=True)
    try:
        wait_until_it_listens(process, place.port)
        time.sleep(2)  # ejabberd registers its users after it listens
        yield place.port, tree(process.pid)
    finally:
        end(process, bool(under))


def end(process: subprocess.Popen[bytes], under_a_tool: bool) -> None:
    """SIGTERM to the server itself: a tool above it (valgrind is none: it becomes it) ends with it and then writes its
    report."""
    left = tree(process.pid)
    os.kill(left[1] if under_a_tool and len(left) > 1 else process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in left[1:]:  # what a killed parent leaves behind
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
