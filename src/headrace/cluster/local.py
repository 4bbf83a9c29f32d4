"""Accounts whose home is this process, alone all of them: the ports straight on the router's tables."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from secrets import token_hex

from headrace.cluster.ports import Audience, Online, Resource
from headrace.core import reply
from headrace.router.account import ArchiveMode
from headrace.router.archive import STALE
from headrace.router.router import Router
from headrace.router.session import Session, SessionFlag
from headrace.xep.mam import Preferences


class LocalAccounts:
    """headrace.cluster.ports.Accounts."""

    def __init__(self, router: Router, revoke: Callable[[str, str, str], None] = lambda *_: None) -> None:
        """revoke(account, condition, text): ends the account's logins under way."""
        self._router = router
        self._revoke = revoke

    async def push(self, account: str, payload: bytes, audience: Audience = Audience.INTERESTED) -> None:
        for session in self._audience(account, audience):
            raw = reply.stanza("iq", payload, to=session.jid, id=token_hex(8), type="set")
            self._router.deliver(session, raw)

    async def deliver(self, account: str, stanza: bytes, audience: Audience) -> int:
        sessions = self._audience(account, audience)
        for session in sessions:
            self._router.deliver(session, stanza)
        return len(sessions)

    async def hand_over(self, resource: str, stanzas: Sequence[tuple[int, bytes]]) -> bool:
        session = self._router.find(resource)
        if session is None:
            return False
        for number, stanza in stanzas:
            self._router.lend(session, stanza, number)
        return await session.written()

    async def write(self, resource: str, stanzas: Sequence[bytes]) -> bool:
        session = self._router.find(resource)
        if session is None:
            return False
        for stanza in stanzas:
            self._router.deliver(session, stanza)
        return await session.written()

    async def apart(self, account: str) -> set[int]:
        return self._router.apart(account)

    async def catching_up(self, account: str) -> bool:
        return self._router.catching_up(account)

    async def acknowledged(self) -> dict[str, int]:
        return self._router.acknowledged()

    async def settled(self, account: str) -> None:
        if self._router.neighbours is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._router.neighbours.settled(), STALE)

    async def route(self, stanza: bytes) -> None:
        self._router.route(stanza)

    async def show(self, account: str, watcher: str) -> int:
        self._router.show(account, watcher)
        return len(self._audience(account, Audience.AVAILABLE))

    async def hide(self, account: str, watcher: str) -> int:
        self._router.hide(account, watcher)
        return len(self._audience(account, Audience.AVAILABLE))

    async def directed(self, resource: str, to: str) -> bool:
        return self._router.directed(resource, to)

    async def set_contact(self, account: str, contact: str, subscription: int) -> None:
        self._router.set_contact(account, contact, subscription)

    async def set_blocked(self, account: str, jids: Collection[str]) -> None:
        self._router.set_blocked(account, jids)

    async def set_archive(self, account: str, preferences: Preferences) -> None:
        mode = ArchiveMode[f"A_{preferences.default.upper()}"]
        self._router.set_archive(account, mode, preferences.always, preferences.never)

    async def resources(self, account: str) -> list[Resource]:
        return [Resource(session.jid, bool(session.flags & SessionFlag.S_AVAILABLE),
                         bool(session.flags & SessionFlag.S_INTERESTED), session.priority,
                         bool(session.flags & SessionFlag.S_HIBERNATED))
                for session in self._router.sessions(account) if not session.flags & SessionFlag.S_ENDED]

    async def online(self, host: str | None = None) -> list[Online]:
        return [Online(session.jid, bool(session.flags & SessionFlag.S_AVAILABLE), session.priority,
                       session.link.peer[0] if session.link else "", bool(session.link and session.link.tls),
                       session.silence)
                for session in self._router.everybody()
                if host is None or session.bare.rpartition("@")[2] == host]

    async def end(self, jid: str, condition: str, text: str = "", *, but: str | None = None) -> int:
        account = jid.partition("/")[0]
        ended = [session for session in self._router.sessions(account)
                 if session.jid != but and jid in (account, session.jid)]
        for session in ended:
            self._router.end(session, condition, text)
        if jid == account:
            self._revoke(account, condition, text)
        return len(ended)

    def _audience(self, account: str, audience: Audience) -> list[Session]:
        flag = SessionFlag[f"S_{audience.name}"]
        return [session for session in self._router.sessions(account)
                if session.flags & flag and not session.flags & SessionFlag.S_ENDED]
