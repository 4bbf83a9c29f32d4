"""Up to where accounts have what was sent to them (protocol.md 5): from the data plane to the storage, in groups.

A mark that is lost in a crash, up to SECONDS old, makes that a login is given again what its account has had.
"""

import asyncio

from headrace.cluster.ports import Accounts
from headrace.storage.ports import ArchiveStore, StorageError

SECONDS = 5.0  # between two groups; a login does not wait for them


class Marks:
    def __init__(self, archive: ArchiveStore, accounts: Accounts) -> None:
        self._archive = archive
        self._accounts = accounts
        self._owed: dict[str, int] = {}  # not stored yet
        self._task: asyncio.Task[None] | None = None

    async def of(self, account: str) -> int:
        """Raises StorageError."""
        self._collect(await self._accounts.acknowledged())
        return max(self._owed.get(account, 0), await self._archive.mark(account))

    async def flush(self) -> None:
        """Raises StorageError; what could not be stored is tried again the next time."""
        self._collect(await self._accounts.acknowledged())
        owed = dict(self._owed)     # also while they are being stored, of() must see them
        if not owed:
            return
        await self._archive.set_marks(owed)
        for account, mark in owed.items():
            if self._owed.get(account) == mark:     # another flush may have been quicker
                del self._owed[account]

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stores what is owed, if the storage lets it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        try:
            await self.flush()
        except StorageError:
            return  # the storage has told the operator; logins are given some messages again

    def _collect(self, marks: dict[str, int]) -> None:
        for account, mark in marks.items():
            self._owed[account] = max(mark, self._owed.get(account, 0))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            try:
                await self.flush()
            except StorageError:
                continue
