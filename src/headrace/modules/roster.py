"""The roster (RFC 6121 section 2): get, set, remove, and pushes to whoever asked for it."""

from dataclasses import dataclass
from secrets import token_hex

import msgspec

from headrace.core import reply
from headrace.core.ns import ROSTER
from headrace.modules import contacts, grants
from headrace.modules.api import Effects, Interested, Module, Refused, Reply, Request, Send, Target, iq
from headrace.storage.ports import RosterItem, RosterRevision
from headrace.stream import features
from headrace.xep import roster


class Roster(Module):
    name = "roster"
    stream_features = (features.roster_versioning(),)

    @dataclass(frozen=True, slots=True)
    class Options:
        handle_bytes: int = 1_023  # longest name of a contact; a JID part's length, as other servers have it
        group_bytes: int = 1_023  # longest name of a group

    options: Options

    @iq("get", ROSTER, "query", Target.SELF)
    async def get(self, request: Request) -> Effects:
        """All of it; or nothing, and pushes of what the client has missed (RFC 6121 2.6.3)."""
        account, rosters = request.account, self.context.storage.roster
        since = roster.known_version(request.payload)
        # Under the lock: a change is either in the result or pushed behind it.
        async with self.context.locks.hold(account):
            missed = None if since is None else await rosters.revisions(account, since)
            if missed == []:
                return Interested(), Reply()
            items = [item for item in await rosters.load(account) if item.listed]
            version = await rosters.version(account)
        if missed is None or len(missed) > len(items):
            return Interested(), Reply(roster.query(map(contacts.written, items), version))
        return Interested(), Reply(), *(Send(push(request.sender, revision)) for revision in missed)

    @iq("set", ROSTER, "query", Target.SELF, hold_all=True)
    async def set(self, request: Request) -> Effects:
        return await self._change(request.account, request)

    @iq("get", ROSTER, "query", Target.ACCOUNT)
    @iq("set", ROSTER, "query", Target.ACCOUNT)
    async def foreign(self, request: Request) -> Effects:
        """By a component to which the operator has granted that (XEP-0356 4.3)."""
        account, grant = request.to, grants.of(self.context.grants, request.sender, request.host)
        if grant is None or not grants.allows(grant.roster, request.stanza.type):
            raise Refused("forbidden")
        if not await self.context.storage.accounts.exists(account):
            raise Refused("item-not-found")
        if request.stanza.type == "set":
            return await self._change(account, request)
        async with self.context.locks.hold(account):
            return Reply(await self._whole(account))

    async def _whole(self, account: str) -> bytes:
        rosters = self.context.storage.roster
        items = [contacts.written(item) for item in await rosters.load(account) if item.listed]
        return roster.query(items, await rosters.version(account))

    async def _change(self, account: str, request: Request) -> Effects:
        try:
            change = roster.parse_set(request.payload, self.options.handle_bytes, self.options.group_bytes)
        except roster.Invalid as problem:
            raise Refused(str(problem)) from None
        if change.jid == account:
            raise Refused("not-allowed", "An account is not its own contact.")
        await (self.remove if change.remove else self.put)(account, change)
        return Reply()

    async def put(self, account: str, change: roster.Change) -> None:
        """Name and groups are the client's; the rest of an item stays as it is."""
        async with self.context.locks.hold(account):
            before = await self.context.storage.roster.get(account, change.jid)
            item = msgspec.structs.replace(before or RosterItem(change.jid), name=change.name,
                                           groups=change.groups, listed=True)
            await contacts.settle(self.context, contacts.Side(account, change.jid, before, item), None)

    async def remove(self, account: str, change: roster.Change) -> None:
        """Ends the subscriptions in both directions, then forgets the contact (RFC 6121 2.5.2)."""
        async with self.context.locks.hold(account, change.jid):
            ours, theirs = await contacts.read(self.context, account, change.jid)
            if ours.item is None or not ours.item.listed:
                raise Refused("item-not-found")
            contacts.part(ours, theirs)
            ours.item = None
            await contacts.settle(self.context, ours, theirs)


def push(resource: str, revision: RosterRevision) -> bytes:
    """For one resource that was not there when it happened."""
    item = revision.item
    entry = contacts.written(item) if item and item.listed else roster.removed(revision.contact)
    return reply.stanza("iq", roster.query([entry], revision.version), to=resource, id=token_hex(8), type="set")
