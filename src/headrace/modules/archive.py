"""Message Archive Management: an account's own archive, its pages, preferences and age."""

from collections.abc import Sequence
from dataclasses import dataclass

from headrace.core import ns
from headrace.core.errors import JIDError
from headrace.core.stanza import parse_stanza
from headrace.modules.api import Context, Effects, Module, Refused, Reply, Request, Send, Target, Xep, iq
from headrace.storage.ports import EVER, ArchivedMessage, ArchiveFilter, ArchivePage, StorageError
from headrace.xep import mam
from headrace.xep.mam import Query
from headrace.xep.rsm import Unsupported

UNREAD = 262_144  # bytes of results that a client must have before it gets more: most pages are smaller


class Archive(Module):
    name = "archive"
    xeps = (Xep(59, "1.0"), Xep(313, "1.1.3"), Xep(359, "0.7.0"), Xep(441, "0.2.0"))
    account_features = (ns.MAM, ns.MAM_EXTENDED, ns.SID)

    @dataclass(frozen=True, slots=True)
    class Options:
        page: int = 100  # results at most in one page: clients ask for 50 to 100
        max_preferences: int = 1_000  # JIDs in an account's lists: all are in memory while it is logged in
        counted: int = 1_000  # how far matching messages are counted, unless the count alone is asked for

    options: Options

    def __init__(self, context: Context, options: Options) -> None:
        super().__init__(context, options)
        self._store = context.storage.archive
        self._ids = context.storage.queue

    @iq("get", ns.MAM, "query", Target.SELF)
    def form(self, request: Request) -> Effects:
        return Reply(mam.query_form())

    @iq("get", ns.MAM, "metadata", Target.SELF)
    async def metadata(self, request: Request) -> Effects:
        return Reply(await self.bound(request.account))

    async def bound(self, account: str) -> bytes:
        await self.context.accounts.settled(account)    # what it has just sent is there, too
        ends = await self._store.ends(account)
        if ends is None:
            return mam.metadata(None)
        first, last = ((self._id(end, account), end.time) for end in ends)
        return mam.metadata((first, last))

    @iq("set", ns.MAM, "query", Target.SELF)
    async def query(self, request: Request) -> Effects:
        try:
            query = mam.parse_query(request.payload)
        except Unsupported as error:
            raise Refused("feature-not-implemented", str(error)) from None
        except ValueError as error:
            raise Refused("bad-request", str(error)) from None
        await self.context.accounts.settled(request.account)
        self.context.archiving.queried[request.sender] = self.context.storage.queue.last
        try:
            page, count = await self._read(request.account, query)
        except (Refused, StorageError):     # it has got nothing: what waits is for its first presence, as ever
            self.gone(request.sender)
            raise
        account, rest = request.account, await self._send(request, query, page.messages)
        if rest is None:
            return ()
        messages = page.messages
        ends = (self._id(messages[0], account), self._id(messages[-1], account)) if messages else None
        return [*map(Send, rest), Reply(mam.fin(ends, count, complete=page.complete))]

    async def _read(self, account: str, query: Query) -> tuple[ArchivePage, int | None]:
        wanted = await self._filter(account, query)
        limit = min(self.options.page if query.page.max is None else query.page.max, self.options.page)
        return await self._page(account, query, wanted, limit), await self._count(account, query, wanted)

    @iq("get", ns.MAM, "prefs", Target.SELF)
    async def preferences(self, request: Request) -> Effects:
        return Reply(mam.preferences(await self.context.archiving.of(request.account)))

    @iq("set", ns.MAM, "prefs", Target.SELF, hold_all=True)
    async def change(self, request: Request) -> Effects:
        account = request.account
        if self.context.hosts[account.rpartition("@")[2]].anonymous:
            raise Refused("not-allowed", "An anonymous user has no archive.")
        try:
            wanted = mam.parse_preferences(request.payload)
        except JIDError as error:
            raise Refused("jid-malformed", str(error)) from None
        except ValueError as error:
            raise Refused("bad-request", str(error)) from None
        if len(wanted.always) + len(wanted.never) > self.options.max_preferences:
            raise Refused("resource-constraint", f"At most {self.options.max_preferences} can be listed.")
        async with self.context.locks.hold(account):
            await self.context.archiving.change(account, wanted)
            await self.context.accounts.set_archive(account, wanted)
        return Reply(mam.preferences(wanted))

    @iq("get", ns.MAM, "query", Target.ACCOUNT)
    @iq("set", ns.MAM, "query", Target.ACCOUNT)
    @iq("get", ns.MAM, "metadata", Target.ACCOUNT)
    @iq("get", ns.MAM, "prefs", Target.ACCOUNT)
    @iq("set", ns.MAM, "prefs", Target.ACCOUNT)
    def foreign(self, request: Request) -> Effects:
        raise Refused("forbidden")

    def gone(self, sender: str) -> None:
        self.context.archiving.queried.pop(sender, None)

    async def _filter(self, account: str, query: Query) -> ArchiveFilter:
        """In the archive's numbers. An id that is not there is an error (section 4.1.3, 4.3.2)."""
        numbers = {id: self._ids.number_of(id, account.encode()) for id in query.named}
        found = {message.id for message in await self._store.get(account, list(numbers.values()))} if numbers else set()
        if not found.issuperset(numbers.values()):
            raise Refused("item-not-found")
        after = max(numbers.get(id or "", 0) for id in (query.after_id, query.page.after))
        before = min(numbers.get(id or "", EVER) for id in (query.before_id, query.page.before))
        peer = query.with_.partition("/")[0] if query.with_ is not None else None
        return ArchiveFilter(peer, query.start, query.end, after, before)

    async def _page(self, account: str, query: Query, wanted: ArchiveFilter, limit: int) -> ArchivePage:
        backwards = query.page.before is not None
        if query.ids:
            numbers = [self._ids.number_of(id, account.encode()) for id in query.ids]
            fits = [m for m in await self._store.get(account, numbers)
                    if wanted.after < m.id < wanted.before and matches(m, query.with_, account)]
            return ArchivePage(fits[-limit:] if backwards and limit else fits[:limit], len(fits) <= limit)
        if query.with_ is not None and "/" in query.with_:
            return await self._of_resource(account, query.with_, wanted, limit, backwards=backwards)
        return await self._store.page(account, wanted, limit, backwards=backwards)

    async def _of_resource(self, account: str, jid: str, wanted: ArchiveFilter, limit: int, *,
                           backwards: bool) -> ArchivePage:
        """Boxes know bare JIDs alone; what else fits is looked through."""
        found: list[ArchivedMessage] = []
        while True:
            page = await self._store.page(account, wanted, self.options.page, backwards=backwards)
            fits = [message for message in page.messages if matches(message, jid, account)]
            found = fits + found if backwards else found + fits
            if page.complete or len(found) > limit:
                kept = found[max(0, len(found) - limit):] if backwards else found[:limit]
                return ArchivePage(kept, len(found) <= limit)
            edge = page.messages[0 if backwards else -1].id
            wanted = wanted._replace(before=edge) if backwards else wanted._replace(after=edge)

    async def _count(self, account: str, query: Query, wanted: ArchiveFilter) -> int | None:
        """Of all that match, whatever the page; None where that would take long."""
        if query.ids or (query.with_ is not None and "/" in query.with_):
            return None
        if query.page.max == 0:
            return await self._store.count(account, wanted)
        after = self._ids.number_of(query.after_id, account.encode()) if query.after_id else 0
        before = self._ids.number_of(query.before_id, account.encode()) if query.before_id else EVER
        count = await self._store.count(account, wanted._replace(after=after, before=before), self.options.counted)
        return count if count < self.options.counted else None

    async def _send(self, request: Request, query: Query, messages: Sequence[ArchivedMessage]) -> list[bytes] | None:
        """Sends results as fast as the client reads, all but the last, which this answers; None: it has gone."""
        batch: list[bytes] = []
        for message in reversed(messages) if query.flip else messages:
            batch.append(mam.result(request.account, request.sender, query.id, time=message.time,
                                    id=self._id(message, request.account), stanza=message.stanza))
            if sum(map(len, batch)) > UNREAD:
                if not await self.context.accounts.write(request.sender, batch):
                    return None
                batch = []
        return batch

    def _id(self, message: ArchivedMessage, account: str) -> str:
        return self._ids.id_of(message.id, account.encode())


def matches(message: ArchivedMessage, jid: str | None, account: str) -> bool:
    """Is it to or from this JID, bare or full, which is not just the account's own side?"""
    if jid is None:
        return True
    stanza = parse_stanza(message.stanza)
    sides = [side or "" for side in (stanza.from_, stanza.to)]
    if jid.partition("/")[0] == account and not all(side.partition("/")[0] == account for side in sides):
        return False
    return any(jid in (side, side.partition("/")[0]) for side in sides)
