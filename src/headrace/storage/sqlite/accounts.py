"""Accounts in SQLite."""

import time
from collections.abc import Iterable, Mapping

from headrace.sasl.credentials import Credentials, Digest, ScramVerifier
from headrace.storage.connection import Connection, SqliteError
from headrace.storage.ports import Account, AccountExists
from headrace.storage.sqlite.archive import SqliteArchive
from headrace.storage.sqlite.boxes import forget
from headrace.storage.sqlite.database import Database
from headrace.storage.sqlite.roster import forget_roster
from headrace.storage.sqlite.tokens import forget_tokens


class SqliteAccounts:
    def __init__(self, database: Database, archive: SqliteArchive) -> None:
        self._database = database
        self._archive = archive

    async def get(self, jid: str) -> Account | None:
        rows = await self._database.find(
            "SELECT created, disabled, digest, salt, iterations, stored_key, server_key"
            " FROM account JOIN verifier USING (jid) WHERE jid = ?", jid, of=(jid,))
        if not rows:
            return None
        verifiers = {digest: ScramVerifier(*values) for _, _, digest, *values in rows}
        created, disabled, *_ = rows[0]
        return Account(jid, Credentials(**verifiers), created, bool(disabled))

    async def exists(self, jid: str) -> bool:
        return bool(await self._database.find("SELECT 1 FROM account WHERE jid = ?", jid, of=(jid,)))

    async def create(self, jid: str, credentials: Credentials) -> None:
        if await self.create_many([(jid, credentials)]) == 0:
            raise AccountExists(f"{jid} exists already")

    async def create_many(self, accounts: Iterable[tuple[str, Credentials]]) -> int:
        wanted = dict(accounts)

        def create(connection: Connection) -> int:
            return sum(_create(connection, jid, credentials) for jid, credentials in wanted.items())

        return await self._database.change(create, wanted)

    async def set_credentials(self, jid: str, credentials: Credentials) -> bool:
        def change(connection: Connection) -> bool:
            found = bool(connection.execute("SELECT 1 FROM account WHERE jid = ?", (jid,)))
            if found:
                connection.execute("DELETE FROM verifier WHERE jid = ?", (jid,))
                _add_verifiers(connection, jid, credentials)
                forget_tokens(connection, jid)
            return found

        return await self._database.change(change, [jid])

    async def set_disabled(self, jid: str, disabled: bool) -> bool:
        def change(connection: Connection) -> bool:
            connection.execute("UPDATE account SET disabled = ? WHERE jid = ?", (disabled, jid))
            found = connection.changes > 0
            if disabled:
                forget_tokens(connection, jid)
            return found

        return await self._database.change(change, [jid])

    async def add_verifier(self, jid: str, digest: Digest, verifier: ScramVerifier) -> bool:
        def add(connection: Connection) -> bool:
            if not connection.execute("SELECT 1 FROM account WHERE jid = ?", (jid,)):
                return False
            _add_verifiers(connection, jid, Credentials(**{digest: verifier}))
            return connection.changes > 0

        return await self._database.change(add, [jid])

    async def delete(self, jid: str) -> bool:
        def delete(connection: Connection) -> bool:
            connection.execute("DELETE FROM account WHERE jid = ?", (jid,))
            found = connection.changes > 0
            _forget(connection, jid)
            return found

        found = await self._database.change(delete, [jid])
        await self._archive.forget(jid)
        return found

    async def set_last_seen(self, times: Mapping[str, float]) -> None:
        def change(connection: Connection) -> None:
            sql = "INSERT OR REPLACE INTO last_seen(jid, at) SELECT jid, ? FROM account WHERE jid = ?"
            for found in connection.find_all([(sql, (at, jid)) for jid, at in times.items()]):
                if isinstance(found, SqliteError):
                    raise found

        await self._database.change(change, times)

    async def last_seen(self, jid: str) -> float | None:
        rows = await self._database.find("SELECT at FROM last_seen WHERE jid = ?", jid, of=(jid,))
        return rows[0][0] if rows else None

    async def jids(self, host: str | None = None) -> list[str]:
        def find(connection: Connection) -> list[str]:
            rows = connection.execute(
                "SELECT jid FROM account WHERE host = coalesce(?, host) ORDER BY jid", (host,))
            return [str(jid) for jid, in rows]

        return await self._database.read(find, of=None)

    async def count(self, host: str, *, disabled: bool = False) -> int:
        [(count,)] = await self._database.find(
            "SELECT count(*) FROM account WHERE host = ? AND disabled >= ?", host, disabled, of=None)
        return int(count)


def _create(connection: Connection, jid: str, credentials: Credentials) -> bool:
    host = jid.partition("@")[2]
    connection.execute("INSERT INTO account(jid, host, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                       (jid, host, time.time()))
    created = connection.changes > 0
    if created:
        _forget(connection, jid)    # what came for an earlier account of that name, after its end
        forget(connection, jid)
        _add_verifiers(connection, jid, credentials)
    return created


def _forget(connection: Connection, jid: str) -> None:
    """What is not bound to the account's row."""
    forget_roster(connection, jid)
    forget_tokens(connection, jid)


def _add_verifiers(connection: Connection, jid: str, credentials: Credentials) -> None:
    for digest, verifier in credentials.items():
        connection.execute(
            "INSERT INTO verifier(jid, digest, iterations, salt, stored_key, server_key)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (jid, digest, verifier.iterations, verifier.salt, verifier.stored_key, verifier.server_key))
