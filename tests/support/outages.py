"""A server on each back end, and what can befall its storage: context managers, at whose end it is well again."""

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


SLOW = 5.0  # s: more than twice its patience
NO_ROOM = """
CREATE FUNCTION no_room() RETURNS trigger AS $$ BEGIN
    RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$ LANGUAGE plpgsql;
DO $$ DECLARE name text; BEGIN FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema LOOP
    EXECUTE format('CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON %I EXECUTE FUNCTION no_room()', name);
END LOOP; END $$
"""


@dataclass
class Sqlite:
    """Reads go on in each of these; what is to be written is locked out, has no room, or does not reach the disk (or
    does so late)."""

    server: Server
    stuck_mark: Path

    def reads(self, fault: str) -> bool:
        """Can it still be read?"""
        return True

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
    def stuck(self, how: str = "") -> Iterator[None]:
        """The disk does not answer: support/stuck_disk.c, which says how else it may be."""
        self.stuck_mark.with_suffix(".new").write_text(how)
        self.stuck_mark.with_suffix(".new").rename(self.stuck_mark)     # never half of it
        try:
            yield
        finally:
            self.stuck_mark.unlink()

    def slow(self) -> AbstractContextManager[None]:
        return self.stuck(str(SLOW))

    def full(self) -> AbstractContextManager[None]:
        return self.stuck("full")


@dataclass
class PostgreSQL:
    server: Server
    postgres: Postgres
    schema: str
    line: Proxy

    def reads(self, fault: str) -> bool:
        return fault == "full"

    @contextmanager
    def full(self) -> Iterator[None]:
        """What PostgreSQL says where a table cannot grow. (Without a disk of our own that is full we say it.)"""
        path = f"SET search_path = {self.schema};"
        self.postgres.sql(path + NO_ROOM)
        try:
            yield
        finally:
            self.postgres.sql(path + "DROP FUNCTION no_room CASCADE")

    def stopped(self) -> AbstractContextManager[None]:
        return self.postgres.stopped()

    def frozen(self) -> AbstractContextManager[None]:
        return self.postgres.frozen()

    @contextmanager
    def slow(self) -> Iterator[None]:
        self.line.delay = SLOW
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
