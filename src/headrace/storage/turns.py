"""What is asked about one account takes effect in the order in which it was asked, though connections are several."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager


class Turns:
    """A change waits for those asked before it about any of its accounts; a read too. For one event loop."""

    def __init__(self) -> None:
        self._pending: dict[str, set[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def change(self, accounts: Collection[str]) -> AsyncIterator[None]:
        """The block runs when it is its turn; later ones wait until it ends, however it does."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        before = self._of(accounts)
        for account in accounts:
            self._pending.setdefault(account, set()).add(done)
        try:
            await _all(before)
            yield
        finally:
            done.set_result(None)
            for account in set(accounts):
                self._pending[account].discard(done)
                if not self._pending[account]:
                    del self._pending[account]

    def busy(self, accounts: Collection[str] | None) -> bool:
        """Would settled() wait?"""
        if not self._pending:
            return False
        return accounts is None or any(account in self._pending for account in accounts)

    async def settled(self, accounts: Collection[str] | None) -> None:
        """The changes of these accounts (None: of all) that were asked before are through."""
        await _all(self._of(self._pending if accounts is None else accounts))

    def _of(self, accounts: Collection[str]) -> set[asyncio.Future[None]]:
        return {change for account in accounts for change in self._pending.get(account, ())}


async def _all(changes: set[asyncio.Future[None]]) -> None:
    if changes:
        await asyncio.wait(changes)
