"""Whom accounts have blocked, as the control plane asks for it: also of accounts that nobody is logged in to.

The router has the lists of those that are here (Router.set_blocked) and judges what passes between sessions.
"""

from collections import OrderedDict

from headrace.storage.ports import BlockStore
from headrace.xep.blocking import listed

KEPT = 10_000  # accounts whose lists stay in memory: nearly all are empty and share one object


class Blocklists:
    def __init__(self, store: BlockStore) -> None:
        self._store = store
        self._known: OrderedDict[str, frozenset[str]] = OrderedDict()

    def known(self, account: str) -> frozenset[str] | None:
        """The account's list, if it is in memory."""
        return self._known.get(account)

    async def of(self, account: str) -> frozenset[str]:
        """The account's list, empty where there is no such account. Raises StorageError."""
        known = self._known.get(account)
        if known is None:
            read = await self._store.load(account)
            known = self._known.setdefault(account, read)  # what has changed meanwhile is newer
            self._forget_old()
        return known

    async def keeps_away(self, account: str, jid: str) -> bool:
        """Has the account blocked this JID, bare or full? Raises StorageError."""
        return listed(await self.of(account), jid)

    def changed(self, account: str, jids: frozenset[str]) -> None:
        """This is what is stored now."""
        self._known[account] = jids
        self._known.move_to_end(account)
        self._forget_old()

    def forget(self, account: str) -> None:
        """The account is gone, and its list with it."""
        self._known.pop(account, None)

    def _forget_old(self) -> None:
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
