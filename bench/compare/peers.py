"""The servers under test: how each is configured, given its users (u0, u1, ...), started on one core and ended."""

import os
import random
import shutil
import signal
import socket
import string
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from headrace import core
from headrace.bench.process import tree

HERE = Path(__file__).resolve().parent
PASSWORD = "secret"
START_SECONDS = 300     # ejabberd derives the keys of a thousand users
SERVER_CORE = 0
FEATURES = ("sm", "carbons", "csi", "archive", "muc", "register")
NO_BUSY_WAITING = ["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"]

PROSODY = {"sm": "smacks", "carbons": "carbons", "csi": "csi_simple", "archive": "mam", "register": "register_ibr"}
PROSODY_ROOMS = 'Component "conference.localhost" "muc"'
EJABBERD = {
    "sm": "mod_stream_mgmt: {}", "carbons": "mod_carboncopy: {}", "csi": "mod_client_state: {}",
    "archive": "mod_mam: {default: always}",
    "muc": "mod_muc: {max_users: 5000, default_room_options: {max_users: 5000}}",   # a room's own bound is 200
    "register": "mod_register: {ip_access: all}",
}


class StartError(Exception):
    """A server did not start; the text says why."""


@dataclass(frozen=True)
class Place:
    """Where one server runs: its own folder and ports, how many users it has, and which features are on."""

    folder: Path
    port: int           # plain, STARTTLS offered
    direct: int         # direct TLS
    users: int
    features: Collection[str]

    def write(self, template: str, **values: str) -> Path:
        """One of the configurations beside this file, filled in."""
        target = self.folder / template
        text = string.Template((HERE / template).read_text())
        target.write_text(text.substitute(folder=self.folder, port=self.port, direct=self.direct, **values))
        return target


@dataclass(frozen=True)
class Running:
    port: int
    direct: int
    pid: int            # of the first process
    folder: Path


Command = tuple[list[str], dict[str, str]]


def headrace(place: Place) -> Command:
    config = place.write("headrace.toml", archive="always" if "archive" in place.features else "never",
                         registration="true" if "register" in place.features else "false")
    users = place.folder / "users.csv"
    users.write_text("".join(f"u{i}@localhost,{PASSWORD}\n" for i in range(place.users)))
    program = [sys.executable, "-m", "headrace.server"]
    env = {"PYTHONPATH": str(Path(core.__file__).parents[2])}       # the same headrace as this process has
    if place.users:
        subprocess.run([*program, "user", "import", str(users), "--config", str(config)],
                       env={**os.environ, **env}, stdout=subprocess.DEVNULL, check=True)
    return [*program, "serve", "--config", str(config)], env


def ejabberd(place: Place) -> Command:
    lines = "".join(f"  {EJABBERD[name]}\n" for name in place.features if name in EJABBERD)
    config = place.write("ejabberd.yml", features=lines)
    (place.folder / "both.pem").write_text((place.folder / "cert.pem").read_text()
                                           + (place.folder / "key.pem").read_text())
    ready = f'file:write_file("{place.folder}/ready", <<>>)'
    register = (f'[ejabberd_auth:try_register(iolist_to_binary(["u", integer_to_list(I)]), <<"localhost">>, '
                f'<<"{PASSWORD}">>) || I <- lists:seq(0, {place.users - 1})], {ready}.')
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
    modules = ", ".join(f'"{PROSODY[name]}"' for name in place.features if name in PROSODY)
    rooms = PROSODY_ROOMS if "muc" in place.features else ""
    return ["prosody", "--config", str(place.write("prosody.cfg.lua", features=modules, components=rooms)), "-F"], {}


SERVERS: dict[str, Callable[[Place], Command]] = {"headrace": headrace, "ejabberd": ejabberd, "prosody": prosody}


def make_certificate(folder: Path) -> None:
    command = ["openssl", "req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=localhost",
               "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(command, check=True, capture_output=True)


def free_ports(count: int) -> list[int]:
    """Below those that the system gives to whoever connects: such a one would be taken before the server listens."""
    found: set[int] = set()
    while len(found) < count:
        port = random.randrange(10_000, 32_768)
        with socket.socket() as s, suppress(OSError):
            s.bind(("127.0.0.1", port))
            found.add(port)
    return list(found)


def wait_until(process: subprocess.Popen[bytes], what: str, true: Callable[[], bool]) -> None:
    for _ in range(START_SECONDS * 20):
        if process.poll() is not None:
            raise StartError(f"the server ended with {process.returncode}")
        if true():
            return
        time.sleep(0.05)
    raise StartError(f"{what}: not after {START_SECONDS} s")


def listens(port: int) -> bool:
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(name: str, folder: Path, users: int, features: Collection[str] = (), *, under: Sequence[str] = (),
            core: int | None = SERVER_CORE) -> Iterator[Running]:
    """Starts a server on one core (None: on any), perhaps under a tool like strace. Raises StartError."""
    folder.mkdir(parents=True)
    make_certificate(folder)
    place = Place(folder, *free_ports(2), users, features)
    command, env = SERVERS[name](place)
    if shutil.which(command[0]) is None:
        raise StartError(f"{command[0]} is not installed")
    bound = [] if core is None else ["taskset", "-c", str(core)]
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen([*bound, *under, *command], env={**os.environ, **env}, stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=output, start_new_session=True)
    try:
        wait_until(process, f"{name} listens", lambda: listens(place.port) and listens(place.direct))
        if name == "ejabberd":      # it makes its users after it listens
            wait_until(process, "ejabberd has its users", (folder / "ready").exists)
        yield Running(place.port, place.direct, process.pid, folder)
    finally:
        end(process, bool(under))


def end(process: subprocess.Popen[bytes], under_a_tool: bool) -> None:
    """SIGTERM to the server itself: a tool above it (valgrind is none: it becomes it) ends with it and then writes its
    report."""
    left = tree(process.pid)
    if process.poll() is None:
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
