"""What keeping a message costs, and what reading a page of a large archive takes.

    python bench/load/archive.py                                # SQLite: 100 owners, groups of 500
    python bench/load/archive.py --owners 100000 --group 100    # random ones of many
    python bench/load/archive.py --postgres                     # on a server of its own, fsync on
    python bench/load/archive.py --pages 1000000                # pages of archives of 10,000, ... and so many

CPU time is user + system of this process, all its threads, and with --postgres of all processes of the server. Commits
(durability "power") and the filling of all boxes are in it; packing groups, which the data plane does, is not.
"""

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "tests")]

from corpus.chat import message
from headrace.router.group import Group, MessageFlag
from headrace.storage.ports import ArchiveFilter, Storage
from headrace.storage.postgres import open_postgres
from headrace.storage.sqlite import open_sqlite
from support.postgres import Postgres

KEPT = MessageFlag.M_ARCHIVE_A | MessageFlag.M_ARCHIVE_B | MessageFlag.M_GIVEN
TICK = os.sysconf("SC_CLK_TCK")


def cpu_of(parent: int) -> float:
    """Seconds of a process and its children, ended ones too."""
    total = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(entry.name) == parent or int(fields[1]) == parent:
                total += sum(map(int, fields[11:15])) if int(entry.name) == parent else sum(map(int, fields[11:13]))
    return total / TICK


@asynccontextmanager
async def opened(args: argparse.Namespace) -> AsyncIterator[tuple[Storage, Callable[[], float]]]:
    """A storage and a clock of its CPU seconds."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-", dir=args.folder) as folder:
        if not args.postgres:
            storage: Storage = open_sqlite(Path(folder) / "headrace.db", server=True)
            yield storage, time.process_time
            await storage.close()
            return
        postgres = Postgres(Path(folder))
        try:
            postgres.stop()
            with settings(fsync="on", shared_buffers="128MB"):
                postgres.start()
            storage = await open_postgres(postgres.schema(), server=True, patience=60)
            yield storage, lambda: time.process_time() + cpu_of(postgres.process.pid)
            await storage.close()
        finally:
            postgres.stop()


@contextmanager
def settings(**those: str) -> Iterator[None]:
    """Of PostgreSQL, other than in tests."""
    from support import postgres

    before = dict(postgres.SETTINGS)
    postgres.SETTINGS.update(those)
    yield
    postgres.SETTINGS.clear()
    postgres.SETTINGS.update(before)


def groups(storage: Storage, args: argparse.Namespace, count: int, owners: int) -> Iterator[Group]:
    """Packed groups of messages between random owners, ids as they come."""
    rng = random.Random(313)
    stanzas = [message(args.size, number=n) for n in range(50)]
    names = [f"user{n}@example.net".encode() for n in range(owners)]
    for _ in range(count // args.group):
        group = Group()
        for _ in range(args.group):
            group.add(storage.queue.number(), rng.choice(names), rng.choice(names), rng.choice(stanzas), KEPT)
        yield group


def everybody(storage: Storage, owners: int) -> Group:
    """A message from and to each: accounts of some age."""
    group = Group()
    for n in range(0, owners, 2):
        a, b = (f"user{number}@example.net".encode() for number in (n, n + 1))
        group.add(storage.queue.number(), a, b, b"<message/>", KEPT)
    return group


async def write(storage: Storage, group: Group) -> None:
    writer = storage.archive._write if hasattr(storage.archive, "_write") else storage.archive._writer.write
    await writer(group)


async def keep(args: argparse.Namespace) -> None:
    async with opened(args) as (storage, clock):
        await write(storage, everybody(storage, args.owners))
        packed = list(groups(storage, args, args.messages, args.owners))
        began, cpu, took = time.perf_counter(), clock(), []
        for group in packed:
            start = time.perf_counter()
            await write(storage, group)
            took.append(time.perf_counter() - start)
        if not args.postgres:
            await settle(storage)
        cpu, seconds = clock() - cpu, time.perf_counter() - began
        count = len(packed) * args.group
        took.sort()
        print(f"{count:,} messages of {args.size} bytes, {args.owners:,} owners, groups of {args.group}:"
              f" {cpu / count * 1e6:.2f} us of CPU each, {count / seconds:,.0f} messages/s,"
              f" group p50 {took[len(took) // 2] * 1e3:.1f} ms, p99 {took[len(took) * 99 // 100] * 1e3:.1f} ms")


async def settle(storage: Storage) -> None:
    """What is in the tail gets its box rows."""
    from headrace.storage.sqlite import boxes

    await storage.database.change(boxes.fill)


async def pages(args: argparse.Namespace) -> None:
    """The last page of 50, of one owner with everything and of one of its 1,000 peers."""
    async with opened(args) as (storage, clock):
        rng, owner = random.Random(313), b"romeo@example.org"
        stanzas, stored = [message(args.size, number=n) for n in range(50)], 0
        for size in [10_000 * 10 ** n for n in range(8) if 10_000 * 10 ** n <= args.pages]:
            while stored < size:
                group = Group()
                for _ in range(2_000):
                    peer = f"user{rng.randrange(1000)}@example.net".encode()
                    a, b = (owner, peer) if rng.random() < 0.5 else (peer, owner)
                    group.add(storage.queue.number(), a, b, rng.choice(stanzas), KEPT)
                await write(storage, group)
                stored += 2_000
            for what in ("all", "of a peer"):
                cpu, took = clock(), []
                for _ in range(500):
                    peer = None if what == "all" else f"user{rng.randrange(1000)}@example.net"
                    began = time.perf_counter()
                    page = await storage.archive.page(owner.decode(), ArchiveFilter(peer), 50, backwards=True)
                    took.append((time.perf_counter() - began) * 1e3)
                    assert page.messages
                cpu = (clock() - cpu) / len(took) * 1e3
                took.sort()
                print(f"{size:,} stored, last page of 50, {what}: {cpu:.2f} ms of CPU,"
                      f" mean {statistics.mean(took):.2f} ms,"
                      f" p50 {took[250]:.2f}, p99 {took[495]:.2f} ms", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--owners", type=int, default=100)
    parser.add_argument("--group", type=int, default=500)
    parser.add_argument("--size", type=int, default=300, help="bytes of a stanza")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--pages", type=int, default=0, help="measure pages, up to archives of so many messages")
    parser.add_argument("--folder", help="where the data lie")
    args = parser.parse_args()
    asyncio.run(pages(args) if args.pages else keep(args))


main()
