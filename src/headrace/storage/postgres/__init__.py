"""The PostgreSQL back end: a small pool, and one connection for messages. Needs asyncpg (the extra `postgres`)."""

from headrace.storage.postgres.storage import PostgresStorage, open_postgres

__all__ = ["PostgresStorage", "open_postgres"]
