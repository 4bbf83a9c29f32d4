"""Accounts in PostgreSQL."""

import time
from collections.abc import Iterable, Mapping, Sequence

from asyncpg import Connection

from headrace.sasl.credentials import Credentials, Digest, ScramVerifier
from headrace.storage.ports import Account, AccountExists
from headrace.storage.postgres.archive import PostgresArchive
from headrace.storage.postgres.boxes import forget
from headrace.storage.postgres.database import Database
from headrace.storage.postgres.roster import forget_rosters
from headrace.storage.postgres.tokens import forget_tokens


class PostgresAccounts:
    def __init__(self, database: Database, archive: PostgresArchive) -> None:
        self._database = database
        self._archive = archive

    async def get(self, jid: str) -> Account | None:
        rows = await self._database.read(lambda connection: connection.fetch(
            "SELECT created, disabled, digest, salt, iterations, stored_key, server_key"
            " FROM account JOIN verifier USING (jid) WHERE jid = $1", jid), [jid])
        if not rows:
            return None
        verifiers = {digest: ScramVerifier(*values) for _, _, digest, *values in rows}
        created, disabled, *_ = rows[0]
        return Account(jid, Credentials(**verifiers), created, disabled)

    async def exists(self, jid: str) -> bool:
        found: bool = await self._database.read(lambda connection: connection.fetchval(
            "SELECT EXISTS (SELECT 1 FROM account WHERE jid = $1)", jid), [jid])
        return found

    async def create(self, jid: str, credentials: Credentials) -> None:
        if await self.create_many([(jid, credentials)]) == 0:
            raise AccountExists(f"{jid} exists already")

    async def create_many(self, accounts: Iterable[tuple[str, Credentials]]) -> int:
        wanted = dict(accounts)

        async def create(connection: Connection) -> int:
            created = await connection.fetch(
                "INSERT INTO account(jid, host, created)"
                " SELECT jid, substring(jid from position('@' in jid) + 1), $2 FROM unnest($1::text[]) jid"
                " ON CONFLICT DO NOTHING RETURNING jid", list(wanted), time.time())
            new = [jid for jid, in created]
            await _forget(connection, new)      # what came for an earlier account of that name, after its end
            await forget(connection, new)
            await _add_verifiers(connection, {jid: wanted[jid] for jid in new})
            return len(new)

        return await self._database.change(create, wanted)

    async def set_credentials(self, jid: str, credentials: Credentials) -> bool:
        async def change(connection: Connection) -> bool:
            if not await _found(connection, jid):
                return False
            await connection.execute("DELETE FROM verifier WHERE jid = $1", jid)
            await _add_verifiers(connection, {jid: credentials})
            await forget_tokens(connection, [jid])
            return True

        return await self._database.change(change, [jid])

    async def add_verifier(self, jid: str, digest: Digest, verifier: ScramVerifier) -> bool:
        async def add(connection: Connection) -> bool:
            if not await _found(connection, jid):
                return False
            return await _add_verifiers(connection, {jid: Credentials(**{digest: verifier})}) > 0

        return await self._database.change(add, [jid])

    async def set_disabled(self, jid: str, disabled: bool) -> bool:
        async def change(connection: Connection) -> bool:
            tag: str = await connection.execute("UPDATE account SET disabled = $2 WHERE jid = $1", jid, disabled)
            if disabled:
                await forget_tokens(connection, [jid])
            return tag != "UPDATE 0"

        return await self._database.change(change, [jid])

    async def delete(self, jid: str) -> bool:
        async def delete(connection: Connection) -> bool:
            tag: str = await connection.execute("DELETE FROM account WHERE jid = $1", jid)
            await _forget(connection, [jid])
            return tag != "DELETE 0"

        found = await self._database.change(delete, [jid])
        await self._archive.forget(jid)
        return found

    async def set_last_seen(self, times: Mapping[str, float]) -> None:
        await self._database.change(lambda connection: connection.execute(
            "INSERT INTO last_seen(jid, at) SELECT jid, seen.at FROM account"
            " JOIN unnest($1::text[], $2::double precision[]) seen(jid, at) USING (jid)"
            " ON CONFLICT (jid) DO UPDATE SET at = excluded.at", list(times), list(times.values())), times)

    async def last_seen(self, jid: str) -> float | None:
        at: float | None = await self._database.read(lambda connection: connection.fetchval(
            "SELECT at FROM last_seen WHERE jid = $1", jid), [jid])
        return at

    async def jids(self, host: str | None = None) -> list[str]:
        rows = await self._database.read(lambda connection: connection.fetch(
            "SELECT jid FROM account WHERE host = coalesce($1, host) ORDER BY jid", host), of=None)
        return [jid for jid, in rows]

    async def count(self, host: str, *, disabled: bool = False) -> int:
        number: int = await self._database.read(lambda connection: connection.fetchval(
            "SELECT count(*) FROM account WHERE host = $1 AND disabled >= $2", host, disabled), of=None)
        return number


async def _found(connection: Connection, jid: str) -> bool:
    """It is there, and stays until the transaction's end."""
    return await connection.fetchval("SELECT 1 FROM account WHERE jid = $1 FOR UPDATE", jid) is not None


async def _forget(connection: Connection, jids: Sequence[str]) -> None:
    """What is not bound to an account's row."""
    await forget_rosters(connection, jids)
    await forget_tokens(connection, jids)


async def _add_verifiers(connection: Connection, of: Mapping[str, Credentials]) -> int:
    """Those whose digest an account has none of yet; how many those were."""
    rows = [(jid, digest, v.iterations, v.salt, v.stored_key, v.server_key)
            for jid, credentials in of.items() for digest, v in credentials.items()]
    if not rows:
        return 0
    tag: str = await connection.execute(
        "INSERT INTO verifier(jid, digest, iterations, salt, stored_key, server_key)"
        " SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::bytea[], $5::bytea[], $6::bytea[])"
        " ON CONFLICT DO NOTHING", *zip(*rows, strict=True))
    return int(tag.removeprefix("INSERT 0 "))
