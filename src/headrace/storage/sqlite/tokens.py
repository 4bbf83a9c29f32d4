"""Login tokens in SQLite."""

from headrace.storage.connection import Connection
from headrace.storage.ports import ClientTokens, Token
from headrace.storage.sqlite.database import Database


class SqliteTokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, jid: str, client: str) -> ClientTokens:
        rows = await self._database.find(
            "SELECT fresh, mechanism, seed, issued, expires FROM token WHERE jid = ? AND client = ?",
            jid, client, of=(jid,))
        tokens = {fresh: Token(*values) for fresh, *values in rows}
        return ClientTokens(tokens.get(0), tokens.get(1))

    async def issue(self, jid: str, client: str, token: Token, keep: int) -> None:
        def issue(connection: Connection) -> None:
            connection.execute("DELETE FROM token WHERE jid = ? AND expires <= ?", (jid, token.issued))
            connection.execute(
                "INSERT OR REPLACE INTO token(jid, client, fresh, mechanism, seed, issued, expires)"
                " VALUES (?, ?, 1, ?, ?, ?, ?)",
                (jid, client, token.mechanism, token.seed, token.issued, token.expires))
            connection.execute(
                "DELETE FROM token WHERE jid = ?1 AND client NOT IN (SELECT client FROM token WHERE jid = ?1"
                " GROUP BY client ORDER BY max(issued) DESC LIMIT ?2)", (jid, keep))

        await self._database.change(issue, [jid])

    async def used(self, jid: str, client: str, token: Token) -> None:
        await self._database.change(lambda connection: connection.execute(
            "UPDATE OR REPLACE token SET fresh = 0 WHERE jid = ? AND client = ? AND fresh = 1 AND seed = ?",
            (jid, client, token.seed)), [jid])

    async def forget(self, jid: str, client: str | None = None) -> int:
        return await self._database.change(lambda connection: forget_tokens(connection, jid, client), [jid])


def forget_tokens(connection: Connection, jid: str, client: str | None = None) -> int:
    connection.execute("DELETE FROM token WHERE jid = ? AND client = coalesce(?, client)", (jid, client))
    return connection.changes
