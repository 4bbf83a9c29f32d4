"""The binary COPY format, read back by rules of PostgreSQL's documentation."""

import struct

import pytest

from headrace.router.group import Group, MessageFlag
from headrace.storage import pgcopy

NUMBERS = {b"romeo@example.org": 7, b"juliet@example.org": 2**40}


def rows(data: bytes) -> list[list[bytes]]:
    """The fields of each tuple. Nothing may follow the trailer."""
    assert data[:19] == b"PGCOPY\n\xff\r\n\0" + bytes(8)
    at, found = 19, []
    while (count := struct.unpack_from(">h", data, at)[0]) != -1:
        at += 2
        fields = []
        for _ in range(count):
            size = struct.unpack_from(">i", data, at)[0]
            fields.append(data[at + 4:at + 4 + size])
            at += 4 + size
        found.append(fields)
    assert at + 2 == len(data)
    return found


def number(field: bytes) -> int:
    return int.from_bytes(field, "big", signed=True)


@pytest.fixture
def group() -> Group:
    group = Group()
    group.add(2**62 + 1, b"romeo@example.org", b"juliet@example.org", b"<message>1</message>")
    group.add(2**62 + 2, b"juliet@example.org", b"romeo@example.org", bytes(range(256)) * 300)
    return group


def test_jids_of_a_group(group: Group) -> None:
    assert pgcopy.jids(group) == set(NUMBERS)
    assert pgcopy.jids(Group()) == set()


def test_messages(group: Group) -> None:
    messages, _, _ = pgcopy.copies(group, NUMBERS)
    read = [(*map(number, fields[:4]), fields[4], *map(number, fields[5:])) for fields in rows(messages)]
    assert read == [(2**62 + 1, 7, 2**40, MessageFlag.M_OFFLINE, b"<message>1</message>", 0, 0),
                    (2**62 + 2, 2**40, 7, MessageFlag.M_OFFLINE, bytes(range(256)) * 300, 0, 0)]
    assert [[len(field) for field in fields[:4]] for fields in rows(messages)] == [[8, 8, 8, 4]] * 2


def test_boxes(group: Group) -> None:
    _, boxes, _ = pgcopy.copies(group, NUMBERS)
    assert [list(map(number, fields)) for fields in rows(boxes)] == [[2**40, 2**62 + 1, 7], [7, 2**62 + 2, 2**40]]


def test_each_owner_has_a_box_row(group: Group) -> None:
    archived = MessageFlag.M_ARCHIVE_A | MessageFlag.M_ARCHIVE_B
    group.add(2**62 + 3, b"romeo@example.org", b"juliet@example.org", b"<message/>", archived)
    group.add(2**62 + 4, b"romeo@example.org", b"romeo@example.org", b"<message/>", archived)
    group.add(2**62 + 5, b"romeo@example.org", b"juliet@example.org", b"<message/>", 0, 2**64 - 2, 2**32 - 1)
    messages, boxes, spooled = pgcopy.copies(group, NUMBERS)
    assert list(map(number, rows(messages)[-1][5:])) == [-2, 2**32 - 1]
    assert [list(map(number, fields)) for fields in rows(boxes)][2:] == [
        [2**40, 2**62 + 3, 7], [7, 2**62 + 3, 2**40], [7, 2**62 + 4, 7],
        [7, 2**62 + 5, 2**40]]
    assert spooled == b""


def test_what_is_spooled_says_so_in_a_table_of_its_own(group: Group) -> None:
    group.add(2**62 + 3, b"romeo@example.org", b"juliet@example.org", b"<message/>",
              MessageFlag.M_ARCHIVE_A | MessageFlag.M_SPOOL)
    messages, boxes, spooled = pgcopy.copies(group, NUMBERS)
    assert number(rows(messages)[-1][3]) == MessageFlag.M_ARCHIVE_A
    assert list(map(number, rows(boxes)[-1])) == [7, 2**62 + 3, 2**40]
    assert [list(map(number, fields)) for fields in rows(spooled)] == [[2**62 + 3]]


def test_empty_group() -> None:
    assert [rows(data) for data in pgcopy.copies(Group(), {})[:2]] == [[], []]
    assert pgcopy.copies(Group(), {})[2] == b""


def test_unknown_jid(group: Group) -> None:
    with pytest.raises(KeyError, match="romeo"):
        pgcopy.copies(group, {b"juliet@example.org": 1})
