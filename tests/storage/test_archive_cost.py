"""Pages cost the same however much is stored: counted in steps of SQLite's machine, and by PostgreSQL's plans."""

import random

from headrace.router.group import Group, MessageFlag
from headrace.storage.connection import Connection
from headrace.storage.ports import ArchiveFilter
from headrace.storage.postgres import boxes as statements
from headrace.storage.postgres import open_postgres
from headrace.storage.sqlite import boxes
from headrace.storage.writer import GroupWriter
from support.postgres import Postgres

ROMEO = "romeo@example.org"
KEPT = MessageFlag.M_ARCHIVE_A | MessageFlag.M_ARCHIVE_B | MessageFlag.M_GIVEN


def group_of(first: int, count: int, rng: random.Random) -> Group:
    """Of one owner and 20 peers in turn, behind the first 100 of a peer who is not heard of any more."""
    group = Group()
    for id in range(first, first + count):
        sides = [ROMEO.encode(), b"peer%d@example.net" % (id % 20) if id > 100 else b"old@example.net"]
        rng.shuffle(sides)
        group.add(id, *sides, b"<message/>", KEPT)
    return group


class Counting:
    """A connection that adds up the steps of its statements."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.steps = 0

    def execute(self, sql: str, args: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        rows = self._connection.execute(sql, args)      # type: ignore[arg-type]
        self.steps += self._connection.steps
        return rows


FILTERS = [
    (ArchiveFilter(), True), (ArchiveFilter(), False), (ArchiveFilter("peer7@example.net"), True),
    (ArchiveFilter("peer7@example.net"), False), (ArchiveFilter("nobody@example.net"), True),
    (ArchiveFilter("peer7@example.net", after=1000), False), (ArchiveFilter(before=1500), True),
    (ArchiveFilter(ROMEO), True),
]
OF_OLD = [(ArchiveFilter("old@example.net"), True), (ArchiveFilter("old@example.net"), False)]


def test_steps_of_pages_are_flat(connection: Connection) -> None:
    writer, rng, counts = GroupWriter(connection), random.Random(5), []
    for first, size in (1, 2_000), (2_001, 38_000):
        writer.write(group_of(first, size, rng))
        boxes.fill(connection)
        taken = []
        for filter, backwards in FILTERS + OF_OLD:
            counting = Counting(connection)
            boxes.page(counting, ROMEO, filter, 50, backwards=backwards)    # type: ignore[arg-type]
            taken.append(counting.steps)
        counts.append(taken)
    small, large = counts
    assert all(0 < b <= a * 1.05 + 20 for a, b in zip(small, large, strict=True)), (small, large)


def test_steps_of_a_page_do_see_a_scan(connection: Connection) -> None:
    """The control: what lies in the tail is looked through, and counted."""
    writer, rng, counts = GroupWriter(connection), random.Random(5), []
    for first, size in (1, 2_000), (2_001, 8_000):
        writer.write(group_of(first, size, rng))
        counting = Counting(connection)
        boxes.page(counting, ROMEO, ArchiveFilter("nobody@example.net"), 50, backwards=True)  # type: ignore[arg-type]
        counts.append(counting.steps)
    assert counts[1] > counts[0] * 3


async def test_plans_of_postgres_use_the_boxes(postgres: Postgres) -> None:
    storage = await open_postgres(postgres.schema(), server=True)
    try:
        writer, rng = storage.archive._writer, random.Random(5)
        for first in range(1, 20_000, 2_000):
            await writer.write(group_of(first, 2_000, rng))
        await storage.database.change(lambda connection: connection.execute("ANALYZE message; ANALYZE box"))
        for filter, backwards in FILTERS:
            plan = await storage.database.read(Explained(filter, backwards).plan)
            assert "Seq Scan" not in plan, plan
            assert "Sort" not in plan, plan
            assert ("box_of_peer" in plan) == (filter.peer is not None), plan
    finally:
        await storage.close()


class Explained:
    """A connection that explains the query for a page, with the values in their places."""

    def __init__(self, filter: ArchiveFilter, backwards: bool) -> None:
        self._filter = filter
        self._backwards = backwards

    async def plan(self, connection) -> str:
        self._connection, self._lines = connection, []
        await statements.page(self, ROMEO, self._filter, 50, backwards=self._backwards)     # type: ignore[arg-type]
        return "\n".join(self._lines)

    async def fetchval(self, sql: str, *args: object) -> object:
        return await self._connection.fetchval(sql, *args)

    async def fetch(self, sql: str, *args: int) -> list[object]:
        for number, value in reversed(list(enumerate(args, 1))):
            sql = sql.replace(f"${number}", f"{value}::bigint")
        self._lines = [line for line, in await self._connection.fetch("EXPLAIN " + sql)]
        return []
