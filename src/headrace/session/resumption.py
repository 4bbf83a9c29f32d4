"""Resuming a stream (XEP-0198 5): finding what a client names, alive or gone."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from xml.etree.ElementTree import Element

from headrace.core.jid import JID
from headrace.router.session import Session
from headrace.sasl.channel import Channel
from headrace.session.exchanges import Realm
from headrace.session.ports import Sessions, Wire
from headrace.storage.ports import StorageError
from headrace.stream.errors import StreamError
from headrace.xep.management import FEATURE, failed, resume, resumed

LONGEST_WAIT = 5.0  # s for what its old stream brought: twice what a store may take before messages are refused


class PastSessions(Protocol):
    """What storage knows of sessions that a crash has ended (protocol.md 4)."""

    async def last_h(self, owner: str, sm_key: int) -> int | None:
        """The highest h that is committed for the account's session of this key."""


@dataclass(frozen=True, slots=True)
class Found:
    """A session to be resumed. No await may lie between this and attach()."""

    session: Session
    id: bytes
    h: int  # of our stanzas that its client has


class Resumption:
    def __init__(self, sessions: Sessions, past: PastSessions | None = None) -> None:
        self._sessions = sessions
        self._past = past

    def feature(self, realm: Realm, channel: Channel) -> bytes:
        """Its child of XEP-0388's <inline/>."""
        return b"" if realm.anonymous else FEATURE

    async def find(self, account: JID, request: Element) -> Found | bytes:
        """What this <resume/> names, or the <failed/> that answers it. A session that is not the account's, or whose id
        is wrong by one letter, is like none."""
        try:
            wish = resume(request)
        except ValueError:
            return failed("bad-request")
        if wish.id is None:
            return failed("item-not-found")
        session = self._sessions.resumable(account.bare, wish.id)
        if session is not None:
            # What it has sent and we have not yet handled, it would send again; most often that is but a commit.
            await asyncio.wait([session.handled()], timeout=LONGEST_WAIT)
            session = self._sessions.resumable(account.bare, wish.id)   # others may have come before, or ended it
        if session is not None:
            return Found(session, wish.id, wish.h)
        return failed("item-not-found", await self._h(account.bare, wish.id))

    async def _h(self, account: str, id: bytes) -> int | None:
        h = self._sessions.last_h(account, id)
        if h is None and self._past is not None:
            try:
                h = await self._past.last_h(account, int.from_bytes(id[:8], "big"))
            except StorageError:
                return None
        return h


def attach(wire: Wire, lang: str | None, found: Found, say: Callable[[bytes], bytes] = bytes) -> None:
    """The connection is the session's from now on. say: what is sent, given the <resumed/>. Raises StreamError."""
    try:
        wire.resume(found.session, found.h, lang, lambda h: say(resumed(found.id, h)))
    except ValueError as error:
        raise StreamError("undefined-condition", "you acknowledge more than was sent", extra=error.args[0]) from None
