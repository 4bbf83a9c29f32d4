"""Messages for those who are away: kept, then delivered once and in order (XEP-0160, XEP-0203)."""

from collections.abc import Awaitable
from dataclasses import dataclass

from headrace.core import ns
from headrace.core.names import Known
from headrace.core.stanza import Stanza, parse_stanza
from headrace.modules.allowance import Allowance
from headrace.modules.api import Context, Effects, Later, Module, Outcome, Refused, Request, Xep
from headrace.modules.locks import Locks
from headrace.storage.ports import OfflineMessage, StorageUnavailable
from headrace.xep.blocking import listed
from headrace.xep.delay import delay

BATCH = 50  # messages handed over before the next are fetched: a client that reads slowly costs no memory

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

    def absent(self, request: Request) -> Outcome:
        if keeps(request.stanza):
            return self._keep(request)
        if request.stanza.known >> Known.K_BODY & 1:
            raise Refused("service-unavailable")
        return ()

    async def _keep(self, request: Request) -> Effects:
        storage = self.context.storage
        if not await storage.accounts.exists(request.to):
            if self._errors.take(request.account):
                raise Refused("service-unavailable")
            return ()
        if await self._count(request.to) >= self.options.max_messages:
            raise Refused("service-unavailable")
        stanza = request.stanza.raw
        came = await self._taker(request.to) is not None  # while we looked, or it is being handed older ones
        try:
            # Queued, in order, when add() returns; the ticket need not wait for the commit.
            commit = storage.offline.add(request.to, request.account, stanza, self.context.now())
        except StorageUnavailable:
            raise Refused("resource-constraint", type="wait") from None
        self._counts[request.to] = self._counts.get(request.to, 0) + 1
        if not came:
            return Later(self._committed(commit))
        await self._committed(commit)  # behind what is kept already, and before what its sender says next
        return await self._hand_over(request.to)

    async def _count(self, account: str) -> int:
        """From memory after the first: a storage that counts must commit first, and groups would be of one."""
        if account not in self._counts:
            count = await self.context.storage.offline.count(account)
            if len(self._counts) >= COUNTED:
                self._counts.clear()
            self._counts[account] = count
        return self._counts[account]

    async def _committed(self, commit: Awaitable[int]) -> Effects:
        try:
            await commit
        except StorageUnavailable:
            raise Refused("resource-constraint", type="wait") from None
        return ()

    def available(self, sender: str, priority: int) -> Outcome:
        return self._hand_over(sender.partition("/")[0]) if priority >= 0 else None

    def rose(self, sender: str) -> Outcome:
        return self._hand_over(sender.partition("/")[0])

    async def _hand_over(self, account: str) -> Effects:
        """To one resource at a time; forgotten once written to its socket: a session that dies loses none."""
        async with self._turns.hold(account):
            while (resource := await self._taker(account)) is not None:
                messages = await self.context.storage.offline.fetch(account)
                if not messages:
                    break
                blocked = await self.context.blocklists.of(account)  # they may have come before it blocked them
                for batch in batches(messages):
                    stanzas = [delayed(message, account) for message in batch if not is_from(message, blocked)]
                    if not await self.context.accounts.hand_over(resource, stanzas):
                        break
                    await self.context.storage.offline.remove(account, batch[-1].id)
                    self._counts.pop(account, None)
        return ()

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
