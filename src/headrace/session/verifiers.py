"""Our own accounts as a source of verifiers."""

from functools import partial

from headrace.sasl.credentials import DIGESTS, Credentials, Decoys, Digest, ScramVerifier
from headrace.session.derive import DerivePool
from headrace.storage.ports import Account, AccountStore


class OwnVerifiers:
    """headrace.session.ports.Verifiers over the storage."""

    digests = DIGESTS

    def __init__(self, accounts: AccountStore, decoys: Decoys, derive: DerivePool) -> None:
        self._accounts = accounts
        self._decoys = decoys
        self._derive = derive

    async def find(self, jid: str) -> Account | None:
        return await self._accounts.get(jid)

    async def check(self, jid: str, password: str, address: str) -> Account | None:
        """An account that doesn't exist takes as long as one that does."""
        account = await self._accounts.get(jid)
        known = account.credentials if account else Credentials(sha256=self._decoys.verifier("sha256", jid))
        right = await self._derive.run(address, partial(known.matches, password))
        return account if right else None

    async def add(self, jid: str, digest: Digest, verifier: ScramVerifier) -> None:
        await self._accounts.add_verifier(jid, digest, verifier)
