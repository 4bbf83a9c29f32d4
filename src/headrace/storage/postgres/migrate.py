"""Migrations of a PostgreSQL database; a row in `migration` for each step done."""

from collections.abc import Sequence

from asyncpg import Connection

from headrace.storage.migrate import Step, missing

_LOCK = 0x68656164_72616365     # "headrace": of all databases' advisory locks, the one for this


async def migrate(connection: Connection, known: Sequence[Step]) -> int:
    """Runs the steps that the database lacks, all in one transaction; how many those were.

    Raises StorageUnavailable if the database has been changed by a version that knows more steps."""
    if not missing(await _version(connection), known):
        return 0
    async with connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = 0")     # another may be at it; much is stored
        await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        await connection.execute("CREATE TABLE IF NOT EXISTS migration (number integer PRIMARY KEY, name text NOT NULL,"
                                 " done timestamptz NOT NULL DEFAULT now())")
        lacking = missing(await _version(connection), known)
        for step in lacking:
            await connection.execute(step.sql)
            await connection.execute("INSERT INTO migration(number, name) VALUES ($1, $2)", step.number, step.name)
    return len(lacking)


async def _version(connection: Connection) -> int:
    if await connection.fetchval("SELECT to_regclass('migration')") is None:
        return 0
    version: int = await connection.fetchval("SELECT coalesce(max(number), 0) FROM migration")
    return version
