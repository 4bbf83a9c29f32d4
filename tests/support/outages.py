"""A server on each back end, and what can befall its storage: context managers, at whose end it is well again."""

import resource
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from headrace.storage.connection import Connection
from support.postgres import Postgres
from support.proxy import Proxy, proxy
from support.server import Server, running

STORAGE = """
[storage]
patience = 2.0
"""
POSTGRES = """
backend = "postgres"
dsn = "postgresql://headrace@127.0.0.1:{port}/postgres?sslmode=disable&search_path={schema}"
pool = 2
"""


@dataclass
class Sqlite:
    """Reads go on in each of these; what is to be written is locked out, has no room, or does not reach the disk."""

    server: Server
    stuck_mark: Path

    reads = True

    @contextmanager
    def locked(self) -> Iterator[None]:
        """By another process."""
        somebody = Connection(self.server.database)
        somebody.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            somebody.close()

    @contextmanager
    def full(self) -> Iterator[None]:
        """None of the server's files grows any more. (Its log on standard error must be shorter.)"""
        journal = self.server.database.with_name("headrace.db-wal").stat().st_size
        process = self.server.process.pid
        before = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (journal, before[1]))
        try:
            yield
        finally:
            resource.prlimit(process, resource.RLIMIT_FSIZE, before)

    @contextmanager
    def stuck(self) -> Iterator[None]:
        """The disk does not answer: support/stuck_disk.c."""
        self.stuck_mark.touch()
        try:
            yield
        finally:
            self.stuck_mark.unlink()


@dataclass
class PostgreSQL:
    server: Server
    postgres: Postgres
    schema: str
    line: Proxy

    reads = False

    def stopped(self) -> AbstractContextManager[None]:
        return self.postgres.stopped()

    def frozen(self) -> AbstractContextManager[None]:
        return self.postgres.frozen()

    @contextmanager
    def slow(self) -> Iterator[None]:
        self.line.delay = 5.0
        try:
            yield
        finally:
            self.line.delay = 0.0

    def held_up(self) -> AbstractContextManager[None]:
        """Somebody has locked the tables: the whole pool waits for him."""
        return self.postgres.transaction(
            f"SET search_path = {self.schema}; LOCK TABLE account, roster, address, message, box")


Backend = Sqlite | PostgreSQL

@contextmanager
def on_sqlite(folder: Path, users: Mapping[str, str]) -> Iterator[Sqlite]:
    source = Path(__file__).with_name("stuck_disk.c")
    library, mark = folder / "stuck_disk.so", folder / "stuck"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", source, "-o", library, "-ldl"], check=True)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LD_PRELOAD", str(library))
        environment.setenv("STUCK_DISK", str(mark))
        with running(folder, users=users, more=STORAGE) as server:
            yield Sqlite(server, mark)


@contextmanager
def on_postgres(folder: Path, users: Mapping[str, str], postgres: Postgres) -> Iterator[PostgreSQL]:
    schema = postgres.schema().partition("search_path=")[2]
    with proxy(postgres.folder / ".s.PGSQL.5432") as line:
        storage = STORAGE + POSTGRES.format(port=line.port, schema=schema)
        with running(folder, users=users, more=storage) as server:
            yield PostgreSQL(server, postgres, schema, line)
