from headrace.storage.connection import Connection

SHEET: int      # entries of a full sheet (sql/sqlite/0012_sheets.sql)

def fill(connection: Connection, after: int, up_to: int) -> None:
    """Inside a transaction: the messages with ids beyond `after`, up to and including `up_to`, get their entries at the
    ends of their owners' boxes. Without the GIL. Raises SqliteError."""
