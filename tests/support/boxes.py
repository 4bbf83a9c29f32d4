"""What lies in the boxes of a SQLite database, read without the code that reads them (sql/sqlite/0012_sheets.sql)."""

import struct

from headrace.storage.connection import Connection


def entries(connection: Connection) -> list[tuple[int, int, int]]:
    """(message, owner, peer) of each entry."""
    return sorted((id, owner, peer) for owner, sheet in connection.execute("SELECT owner, entries FROM box")
                  for id, peer in struct.iter_unpack("qq", sheet))


def indexed(connection: Connection) -> list[tuple[int, int, int]]:
    """(owner, sheet, peer) of the index of peers."""
    return sorted(connection.execute("SELECT owner, first, peer FROM box_peer"))


def peers_of_sheets(connection: Connection) -> list[tuple[int, int, int]]:
    """What the index has to hold: of all sheets but the last of each box."""
    sheets = connection.execute("SELECT owner, first, entries FROM box ORDER BY owner, first")
    last = {owner: first for owner, first, _ in sheets}
    return sorted({(owner, first, peer) for owner, first, sheet in sheets if first != last[owner]
                   for _, peer in struct.iter_unpack("qq", sheet)})
