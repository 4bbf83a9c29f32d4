"""Last Activity: how long our domains run and, for who may see its presence, when an account was last here."""

import asyncio

from headrace.core.ns import LAST_ACTIVITY
from headrace.modules.api import Context, Effects, Later, Module, Refused, Reply, Request, Target, Xep, iq
from headrace.modules.contacts import sees_us
from headrace.storage.ports import StorageError

GATHER = 0.2  # s between two commits: sessions that end meanwhile share one, and what it costs the disk


class Last(Module):
    name = "last"
    xeps = (Xep(12, "2.0"),)
    features = (LAST_ACTIVITY,)
    account_features = (LAST_ACTIVITY,)

    def __init__(self, context: Context, options: object) -> None:
        super().__init__(context, options)
        self._started = context.now()
        self._left: dict[str, float] = {}  # not stored yet
        self._storing: dict[str, float] = {}
        self._busy = False

    @iq("get", LAST_ACTIVITY, "query", Target.HOST)
    def uptime(self, request: Request) -> Effects:
        return self._seconds_since(self._started)

    @iq("get", LAST_ACTIVITY, "query", Target.SELF)
    def own(self, request: Request) -> Effects:
        return self._seconds_since(self.context.now())  # the one who asks is here

    @iq("get", LAST_ACTIVITY, "query", Target.ACCOUNT)
    async def contact(self, request: Request) -> Effects:
        """Forbidden to those without a subscription (XEP-0012 section 4), be there such an account or not."""
        if not sees_us(await self.context.storage.roster.get(request.to, request.account)):
            raise Refused("forbidden")
        if any(resource.available for resource in await self.context.accounts.resources(request.to)):
            return self._seconds_since(self.context.now())
        left = await self.when(request.to)
        if left is None:
            raise Refused("item-not-found")  # never logged in
        return self._seconds_since(left)

    async def when(self, account: str) -> float | None:
        """Unix s at which its last session ended; None if it never had one."""
        left = self._left.get(account) or self._storing.get(account)
        return left or await self.context.storage.accounts.last_seen(account)

    def gone(self, sender: str) -> Effects:
        self._left[sender.partition("/")[0]] = self.context.now()
        if self._busy:
            return None
        self._busy = True
        return Later(self._store())

    async def _store(self) -> Effects:
        """All that left meanwhile in one commit: a thousand sessions may end at once."""
        try:
            await self._store_all()
        finally:
            self._busy = False
        return ()

    async def _store_all(self) -> None:
        while self._left:
            await asyncio.sleep(GATHER)
            self._storing, self._left = self._left, {}
            try:
                await self.context.storage.accounts.set_last_seen(self._storing)
            except StorageError:
                self._left = {**self._storing, **self._left}  # for the next who leaves to take along
                break
            finally:
                self._storing = {}

    def _seconds_since(self, moment: float) -> Reply:
        seconds = max(0, int(self.context.now() - moment))
        return Reply(f"<query xmlns='{LAST_ACTIVITY}' seconds='{seconds}'/>".encode())
