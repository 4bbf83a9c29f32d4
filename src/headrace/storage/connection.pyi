from os import PathLike
from typing import Any

_Value = int | float | str | bytes | None

class SqliteError(Exception):
    """SQLite refused; the text is its own. `code` is the extended result code, `code & 255` the plain one."""

    code: int

class Statement:
    """A compiled statement; its connection's business."""

class Connection:
    """One SQLite database file, opened (or created) for reading and writing; for one thread at a time.

    A statement runs to its end, and collects its rows, without the GIL. Nothing is copied from a write-ahead log
    into the file unless asked for (PRAGMA wal_checkpoint)."""

    steps: int
    """Steps that SQLite's machine took for the last statement: what it costs, whatever the computer."""
    wal_pages: int
    """Pages in the write-ahead log after the last commit."""

    def __init__(self, path: str | PathLike[str], *, patience: float = 5.0) -> None:
        """`patience`: seconds to wait for another process's lock before SqliteError SQLITE_BUSY."""

    @property
    def in_transaction(self) -> bool: ...
    @property
    def changes(self) -> int:
        """Rows changed by the last statement that changes rows."""

    def execute(self, sql: str, args: tuple[_Value, ...] = ()) -> list[tuple[Any, ...]]:
        """One statement, compiled once per text and kept: texts must be literals. All its rows.

        Raises SqliteError; ValueError for a closed connection or a wrong number of values."""

    def find_all(self, queries: list[tuple[str, tuple[_Value, ...]]]) -> list[list[tuple[Any, ...]] | SqliteError]:
        """Many statements, one after the other, for which the GIL is let go once; what each found, or why it has
        failed. ValueError: none of them has run."""

    def script(self, sql: str) -> None:
        """Statements without values or rows, each in a transaction of its own unless they open one."""

    def close(self) -> None: ...
