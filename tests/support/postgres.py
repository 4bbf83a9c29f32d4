"""A real PostgreSQL for tests, from Debian's package: a data folder of its own, a Unix socket, no port.

    with running() as postgres:
        ... postgres.schema() is the DSN of a schema that nobody has used ...
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

VERSIONS = Path("/usr/lib/postgresql")
PATIENCE = 60.0     # s; a bound for what takes a few

# No test pulls the plug: what the kernel was given is kept.
SETTINGS = {"fsync": "off", "listen_addresses": "", "max_connections": "50", "shared_buffers": "16MB",
            "log_min_messages": "fatal"}


def plain() -> dict[str, str]:
    """The environment without what a sanitizer build preloads: initdb never ends with it."""
    return {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}


class Postgres:
    """One server with one database, in which each test has a schema."""

    def __init__(self, folder: Path) -> None:
        """folder: empty; its name is short, since that of a socket must be."""
        self.folder = folder
        self.dsn = f"postgresql://headrace@/postgres?host={folder}"
        self._schemas = 0
        self._user = "postgres" if os.geteuid() == 0 else None      # PostgreSQL refuses to run as root
        if self._user:
            shutil.chown(folder, self._user, self._user)
        self._run("initdb", "-D", folder / "data", "-U", "headrace", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        self.start()

    def schema(self) -> str:
        """The DSN of a new, empty schema."""
        self._schemas += 1
        self.sql(f"CREATE SCHEMA test{self._schemas}")
        return f"{self.dsn}&search_path=test{self._schemas}"

    def toml(self) -> str:
        """The section of a configuration that stores in a new schema."""
        return f'[storage]\nbackend = "postgres"\ndsn = "{self.schema()}"\n'

    def sql(self, text: str) -> str:
        """What psql prints for it."""
        return self._run("psql", "-h", self.folder, "-U", "headrace", "-d", "postgres", "-qAtX", "-c", text).strip()

    @contextmanager
    def transaction(self, text: str) -> Iterator[None]:
        """In its middle: the statements are done, and rolled back in the end."""
        command = [binary("psql"), "-h", self.folder, "-U", "headrace", "-d", "postgres", "-qAtX"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=self.folder,
                              env=plain()) as psql:
            assert psql.stdin is not None
            assert psql.stdout is not None
            psql.stdin.write(f"BEGIN; {text};\n\\echo done\n")
            psql.stdin.flush()
            assert psql.stdout.readline() == "done\n"
            yield

    def start(self) -> None:
        """Returns when it takes connections."""
        settings = {**SETTINGS, "unix_socket_directories": str(self.folder)}
        options = [part for setting in settings.items() for part in ("-c", "=".join(setting))]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([binary("postgres"), "-D", self.folder / "data", *options],
                                            stdout=log, stderr=log, cwd=self.folder, env=plain(),
                                            **self._identity())
        deadline = time.monotonic() + PATIENCE
        ready = [binary("pg_isready"), "-q", "-h", self.folder]
        while subprocess.run(ready, check=False, env=plain()).returncode != 0:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def stop(self) -> None:
        """At once, as in a crash; start() recovers what was committed."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(PATIENCE)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """None of its processes runs: connections stay open, and nobody answers."""
        self.process.send_signal(signal.SIGSTOP)    # first, so that it starts no more of the others
        try:
            self._signal_children(signal.SIGSTOP)
            yield
        finally:
            self._signal_children(signal.SIGCONT)
            self.process.send_signal(signal.SIGCONT)

    def _signal_children(self, number: signal.Signals) -> None:
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}")
        for child in (task / "children").read_text().split():
            os.kill(int(child), number)

    def _run(self, command: str, *args: str | Path) -> str:
        done = subprocess.run([binary(command), *args], capture_output=True, text=True, check=False,
                              cwd=self.folder, timeout=PATIENCE, env=plain(), **self._identity())
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _identity(self) -> dict[str, Any]:
        return {"user": self._user, "group": self._user, "extra_groups": []} if self._user else {}


@contextmanager
def running() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="headrace-pg-"))
    try:
        postgres = Postgres(folder)
        try:
            yield postgres
        finally:
            postgres.stop()
    finally:
        shutil.rmtree(folder)


def binary(name: str) -> Path:
    """Of the newest version that is installed; Debian keeps servers out of the path."""
    found = sorted(VERSIONS.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    assert found, f"no {VERSIONS}/*/bin/{name}: sh tests/support/packages.sh test"
    return found[-1]
