"""Login tokens in PostgreSQL."""

from collections.abc import Sequence

from asyncpg import Connection

from headrace.storage.ports import ClientTokens, Token
from headrace.storage.postgres.database import Database


class PostgresTokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, jid: str, client: str) -> ClientTokens:
        rows = await self._database.read(lambda connection: connection.fetch(
            "SELECT fresh, mechanism, seed, issued, expires FROM token WHERE jid = $1 AND client = $2",
            jid, client), [jid])
        tokens = {fresh: Token(*values) for fresh, *values in rows}
        return ClientTokens(tokens.get(False), tokens.get(True))

    async def issue(self, jid: str, client: str, token: Token, keep: int) -> None:
        async def issue(connection: Connection) -> None:
            await connection.execute("DELETE FROM token WHERE jid = $1 AND expires <= $2", jid, token.issued)
            await connection.execute(
                "INSERT INTO token(jid, client, fresh, mechanism, seed, issued, expires)"
                " VALUES ($1, $2, true, $3, $4, $5, $6) ON CONFLICT (jid, client, fresh) DO UPDATE SET"
                " mechanism = excluded.mechanism, seed = excluded.seed, issued = excluded.issued,"
                " expires = excluded.expires",
                jid, client, token.mechanism, token.seed, token.issued, token.expires)
            await connection.execute(
                "DELETE FROM token WHERE jid = $1 AND client NOT IN (SELECT client FROM token WHERE jid = $1"
                " GROUP BY client ORDER BY max(issued) DESC LIMIT $2)", jid, keep)

        await self._database.change(issue, [jid])

    async def used(self, jid: str, client: str, token: Token) -> None:
        async def use(connection: Connection) -> None:
            fresh = await connection.fetchval(
                "SELECT 1 FROM token WHERE jid = $1 AND client = $2 AND fresh AND seed = $3 FOR UPDATE",
                jid, client, token.seed)
            if fresh is not None:
                await connection.execute("DELETE FROM token WHERE jid = $1 AND client = $2 AND NOT fresh", jid, client)
                await connection.execute("UPDATE token SET fresh = false WHERE jid = $1 AND client = $2", jid, client)

        await self._database.change(use, [jid])

    async def forget(self, jid: str, client: str | None = None) -> int:
        return await self._database.change(lambda connection: forget_tokens(connection, [jid], client), [jid])


async def forget_tokens(connection: Connection, jids: Sequence[str], client: str | None = None) -> int:
    tag: str = await connection.execute(
        "DELETE FROM token WHERE jid = ANY($1::text[]) AND client = coalesce($2, client)", jids, client)
    return int(tag.removeprefix("DELETE "))
