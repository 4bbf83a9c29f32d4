"""Blocking Command: the list, its changes and pushes, and the judgement on stanzas for accounts that are not here.

What passes between sessions the router judges by its own copy of the list (protocol.md 13).
"""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from headrace.cluster.ports import Audience
from headrace.core import reply
from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.core.ns import BLOCKING
from headrace.modules.api import Effects, Interested, Module, Refused, Reply, Request, Target, Xep, iq
from headrace.modules.contacts import bits
from headrace.router.account import Subscription
from headrace.xep import blocking


class Blocking(Module):
    name = "blocking"
    xeps = (Xep(191, "1.3"),)
    features = (BLOCKING,)

    @dataclass(frozen=True, slots=True)
    class Options:
        max_items: int = 1_000  # of an account: all of them are in memory while it is logged in

    options: Options

    @iq("get", BLOCKING, "blocklist", Target.SELF)
    async def get(self, request: Request) -> Effects:
        # Under the lock: a change is either in the result or pushed behind it.
        async with self.context.locks.hold(request.account):
            jids = await self.context.blocklists.of(request.account)
        return Interested(Audience.BLOCKLIST), Reply(blocking.written("blocklist", sorted(jids)))

    @iq("set", BLOCKING, "block", Target.SELF, hold_all=True)
    async def block(self, request: Request) -> Effects:
        asked = self._asked(request)
        if not asked:
            raise Refused("bad-request")
        account = request.account
        if any(jid.partition("/")[0] in (account, account.rpartition("@")[2]) for jid in asked):
            raise Refused("not-allowed", "Neither your own account nor your server can be blocked.")
        async with self.context.locks.hold(account):
            before = await self.context.blocklists.of(account)
            after = before.union(asked)
            if len(after) > self.options.max_items:
                raise Refused("resource-constraint", f"At most {self.options.max_items} can be blocked.")
            await self.context.storage.blocks.add(account, after - before)
            await self._changed(account, after, blocking.written("block", asked))
        return Reply()

    @iq("set", BLOCKING, "unblock", Target.SELF, hold_all=True)
    async def unblock(self, request: Request) -> Effects:
        asked, account = self._asked(request), request.account
        async with self.context.locks.hold(account):
            before = await self.context.blocklists.of(account)
            freed = before.intersection(asked) if asked else before
            await self.context.storage.blocks.remove(account, freed)
            await self._changed(account, before - freed, blocking.written("unblock", asked))
            await self._missed(account, freed, before - freed)
        return Reply()

    def screen(self, request: Request) -> bool | Coroutine[Any, Any, bool]:
        known = self.context.blocklists.known(request.to)
        if known is None:
            return self.context.blocklists.keeps_away(request.to, request.sender)
        return blocking.listed(known, request.sender)

    def _asked(self, request: Request) -> list[str]:
        try:
            return blocking.parse(request.payload)
        except JIDError as error:
            raise Refused("jid-malformed", str(error)) from None

    async def _changed(self, account: str, jids: frozenset[str], push: bytes) -> None:
        self.context.blocklists.changed(account, jids)
        await self.context.accounts.set_blocked(account, jids)
        await self.context.accounts.push(account, push, Audience.BLOCKLIST)

    async def _missed(self, account: str, freed: frozenset[str], still: frozenset[str]) -> None:
        """Contacts who went while they were blocked: their last presence seen here was another."""
        for item in await self.context.storage.roster.load(account) if freed else ():
            there = blocking.listed(freed, item.jid) and not blocking.listed(still, item.jid)
            if not there or not bits(item) & Subscription.SUB_TO or not self._local(item.jid):
                continue
            if not any(resource.available for resource in await self.context.accounts.resources(item.jid)):
                stanza = reply.stanza("presence", from_=item.jid, to=account, type="unavailable")
                await self.context.accounts.deliver(account, stanza, Audience.AVAILABLE)

    def _local(self, jid: str) -> bool:
        return JID.parse(jid).domain in self.context.hosts
