"""Messages for those who are away: kept, then delivered once and in order (XEP-0160, XEP-0203).

The archive is where they wait (protocol.md 5): a login is given what lies beyond its account's mark, unless it asks the
archive itself before its first presence. What no archive takes waits as an offline message.
"""

import asyncio
from dataclasses import dataclass

from headrace.cluster.ports import Resource
from headrace.core import ns
from headrace.core.names import Known
from headrace.core.stanza import parse_stanza
from headrace.modules.allowance import Allowance
from headrace.modules.api import Context, Effects, Later, Module, Outcome, Refused, Request, Xep
from headrace.modules.locks import Locks
from headrace.router.group import MessageFlag
from headrace.router.neighbour import Visitor
from headrace.storage.ports import OfflineMessage, StorageError
from headrace.xep.blocking import listed
from headrace.xep.delay import delay
from headrace.xep.ids import stanza_id

BATCH = 50  # messages handed over before the next are fetched: a client that reads slowly costs no memory

MOST_READ = 1_000  # read at once where nothing was to be handed over

LONGEST_WAIT = 2.0  # s that a sender's next words wait for a commit

PAUSE = 5.0  # s between two attempts to hand over what the storage does not give

COUNTED = 10_000  # accounts whose counts stay in memory


class Offline(Module):
    name = "offline"
    xeps = (Xep(160, "1.0.1"), Xep(203, "2.0"))
    features = (ns.OFFLINE,)

    @dataclass(frozen=True, slots=True)
    class Options:
        max_messages: int = 1_000  # per account, beside its archive: a busy contact's month; past it senders are told
        unknown_per_minute: int = 20  # errors to a sender about unknown accounts: for typing errors, no search

    options: Options

    def __init__(self, context: Context, options: Options) -> None:
        super().__init__(context, options)
        self._errors = Allowance(options.unknown_per_minute, context.now)
        self._turns = Locks()  # one resource of an account at a time gets its messages
        self._counts: dict[str, int] = {}  # outside the archive, by account that some were kept for lately
        self._here: dict[str, set[str]] = {}  # who has come, by account; priorities may have sunk since
        self._handed: dict[str, int] = {}  # up to which number, by account that somebody takes messages for
        self._owed: set[str] = set()  # accounts whose messages could not be read when somebody came

    async def deleting(self, account: str) -> None:
        self._counts.pop(account, None)

    async def absent(self, request: Request) -> Effects:
        try:
            commit, came = await self._queue(request)
        except StorageError:
            raise Refused("resource-constraint", type="wait") from None
        if commit is None:
            return ()
        if not came:
            return Later(self._committed(commit))
        # Behind what is kept already, and before what its sender says next, unless that takes too long.
        await asyncio.wait([commit], timeout=LONGEST_WAIT)
        work = self._committed_for_somebody(commit, request.to)
        return await work if commit.done() else Later(work)

    async def _queue(self, request: Request) -> tuple[asyncio.Future[int] | None, bool]:
        """The commit to come, None for an account that is not there; has somebody come who takes messages?"""
        storage = self.context.storage
        if not await storage.accounts.exists(request.to):
            # Strangers elsewhere learn nothing (protocol.md 12); ours, a typing error.
            if request.account.rpartition("@")[2] in self.context.hosts and self._errors.take(request.account):
                raise Refused("service-unavailable")
            return None, False
        flags = await self._where(request)
        if flags & MessageFlag.M_OFFLINE and await self._count(request.to) >= self.options.max_messages:
            raise Refused("service-unavailable")
        came = await self._taker(request.to) is not None  # while we looked, or it is being handed older ones
        # Queued, in order, when add() returns; what the sender says next need not wait for the commit.
        commit = storage.archive.add(request.account, request.to, request.stanza.raw, flags, self.context.now(),
                                     ticket=request.ticket)
        if flags & MessageFlag.M_OFFLINE:
            self._counts[request.to] = self._counts.get(request.to, 0) + 1
        return asyncio.ensure_future(commit), came

    async def _where(self, request: Request) -> MessageFlag:
        """In which archives it belongs; if not in the recipient's, it waits as an offline message."""
        archiving, flags = self.context.archiving, MessageFlag(0)
        if request.stanza.known >> Known.K_NO_PERMANENT_STORE & 1:
            return MessageFlag.M_OFFLINE
        if await self._sender_keeps(request):
            flags |= MessageFlag.M_ARCHIVE_A
        if await archiving.takes(request.to, request.sender):
            return flags | MessageFlag.M_ARCHIVE_B | MessageFlag.M_GIVEN
        return flags | MessageFlag.M_OFFLINE

    async def _sender_keeps(self, request: Request) -> bool:
        """Does it belong in the sender's archive, too? Its home knows."""
        if request.ticket is None:
            return False
        if isinstance(request.ticket.session, Visitor):
            return request.ticket.session.archives
        return await self.context.archiving.takes(request.account, request.stanza.to or request.to)

    async def _count(self, account: str) -> int:
        """From memory after the first: a storage that counts must commit first, and groups would be of one."""
        if account not in self._counts:
            await self.context.marks.flush()
            count = await self.context.storage.archive.offline(account)
            if len(self._counts) >= COUNTED:
                self._counts.clear()
            self._counts[account] = count
        return self._counts[account]

    async def _committed(self, commit: asyncio.Future[int]) -> Effects:
        try:
            await commit
        except StorageError:
            raise Refused("resource-constraint", type="wait") from None
        return ()

    async def _committed_for_somebody(self, commit: asyncio.Future[int], account: str) -> Effects:
        await self._committed(commit)
        return await self._hand_over(account, commit.result())

    def available(self, sender: str, priority: int) -> Outcome:
        return self._come(sender) if priority >= 0 else None

    def rose(self, sender: str) -> Outcome:
        return self._come(sender)

    def gone(self, sender: str) -> Outcome:
        account = sender.partition("/")[0]
        here = self._here.get(account, set())
        here.discard(sender)
        if here:
            return None
        self._here.pop(account, None)
        self._handed.pop(account, None)  # what was not acknowledged waits for the next again
        return None

    def _come(self, resource: str) -> Outcome:
        account = resource.partition("/")[0]
        self._here.setdefault(account, set()).add(resource)
        return self._welcome(account)

    async def _welcome(self, account: str) -> Effects:
        """The first that takes messages is given what waits. Where another one did as it came, that has been, and what
        comes goes to both: also if the other has sunk or gone since."""
        return await self._hand_over(account) if await self.context.accounts.catching_up(account) else ()

    async def _hand_over(self, account: str, number: int = 0) -> Effects:
        """All that waits, to one resource at a time: what one that goes has not acknowledged is for the next. Or just
        the message of that number."""
        try:
            async with self._turns.hold(account):
                while (resource := await self._taker(account)) is not None:
                    if await self._hand_to(resource, account, number):
                        break
                    self._handed.pop(account, None)
        except StorageError:
            if account not in self._owed:
                self._owed.add(account)
                return Later(self._hand_over_later(account))
        return ()

    async def _hand_over_later(self, account: str) -> Effects:
        """The storage gets time to recover."""
        await asyncio.sleep(PAUSE)
        self._owed.discard(account)
        return await self._hand_over(account)

    async def _hand_to(self, resource: str, account: str, number: int) -> bool:
        """False: the resource has gone."""
        handed = self._handed.get(account)
        if number and (handed is None or number <= handed):
            return True  # had, or to be had with what else waits: who has just come is still to be welcomed
        after = number - 1 if number else max(handed or 0, await self.context.marks.of(account))
        blocked = await self.context.blocklists.of(account)  # they may have come before it blocked them
        # What it has asked the archive for it has, or asks for itself; what came after that it can't know of.
        asked = self.context.archiving.queried.get(resource, 0)
        limit = 1 if number else BATCH
        while messages := await self.context.storage.archive.pending(account, after, limit):
            apart = await self.context.accounts.apart(account)
            stanzas = [(message.id, self._delayed(message, account)) for message in messages
                       if not (is_from(message, blocked) or (message.archived and message.id <= asked)
                               or message.id in apart)]
            if stanzas and not await self.context.accounts.hand_over(resource, stanzas):
                return False
            after = messages[-1].id
            if number:
                break
            limit = BATCH if stanzas else MOST_READ  # what comes to its full JID meanwhile must not outrun this
        self._handed[account] = max(after, handed or 0)
        self._counts.pop(account, None)
        return True

    def _delayed(self, message: OfflineMessage, account: str) -> bytes:
        """The stored stanza with its id, stamped by our domain, unless it was when a session had it that is lost."""
        end, id, host = b"</message>", b"", account.rpartition("@")[2]
        if message.archived:
            id = stanza_id(account, self.context.storage.queue.id_of(message.id, account.encode()))
        stamp = b"" if is_stamped(message.stanza, host) else delay(host, message.time)
        return message.stanza.removesuffix(end) + id + stamp + end

    async def _takers(self, account: str) -> list[Resource]:
        """Those that take messages to the bare JID: available, with a priority that is not negative."""
        return [r for r in await self.context.accounts.resources(account) if r.available and r.priority >= 0]

    async def _taker(self, account: str) -> str | None:
        """The one of the highest priority; one that is lost only if there is no other."""
        takers = await self._takers(account)
        return max(takers, key=lambda r: (not r.hibernated, r.priority)).jid if takers else None


def is_from(message: OfflineMessage, jids: frozenset[str]) -> bool:
    return bool(jids) and listed(jids, parse_stanza(message.stanza).from_ or "")


def is_stamped(raw: bytes, host: str) -> bool:
    stanza = parse_stanza(raw)
    return bool(stanza.known >> Known.K_DELAY & 1) and any(
        child.get("from") == host for child in stanza.element().iterfind(f"{{{ns.DELAY}}}delay"))
