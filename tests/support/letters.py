"""Offline messages of a storage: those of its messages that are in no archive of whom they are for."""

from collections.abc import Awaitable

from headrace.router.group import MessageFlag
from headrace.storage.ports import EVER, OfflineMessage, Storage


class Letters:
    def __init__(self, storage: Storage) -> None:
        self._archive = storage.archive

    def add(self, owner: str, peer: str, stanza: bytes, time: float) -> Awaitable[int]:
        """For `owner` from `peer`; its id after the commit."""
        return self._archive.add(peer, owner, stanza, MessageFlag.M_OFFLINE, time)

    async def fetch(self, owner: str) -> list[OfflineMessage]:
        """In order."""
        return [message for message in await self._archive.pending(owner, 0, EVER) if not message.archived]

    async def remove(self, owner: str, up_to: int) -> int:
        """They are acknowledged; how many those were."""
        before = await self.count(owner)
        await self._archive.set_marks({owner: up_to})
        return before - await self.count(owner)

    async def count(self, owner: str) -> int:
        return await self._archive.offline(owner)
