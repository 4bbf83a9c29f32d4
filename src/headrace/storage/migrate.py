"""The numbered steps in sql/ that bring a database to the shape this version knows."""

import re
from importlib.resources import files
from typing import NamedTuple

from headrace.storage.connection import Connection
from headrace.storage.ports import StorageUnavailable


class Step(NamedTuple):
    number: int
    name: str       # of its file
    sql: str


def steps() -> list[Step]:
    """All steps, in order; their numbers leave no gap."""
    found = []
    for file in files("headrace.storage").joinpath("sql").iterdir():
        if number := re.match(r"(\d{4})_\w+\.sql$", file.name):
            found.append(Step(int(number[1]), file.name, file.read_text(encoding="utf-8")))
    found.sort()
    if [step.number for step in found] != list(range(1, len(found) + 1)):
        raise RuntimeError(f"numbers missing or doubled among {[step.name for step in found]}")
    return found


def migrate(connection: Connection, known: list[Step]) -> int:
    """Runs the steps that the database lacks, each in a transaction; how many those were.

    Raises StorageUnavailable if the database has been changed by a version that knows more steps."""
    done = 0
    for step in known[_version(connection):]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _version(connection) < step.number:     # another process may just have run it
                connection.script(step.sql)
                connection.script(f"PRAGMA user_version = {step.number}")
                done += 1
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
    if (version := _version(connection)) > len(known):
        raise StorageUnavailable(
            f"the database is a newer headrace's (format {version}, this one knows {len(known)}): upgrade")
    return done


def _version(connection: Connection) -> int:
    [(version,)] = connection.execute("PRAGMA user_version")
    assert isinstance(version, int)
    return version
