"""Accounts from their beginning to their end, whoever asks: their owner, an administrator, the command line.

What ends the trust in those who are logged in ends their sessions, also those that are being negotiated, and their
login tokens (protocol.md 11).
"""

from collections.abc import Awaitable, Callable, Sequence

from headrace.cluster.ports import Accounts
from headrace.core.jid import JID
from headrace.modules.archiving import Archiving
from headrace.modules.blocklists import Blocklists
from headrace.sasl.credentials import Credentials
from headrace.storage.ports import Storage

# Derives credentials from a password, in turn with others of the same source. Raises ValueError for a password that
# may not be one, headrace.session.derive.TooBusy.
Derive = Callable[[str, str], Awaitable[Credentials]]


class Lifecycle:
    def __init__(self, storage: Storage, accounts: Accounts, blocklists: Blocklists, archiving: Archiving,
                 derive: Derive) -> None:
        self._storage = storage
        self._accounts = accounts
        self._blocklists = blocklists
        self._archiving = archiving
        self._derive = derive
        self.deleting: Sequence[Callable[[str], Awaitable[None]]] = ()  # the modules' hooks

    async def create(self, jid: str, password: str, *, source: str = "") -> None:
        """jid: bare. Raises AccountExists, ValueError for a name with characters that may change yet (RFC 6122 5), and
        what `derive` raises."""
        JID.parse(jid, assigned=True)
        await self._storage.accounts.create(jid, await self._derive(source, password))

    async def set_password(self, jid: str, password: str, *, source: str = "", but: str | None = None) -> bool:
        """Its sessions end, but that one (full JID). False: no such account. Raises what `derive` raises."""
        credentials = await self._derive(source, password)
        if not await self._storage.accounts.set_credentials(jid, credentials):
            return False
        await self._revoke(jid, "reset", "the password has been changed", but=but)
        return True

    async def disable(self, jid: str) -> bool:
        """Nobody logs in to it any more. False: no such account."""
        if not await self._storage.accounts.set_disabled(jid, True):
            return False
        await self._revoke(jid, "policy-violation", "this account has been disabled")
        return True

    async def enable(self, jid: str) -> bool:
        """False: no such account."""
        return await self._storage.accounts.set_disabled(jid, False)

    async def end(self, jid: str) -> int:
        """Ends the account's sessions, or the one of a full JID; how many those were. Whoever knows the password may
        come again."""
        if "/" in jid:
            return await self._accounts.end(jid, "policy-violation", "ended by an administrator")
        return await self._revoke(jid, "policy-violation", "ended by an administrator")

    async def delete(self, jid: str, *, but: str | None = None) -> bool:
        """All that there is of it; contacts are told. That session (full JID) is left, for its owner to hear of it.

        False: no such account. Broken off, it leaves an account that is disabled and can be deleted again."""
        if not await self._storage.accounts.set_disabled(jid, True):
            return False
        await self._accounts.end(jid, "not-authorized", "this account has been deleted", but=but)
        for hook in self.deleting:
            await hook(jid)
        await self._storage.archive.forget(jid)     # first: without the account nobody would ask for it again
        await self._storage.accounts.delete(jid)
        self._blocklists.forget(jid)
        self._archiving.forget(jid)
        return True

    async def _revoke(self, jid: str, condition: str, text: str, *, but: str | None = None) -> int:
        """Ends sessions, and only then tokens: a login that was under way may just have been given one."""
        ended = await self._accounts.end(jid, condition, text, but=but)
        await self._storage.tokens.forget(jid)
        return ended
