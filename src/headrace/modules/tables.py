"""What a login needs before a session is bound: the account's contacts in the router's tables."""

from headrace.modules.contacts import bits
from headrace.modules.locks import Locks
from headrace.router.router import Router
from headrace.storage.ports import RosterStore


class RosterLoader:
    """headrace.session.ports.AccountLoader, from the stored roster."""

    def __init__(self, router: Router, rosters: RosterStore, locks: Locks) -> None:
        self._router = router
        self._rosters = rosters
        self._locks = locks

    async def load(self, bare: str) -> None:
        """Raises StorageError."""
        # Under the account's lock: a change is either in what is read or follows in set_contact().
        async with self._locks.hold(bare):
            items = await self._rosters.load(bare)
            self._router.load(bare, {item.jid: bits(item) for item in items if bits(item)})
