"""The boxes of SQLite: what their sheets say (sql/sqlite/0012_sheets.sql), and how entries leave them.

Sheets are written by headrace.storage.filler."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, islice
from struct import Struct

import msgspec

from headrace.storage.connection import Connection
from headrace.storage.ports import EVER

Sheet = tuple[int, bytes]       # its `first`; message, peer, message, peer, ...
_NUMBER = Struct("q")
_PAIR = Struct("qq")

AT_ONCE = 4     # sheets: a page of an archive has 50 messages as a rule, which are on one or two
_ALL = "box WHERE owner = ?1"
_OF_PEER = "box_peer CROSS JOIN box USING (owner, first) WHERE owner = ?1 AND peer = ?4"


def ids(connection: Connection, owner: int, after: int, before: int, *, peer: int | None = None,
        backwards: bool = False) -> Iterator[Sequence[int]]:
    """The messages in the box of an owner that lie between two ids, those of a peer alone: some at a time, in order."""
    for _, sheet in _sheets(connection, owner, after, before, peer=peer, backwards=backwards):
        numbers = array("q", sheet)[::2] if peer is None else _of_peer(sheet, peer)
        found = numbers[bisect_right(numbers, after):bisect_left(numbers, before)]
        if found:
            yield found[::-1] if backwards else found


def _of_peer(sheet: bytes, peer: int) -> list[int]:
    """The messages of that one. Bytes are searched, since most of a sheet may be others'."""
    key, found = _NUMBER.pack(peer), list[int]()
    at = sheet.find(key)
    while at >= 0:
        if at % _PAIR.size == _NUMBER.size:
            found += _NUMBER.unpack_from(sheet, at - _NUMBER.size)
        at = sheet.find(key, at + 1)
    return found


def least(connection: Connection, owner: int) -> int:
    """The first message in a box that is not empty."""
    [(number,)] = connection.execute(
        "SELECT substr(entries, 1, 8) FROM box WHERE owner = ? ORDER BY first LIMIT 1", (owner,))
    id: int = _NUMBER.unpack(number)[0]
    return id


def beyond(connection: Connection, owner: int, most: int) -> int:
    """The last message that is not among the newest so many of a box; 0: it has no more."""
    newest_first = chain.from_iterable(ids(connection, owner, -1, EVER, backwards=True))
    return next(islice(newest_first, most, None), 0)


def cut(connection: Connection, owner: int, gone: Collection[int]) -> int:
    """These messages leave the box; how many were there."""
    leaving, count = frozenset(gone), 0
    for first, sheet in list(_sheets(connection, owner, min(gone) - 1, max(gone) + 1)):
        entries: list[tuple[int, int]] = list(_PAIR.iter_unpack(sheet))
        left = [entry for entry in entries if entry[0] not in leaving]
        if len(left) == len(entries):
            continue
        count += len(entries) - len(left)
        if left:
            connection.execute("UPDATE box SET entries = ?3 WHERE owner = ?1 AND first = ?2",
                               (owner, first, b"".join(_PAIR.pack(*entry) for entry in left)))
        else:
            connection.execute("DELETE FROM box WHERE owner = ? AND first = ?", (owner, first))
        strangers = {peer for _, peer in entries} - {peer for _, peer in left}
        connection.execute(
            "DELETE FROM box_peer WHERE owner = ?1 AND first = ?2 AND peer IN (SELECT value FROM json_each(?3))",
            (owner, first, msgspec.json.encode(list(strangers)).decode()))
    return count


def _sheets(connection: Connection, owner: int, after: int, before: int, *, peer: int | None = None,
            backwards: bool = False) -> Iterator[Sheet]:
    """Those that may have such entries. The last one is in no index of peers: it is looked at for each."""
    if peer is None:
        yield from _between(connection, _ALL, (owner, after, before), backwards)
        return
    last: list[Sheet] = connection.execute(
        "SELECT first, entries FROM box WHERE owner = ? ORDER BY first DESC LIMIT 1", (owner,))
    for first, _ in last:
        others = _between(connection, _OF_PEER, (owner, after, min(before, first), peer), backwards)
        yield from chain(last, others) if backwards else chain(others, last)


def _between(connection: Connection, source: str, args: tuple[int, ...], backwards: bool) -> Iterator[Sheet]:
    """args: owner, and the two ids between which entries are looked for."""
    owner, low, high, *peer = args
    nearest = connection.execute(
        f"SELECT first FROM {source} AND first <= ?2 AND first < ?3 ORDER BY first DESC LIMIT 1", args)
    low = nearest[0][0] if nearest else low
    order = "DESC" if backwards else ""
    sql = f"SELECT first, entries FROM {source} AND first >= ?2 AND first < ?3 ORDER BY first {order} LIMIT {AT_ONCE}"
    while True:
        rows: list[Sheet] = connection.execute(sql, (owner, low, high, *peer))
        yield from rows
        if len(rows) < AT_ONCE:
            return
        if backwards:
            high = rows[-1][0]
        else:
            low = rows[-1][0] + 1
