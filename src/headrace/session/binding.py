"""Resources (RFC 6120 7, XEP-0386): whose they are, what they are called, whom they replace."""

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.session.ports import AccountLoader, Sessions

_ID_BYTES = 9       # 12 characters: what a client's identifier is shortened to
_TAG_CHARS = 100    # of a client's name; XEP-0386 has no bound, a JID's resource has 1023 bytes


@dataclass(frozen=True, slots=True)
class AccountLimits:
    sessions: int = 50  # of an account at once: a person has a handful of devices, and each may hold 16 MiB unread


class TooManySessions(Exception):
    """The account has as many as it may have (RFC 6120 7.6.2.1)."""


class Binder:
    def __init__(self, loader: AccountLoader, sessions: Sessions, secret: bytes,
                 limits: AccountLimits | None = None) -> None:
        """secret: outlives restarts; makes a client's part of a resource the same each time, and no one's guess."""
        self._loader = loader
        self._sessions = sessions
        self._secret = secret
        self._limits = limits or AccountLimits()

    async def load(self, account: JID) -> None:
        """Brings the account's tables in; a session has to be bound then, or release() called. Raises StorageError."""
        try:
            await self._loader.load(account.bare)
        except BaseException:
            self._sessions.release(account.bare)
            raise

    def release(self, account: JID) -> None:
        self._sessions.release(account.bare)

    def replace(self, jid: JID) -> None:
        """A session of that full JID is most often the same client's, whose old connection is dead
        (RFC 6120 7.7.2.2). Raises TooManySessions, where it would be one more: older ones stay."""
        older = self._sessions.find(jid.full)
        if older is not None:
            self._sessions.end(older, "conflict", "replaced by a new connection")
        if len(self._sessions.sessions(jid.bare)) >= self._limits.sessions:
            raise TooManySessions(f"{jid.bare} has {self._limits.sessions} sessions; end one of them")

    def resource(self, account: JID, tag: str, client: str | None) -> JID:
        """`tag/id`, of the tag that the client gave itself; the id is the same for the same client of the account, and
        does not tell what it calls itself (XEP-0386 3.2.1)."""
        own = self._own(account, client) if client else secrets.token_urlsafe(_ID_BYTES)
        try:
            return JID.parse(f"{account.bare}/{tag[:_TAG_CHARS]}/{own}" if tag else f"{account.bare}/{own}")
        except JIDError:    # a tag that cannot be in a JID
            return JID.parse(f"{account.bare}/{own}")

    def end_earlier(self, account: JID, jid: JID) -> None:
        """Other sessions of the client that jid is of, whatever their tags (XEP-0386 3.2)."""
        own = (jid.resource or "").rpartition("/")[2]
        for session in self._sessions.sessions(account.bare):
            if session.resource.rpartition("/")[2] == own and session.jid != jid.full:
                self._sessions.end(session, "conflict", "replaced by a new connection")

    def _own(self, account: JID, client: str) -> str:
        digest = hmac.digest(self._secret, f"resource {account.bare} {client}".encode(), "sha256")
        return urlsafe_b64encode(digest[:_ID_BYTES]).decode()
