"""Messages for those who are away: kept, then delivered once and in order (XEP-0160, XEP-0203)."""

import asyncio
from dataclasses import dataclass

from headrace.core import ns
from headrace.core.names import Known
from headrace.core.stanza import Stanza, parse_stanza
from headrace.modules.allowance import Allowance
from headrace.modules.api import Context, Effects, Later, Module, Outcome, Refused, Request, Xep
from headrace.modules.locks import Locks
from headrace.storage.ports import OfflineMessage, StorageError
from headrace.xep.blocking import listed
from headrace.xep.delay import delay

BATCH = 50  # messages handed over before the next are fetched: a client that reads slowly costs no memory

LONGEST_WAIT = 2.0  # s that a sender's next words wait for a commit

PAUSE = 5.0  # s between two attempts to hand over what the storage does not give

COUNTED = 10_000  # accounts whose counts stay in memory

# Children that alone are no reason to keep a message: states of the moment, and what accompanies content.
_FLEETING = tuple(f"{{{namespace}}}" for namespace in (
    "http://jabber.org/protocol/chatstates", "urn:xmpp:chat-markers:0", ns.HINTS, ns.SID, ns.DELAY))


def keeps(stanza: Stanza) -> bool:
    """Is it the kind of message that XEP-0160 section 3 or XEP-0334 wants stored?"""
    if stanza.known >> Known.K_NO_STORE & 1:
        return False
    if stanza.known >> Known.K_BODY & 1 or stanza.known >> Known.K_STORE & 1:
        return True
    return any(not child.tag.startswith(_FLEETING) and child.tag != f"{{{ns.CLIENT}}}thread"
               for child in stanza.element())


class Offline(Module):
    name = "offline"
    xeps = (Xep(160, "1.0.1"), Xep(203, "2.0"))
    features = (ns.OFFLINE,)

    @dataclass(frozen=True, slots=True)
    class Options:
        max_messages: int = 1_000  # per account: a month of a busy contact; past it senders are told
        unknown_per_minute: int = 20  # errors to a sender about unknown accounts: for typing errors, no search

    options: Options

    def __init__(self, context: Context, options: Options) -> None:
        super().__init__(context, options)
        self._errors = Allowance(options.unknown_per_minute, context.now)
        self._turns = Locks()  # one resource of an account at a time gets its messages
        self._counts: dict[str, int] = {}  # of accounts that messages were kept for lately
        self._written: dict[str, int] = {}  # up to which id, by account, while the storage has not forgotten them
        self._owed: set[str] = set()  # accounts whose messages could not be read when somebody came

    def absent(self, request: Request) -> Outcome:
        if keeps(request.stanza):
            return self._keep(request)
        if request.stanza.known >> Known.K_BODY & 1:
            raise Refused("service-unavailable")
        return ()

    async def _keep(self, request: Request) -> Effects:
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
        if await self._count(request.to) >= self.options.max_messages:
            raise Refused("service-unavailable")
        came = await self._taker(request.to) is not None  # while we looked, or it is being handed older ones
        # Queued, in order, when add() returns; the ticket need not wait for the commit.
        commit = storage.offline.add(request.to, request.account, request.stanza.raw, self.context.now())
        self._counts[request.to] = self._counts.get(request.to, 0) + 1
        return asyncio.ensure_future(commit), came

    async def _count(self, account: str) -> int:
        """From memory after the first: a storage that counts must commit first, and groups would be of one."""
        if account not in self._counts:
            count = await self.context.storage.offline.count(account)
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
        return await self._hand_over(account)

    def available(self, sender: str, priority: int) -> Outcome:
        return self._hand_over(sender.partition("/")[0]) if priority >= 0 else None

    def rose(self, sender: str) -> Outcome:
        return self._hand_over(sender.partition("/")[0])

    async def _hand_over(self, account: str) -> Effects:
        """To one resource at a time; forgotten once written to its socket: a session that dies loses none."""
        try:
            async with self._turns.hold(account):
                while (resource := await self._taker(account)) is not None:
                    if not await self._hand_to(resource, account):
                        break
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

    async def _hand_to(self, resource: str, account: str) -> bool:
        """What waits; False: nothing does."""
        offline = self.context.storage.offline
        if account in self._written:
            await offline.remove(account, self._written[account])
            del self._written[account]
        messages = await offline.fetch(account)
        blocked = await self.context.blocklists.of(account)  # they may have come before it blocked them
        for batch in batches(messages):
            stanzas = [delayed(message, account) for message in batch if not is_from(message, blocked)]
            if not await self.context.accounts.hand_over(resource, stanzas):
                break
            self._written[account] = batch[-1].id
            await offline.remove(account, batch[-1].id)
            del self._written[account]
            self._counts.pop(account, None)
        return bool(messages)

    async def _taker(self, account: str) -> str | None:
        """A resource that takes messages to the bare JID: available, priority not negative, the highest."""
        ready = [r for r in await self.context.accounts.resources(account) if r.available and r.priority >= 0]
        return max(ready, key=lambda resource: resource.priority).jid if ready else None


def batches(messages: list[OfflineMessage]) -> list[list[OfflineMessage]]:
    return [messages[i:i + BATCH] for i in range(0, len(messages), BATCH)]


def is_from(message: OfflineMessage, jids: frozenset[str]) -> bool:
    return bool(jids) and listed(jids, parse_stanza(message.stanza).from_ or "")


def delayed(message: OfflineMessage, account: str) -> bytes:
    """The stored stanza, stamped by our domain."""
    end = b"</message>"
    return message.stanza.removesuffix(end) + delay(account.rpartition("@")[2], message.time) + end
