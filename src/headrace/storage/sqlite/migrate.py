"""Migrations of a SQLite database; the number of steps done is its user_version."""

from collections.abc import Sequence

from headrace.storage.connection import Connection
from headrace.storage.migrate import Step, missing


def migrate(connection: Connection, known: Sequence[Step]) -> int:
    """Runs the steps that the database lacks, each in a transaction; how many those were.

    Raises StorageUnavailable if the database has been changed by a version that knows more steps."""
    done = 0
    for step in missing(_version(connection), known):
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
    return done


def _version(connection: Connection) -> int:
    [(version,)] = connection.execute("PRAGMA user_version")
    assert isinstance(version, int)
    return version
