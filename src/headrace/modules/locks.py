"""One change at a time per account: who reads, decides and writes across an await takes its lock."""

import asyncio
from collections import deque
from types import TracebackType


class Locks:
    """Locks by bare JID, alive only while somebody holds or awaits them."""

    def __init__(self) -> None:
        self._held: dict[str, deque[asyncio.Future[None]]] = {}     # and who waits, in order

    def hold(self, *accounts: str) -> "_Hold":
        """`async with`: the locks of all these accounts; taken in sorted order: two pairs can't block each other."""
        return _Hold(self, accounts if len(accounts) == 1 else sorted(set(accounts)))

    async def take(self, account: str) -> None:
        """To be given back by leave()."""
        waiters = self._held.get(account)
        if waiters is None:
            self._held[account] = deque()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                waiters.remove(turn)
            else:       # it was given to us just now
                self.leave(account)
            raise

    def leave(self, account: str) -> None:
        """To the next who waits."""
        waiters = self._held[account]
        while waiters:
            turn = waiters.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self._held[account]


class _Hold:
    __slots__ = ("_locks", "_taken", "_wanted")

    def __init__(self, locks: Locks, wanted: "tuple[str, ...] | list[str]") -> None:
        self._locks = locks
        self._wanted = wanted
        self._taken = 0

    async def __aenter__(self) -> None:
        try:
            for account in self._wanted:
                await self._locks.take(account)
                self._taken += 1
        except BaseException:
            self._leave()
            raise

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        self._leave()

    def _leave(self) -> None:
        for account in self._wanted[:self._taken]:
            self._locks.leave(account)
