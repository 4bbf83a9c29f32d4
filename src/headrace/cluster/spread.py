"""Accounts whose home is one of several workers: a call about one travels to its home, and its answer back."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import msgspec

from headrace.cluster.local import LocalAccounts
from headrace.cluster.ports import Audience, Online, Place, Resource
from headrace.xep.mam import Preferences

CHANNEL = "accounts"


class Call(msgspec.Struct, tag=True, array_like=True):
    number: int
    method: str
    arguments: bytes


class Answer(msgspec.Struct, tag=True, array_like=True):
    number: int
    result: bytes
    failed: bool = False


_READ = msgspec.msgpack.Decoder(Call | Answer)
_write = msgspec.msgpack.encode


class FarError(Exception):
    """The account's home could not do it, and has told its log why."""


class SpreadAccounts:
    """headrace.cluster.ports.Accounts."""

    def __init__(self, place: Place, local: LocalAccounts, revoke: Callable[[str, str, str], None]) -> None:
        """revoke(account, condition, text): ends the account's logins under way here, wherever its home is."""
        self._place = place
        self._local = local
        self._revoke = revoke
        self._last = 0
        self._open: dict[int, asyncio.Future[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        place.bus.listen(CHANNEL, self._receive)

    # What modules ask.

    async def push(self, account: str, payload: bytes, audience: Audience = Audience.INTERESTED) -> None:
        await self._at(account, "push", account, payload, audience.value)

    async def deliver(self, account: str, stanza: bytes, audience: Audience) -> int:
        return int(await self._at(account, "deliver", account, stanza, audience.value))

    async def hand_over(self, resource: str, stanzas: Sequence[tuple[int, bytes]]) -> bool:
        return bool(await self._at(resource, "hand_over", resource, list(stanzas)))

    async def write(self, resource: str, stanzas: Sequence[bytes]) -> bool:
        return bool(await self._at(resource, "write", resource, list(stanzas)))

    async def apart(self, account: str) -> set[int]:
        return set(await self._at(account, "apart", account))

    async def catching_up(self, account: str) -> bool:
        return bool(await self._at(account, "catching_up", account))

    async def acknowledged(self) -> dict[str, int]:
        return await self._local.acknowledged()     # each worker keeps the marks of its own

    async def settled(self, account: str) -> None:
        await self._at(account, "settled", account)

    async def route(self, stanza: bytes) -> None:
        await self._local.route(stanza)     # which finds its way

    async def show(self, account: str, watcher: str) -> int:
        return int(await self._at(account, "show", account, watcher))

    async def hide(self, account: str, watcher: str) -> int:
        return int(await self._at(account, "hide", account, watcher))

    async def directed(self, resource: str, to: str) -> bool:
        return bool(await self._at(resource, "directed", resource, to))

    async def set_contact(self, account: str, contact: str, subscription: int) -> None:
        await self._at(account, "set_contact", account, contact, int(subscription))

    async def set_blocked(self, account: str, jids: Collection[str]) -> None:
        await self._at(account, "set_blocked", account, sorted(jids))

    async def set_archive(self, account: str, preferences: Preferences) -> None:
        await self._at(account, "set_archive", account, preferences)

    async def resources(self, account: str) -> list[Resource]:
        return msgspec.convert(await self._at(account, "resources", account), list[Resource])

    async def online(self, host: str | None = None) -> list[Online]:
        found = await self._everywhere("online", host)
        return [each for part in found for each in msgspec.convert(part, list[Online])]

    async def end(self, jid: str, condition: str, text: str = "", *, but: str | None = None) -> int:
        """Logins at other workers first: what is on its way from there is home, or has ended, when its home looks."""
        home = self._place.home(jid.partition("/")[0])
        others = [worker for worker in range(self._place.workers) if worker != home]
        await asyncio.gather(*(self._ask(worker, "end", (jid, condition, text, but)) for worker in others))
        return int(await self._ask(home, "end", (jid, condition, text, but)))

    # The bus.

    async def _everywhere(self, method: str, *arguments: object) -> list[Any]:
        return await asyncio.gather(*(self._ask(worker, method, arguments) for worker in range(self._place.workers)))

    async def _at(self, jid: str, method: str, *arguments: object) -> Any:
        return await self._ask(self._place.home(jid.partition("/")[0]), method, arguments)

    async def _ask(self, worker: int, method: str, arguments: Sequence[object]) -> Any:
        if worker == self._place.here:
            return await self._do(method, list(arguments))
        self._last += 1
        answer = self._open[self._last] = asyncio.get_running_loop().create_future()
        self._place.bus.send(worker, CHANNEL, _write(Call(self._last, method, _write(arguments))))
        return msgspec.msgpack.decode(await answer)

    def _receive(self, worker: int, message: bytes) -> None:
        told = _READ.decode(message)
        if isinstance(told, Call):
            task = asyncio.get_running_loop().create_task(self._answer(worker, told))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        answer = self._open.pop(told.number)
        if answer.done():
            return
        if told.failed:
            answer.set_exception(FarError(told.result.decode()))
        else:
            answer.set_result(told.result)

    async def _answer(self, worker: int, call: Call) -> None:
        try:
            done = Answer(call.number, _write(await self._do(call.method, msgspec.msgpack.decode(call.arguments))))
        except Exception as error:
            done = Answer(call.number, f"{call.method}: {error}".encode(), failed=True)
        self._place.bus.send(worker, CHANNEL, _write(done))

    async def _do(self, method: str, arguments: list[Any]) -> Any:
        """Here, where the account is at home."""
        if method in ("push", "deliver"):
            arguments[2] = Audience(arguments[2])
        elif method == "set_archive":
            arguments[1] = msgspec.convert(arguments[1], Preferences)
        elif method == "end":
            return await self._end(*arguments)
        work: Callable[..., Awaitable[Any]] = getattr(self._local, method)
        return await work(*arguments)

    async def _end(self, jid: str, condition: str, text: str, but: str | None) -> int:
        """Its sessions, if they are here, and its logins."""
        account = jid.partition("/")[0]
        if self._place.is_home(account):
            return await self._local.end(jid, condition, text, but=but)
        if jid == account:
            self._revoke(account, condition, text)
        return 0
