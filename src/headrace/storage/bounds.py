"""What filters of an archive mean in ids, and other figures that both back ends share."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from headrace.router.archive import number_at, time_of
from headrace.router.group import MessageFlag
from headrace.storage.ports import ArchivedMessage, ArchiveFilter, ArchivePage, OfflineMessage, SpooledMessage

STEP = 500              # messages that leave archives in one transaction: some 5 ms, which others wait
PAUSE = 0.02            # s between two such steps
H_SECONDS = 86_400      # how far back a session is looked for (protocol.md 4)
H_MESSAGES = 20_000     # of its account, at most

OFFLINE = int(MessageFlag.M_OFFLINE)
SENT = int(MessageFlag.M_ARCHIVE_A)
GOT = int(MessageFlag.M_ARCHIVE_B)
GIVEN = int(MessageFlag.M_GIVEN)
KEPT = OFFLINE | SENT | GOT     # somebody has it; what is on its way to another server is in the spool


def bounds(filter: ArchiveFilter) -> tuple[int, int]:
    """The ids lie between these two."""
    after, before = filter.after, filter.before
    if filter.start is not None:
        after = max(after, number_at(_milliseconds(filter.start, up=True) / 1000) - 1)
    if filter.end is not None:
        before = min(before, number_at((_milliseconds(filter.end, up=False) + 1) / 1000))
    return after, before


def _milliseconds(seconds: float, *, up: bool) -> int:
    """By way of microseconds, below which a float of today's seconds is not exact."""
    micros = max(0, min(round(seconds * 1e6), 9_000_000_000_000_000))     # the year 2255
    return -(-micros // 1000) if up else micros // 1000


def archived(id: int, stanza: bytes) -> ArchivedMessage:
    return ArchivedMessage(id, (id >> 10) // 1000 / 1000, stanza)


def page_of(found: list[ArchivedMessage], limit: int, *, backwards: bool) -> ArchivePage:
    """Of the messages found, at most one more than the limit, in the order in which they were looked for."""
    kept = found[:limit]
    return ArchivePage(kept[::-1] if backwards else kept, len(found) <= limit)


def waiting(rows: Iterable[tuple[int, bytes, int]]) -> list[OfflineMessage]:
    """Of (id, stanza, flags)."""
    return [OfflineMessage(id, time_of(id), stanza, bool(flags & GOT)) for id, stanza, flags in rows]


def spooled(rows: Iterable[tuple[int, bytes]]) -> list[SpooledMessage]:
    return [SpooledMessage(id, time_of(id), stanza) for id, stanza in rows]


async def in_steps(step: Callable[[int], Awaitable[tuple[int, int]]]) -> int:
    """One step after the other, between which others have their turn. step: given the id where the last one ended, it
    answers the id where it ended (0: nothing is left) and how many messages it has dealt with. How many in all."""
    last = total = 0
    while True:
        last, number = await step(last)
        total += number
        if last == 0:
            return total
        await asyncio.sleep(PAUSE)


def signed(key: int) -> int:
    """64 bits as databases have them."""
    return key - 2**64 if key >= 2**63 else key
