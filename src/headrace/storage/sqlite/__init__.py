"""The SQLite back end: one file, one writer thread, nothing to install."""

from headrace.storage.sqlite.storage import Durability, SqliteStorage, open_sqlite

__all__ = ["Durability", "SqliteStorage", "open_sqlite"]
