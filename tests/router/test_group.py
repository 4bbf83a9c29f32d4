"""Packed messages. What storage makes of them: tests/storage/test_writer.py, test_pgcopy.py."""

import asyncio

import pytest

from headrace.router.archive import Archive
from headrace.router.group import Group, MessageFlag


def test_packs() -> None:
    group = Group()
    assert (len(group), group.size) == (0, 0)
    group.add(1, b"a@x", b"b@x", b"<message/>")
    assert len(group) == group.count == 1
    one = group.size
    assert one > len(b"a@xb@x<message/>")
    group.add(2, b"a@x", b"b@x", b"<message/>", MessageFlag.M_ARCHIVE_A, 2**64 - 1, 2**32 - 1)
    assert (len(group), group.size) == (2, 2 * one)


def test_takes_no_text_and_no_numbers_too_large() -> None:
    group = Group()
    with pytest.raises(TypeError):
        group.add(1, "a@x", b"b@x", b"<message/>")      # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        group.add(2**63, b"a@x", b"b@x", b"<message/>")
    assert len(group) == 0
    assert group.size == 0


def test_who_gave_up_waiting_is_passed_over() -> None:
    async def main() -> None:
        archive = Archive(bytes(16))
        gone, there = (archive.add_ready(archive.number(), b"<message/>", b"a@x", b"b@x") for _ in range(2))
        gone.cancel()
        archive.take()
        archive.committed()
        assert there.done()
        assert gone.cancelled()

    asyncio.run(main())
