"""The SQLite back end: one file, one writer thread, nothing to install."""

from headrace.storage.sqlite.storage import SqliteStorage, open_sqlite

__all__ = ["SqliteStorage", "open_sqlite"]
