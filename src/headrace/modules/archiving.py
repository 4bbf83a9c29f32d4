"""Whose messages accounts have archived (XEP-0441), as the control plane asks for it: also of accounts that nobody is
logged in to. The router has the preferences of those that are here (Router.set_archive).
"""

from collections import OrderedDict
from collections.abc import Mapping
from xml.etree import ElementTree

from headrace.modules.hosts import Host
from headrace.storage.ports import DocumentStore, RosterStore
from headrace.xep.mam import Preferences, parse_preferences, preferences

KEPT = 10_000  # accounts whose preferences stay in memory: nearly all are their host's
_KIND, _NAME = "archive", "preferences"  # in the document store


class Archiving:
    def __init__(self, documents: DocumentStore, roster: RosterStore, hosts: Mapping[str, Host]) -> None:
        self._documents = documents
        self._roster = roster
        self._defaults = {name: Preferences("never" if host.anonymous else host.archive)
                          for name, host in hosts.items()}
        self._known: OrderedDict[str, Preferences] = OrderedDict()
        self.queried: dict[str, int] = {}  # by full JID, the archive's last number when a session asked for messages

    def known(self, account: str) -> Preferences | None:
        """The account's, if they are in memory."""
        return self._known.get(account)

    async def of(self, account: str) -> Preferences:
        """The host's, unless the account has its own. Raises StorageError."""
        known = self._known.get(account)
        if known is None:
            kept = await self._documents.get(account, _KIND, _NAME)
            read = parse_preferences(ElementTree.fromstring(kept)) if kept else self._default(account)
            known = self._known.setdefault(account, read)  # what has changed meanwhile is newer
            self._forget_old()
        return known

    async def takes(self, account: str, peer: str) -> bool:
        """Does the account's archive take what passes between it and this JID, bare or full? Raises StorageError."""
        those = await self.of(account)
        in_roster = False
        if those.default == "roster":
            item = await self._roster.get(account, peer.partition("/")[0])
            in_roster = item is not None and item.listed
        return those.takes(peer, in_roster=in_roster)

    async def change(self, account: str, those: Preferences) -> None:
        """To be called under the account's lock. Raises StorageError."""
        await self._documents.put(account, _KIND, {_NAME: preferences(those)})
        self._known[account] = those
        self._known.move_to_end(account)
        self._forget_old()

    def forget(self, account: str) -> None:
        """The account is gone, and its preferences with it."""
        self._known.pop(account, None)

    def _default(self, account: str) -> Preferences:
        return self._defaults.get(account.rpartition("@")[2], Preferences())

    def _forget_old(self) -> None:
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
