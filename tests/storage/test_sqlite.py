"""What is SQLite's alone: locks, durability settings, a full disk, a killed process."""

import asyncio
import os
from pathlib import Path

import pytest

from headrace.router.group import MessageFlag
from headrace.storage import group
from headrace.storage.connection import Connection
from headrace.storage.ports import Durability, RosterChange, RosterItem, StorageLocked, StorageUnavailable
from headrace.storage.sqlite import archive, open_sqlite
from headrace.storage.sqlite.database import CHECKPOINT_PAGES
from support.letters import Letters

ROMEO, JULIET = "romeo@example.org", "juliet@example.org"


async def test_second_server_is_told_who_holds_the_data(tmp_path: Path) -> None:
    first = open_sqlite(tmp_path / "x.db", server=True)
    with pytest.raises(StorageLocked, match=rf"x\.db is locked.*\(process {os.getpid()}\)"):
        open_sqlite(tmp_path / "x.db", server=True)
    await first.close()
    await open_sqlite(tmp_path / "x.db", server=True).close()


async def test_commands_may_work_beside_a_server(tmp_path: Path) -> None:
    server = open_sqlite(tmp_path / "x.db", server=True)
    command = open_sqlite(tmp_path / "x.db")
    await command.roster.put(ROMEO, RosterItem(JULIET))
    await command.close()
    assert await server.roster.load(ROMEO) == [RosterItem(JULIET)]
    await server.close()


async def test_database_that_somebody_locks(tmp_path: Path) -> None:
    storage = open_sqlite(tmp_path / "x.db", patience=0.05)
    somebody = Connection(tmp_path / "x.db")
    somebody.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageLocked, match=r"x\.db is locked: another process"):
        await storage.roster.put(ROMEO, RosterItem(JULIET))
    somebody.close()
    await storage.roster.put(ROMEO, RosterItem(JULIET))
    await storage.close()


def test_locked_database_that_needs_migration(tmp_path: Path) -> None:
    somebody = Connection(tmp_path / "x.db")
    somebody.script("PRAGMA journal_mode = WAL")
    somebody.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageLocked, match=r"x\.db is locked: another process"):
        open_sqlite(tmp_path / "x.db", server=True, patience=0.05)
    somebody.close()
    asyncio.run(open_sqlite(tmp_path / "x.db", server=True).close())    # the refused one has let go of its lock


def test_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database, whatever its name says" * 100)
    with pytest.raises(StorageUnavailable, match=r"x\.db: file is not a database"):
        open_sqlite(tmp_path / "x.db")


@pytest.mark.parametrize(("durability", "synchronous"), [("power", 2), ("process", 1)])
async def test_settings_as_promised(tmp_path: Path, durability: Durability, synchronous: int) -> None:
    storage = open_sqlite(tmp_path / "x.db", durability=durability)

    def pragma(name: str) -> object:
        [(value,)] = storage.database.connection.execute(f"PRAGMA {name}")
        return value

    assert pragma("synchronous") == synchronous
    assert [pragma(name) for name in ("journal_mode", "secure_delete", "wal_autocheckpoint")] == ["wal", 0, 0]
    await storage.close()


async def test_full_disk_refuses_nothing_that_was_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "RETRY", 0.01)
    storage = open_sqlite(tmp_path / "x.db")
    connection = storage.database.connection
    [(pages,)] = connection.execute("PRAGMA page_count")
    connection.execute(f"PRAGMA max_page_count = {pages}")
    ticket = Letters(storage).add(ROMEO, JULIET, bytes(100_000), 1e9)
    with pytest.raises(StorageUnavailable, match="full"):
        await storage.roster.apply([RosterChange(ROMEO, JULIET, RosterItem(JULIET, name="x" * 100_000))])
    assert not ticket.done()
    connection.execute("PRAGMA max_page_count = 100000")
    assert await ticket > 0
    assert await Letters(storage).count(ROMEO) == 1
    await storage.close()


async def test_log_is_written_back_between_groups(tmp_path: Path) -> None:
    storage = open_sqlite(tmp_path / "x.db", durability="process")
    page = bytes(4096)
    for _ in range(CHECKPOINT_PAGES // 100 + 5):
        await asyncio.gather(*(Letters(storage).add(ROMEO, JULIET, page, 1e9) for _ in range(100)))
    await Letters(storage).count(ROMEO)
    assert (tmp_path / "x.db").stat().st_size > CHECKPOINT_PAGES * 4096 * 0.9
    assert storage.database.connection.wal_pages < CHECKPOINT_PAGES
    await storage.close()


async def test_a_short_tail_goes_into_boxes_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LONGEST_TAIL", 0.05)
    storage = open_sqlite(tmp_path / "headrace.db")
    try:
        await storage.archive.add("romeo@example.org", "juliet@example.net", b"<message/>", MessageFlag.M_ARCHIVE_B)
        for _ in range(200):
            [(rows,)] = await storage.database.read(lambda c: c.execute("SELECT count(*) FROM box"))
            if rows:
                break
            await asyncio.sleep(0.02)
        assert rows == 1
    finally:
        await storage.close()


async def test_offline_messages_that_are_done_with_go_in_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once they would hold up the commits of others, until the storage seemed to be stuck."""
    monkeypatch.setattr(archive, "STEP", 10)
    storage = open_sqlite(tmp_path / "headrace.db")
    steps, change = [], storage.database.change

    async def counted(job, of=()):
        steps.append(await storage.database.read(lambda c: c.execute("SELECT count(*) FROM message")[0][0], None))
        return await change(job, of)

    try:
        ids = [await storage.archive.add(ROMEO, owner, b"<message/>", MessageFlag.M_OFFLINE)
               for _ in range(18) for owner in (JULIET, "nurse@example.net")]
        monkeypatch.setattr(storage.database, "change", counted)
        await storage.archive.set_marks({JULIET: ids[-1], "nurse@example.net": ids[-3]})
        assert steps == [36, 36, 26, 16, 6]
        assert await storage.archive.offline(JULIET) == 0
        assert await storage.archive.offline("nurse@example.net") == 1
    finally:
        await storage.close()
