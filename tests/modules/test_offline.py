import asyncio
from collections.abc import Awaitable

import pytest

from headrace.modules import offline
from headrace.modules.api import Later, Refused
from headrace.modules.offline import BATCH, Offline
from headrace.router.group import MessageFlag
from headrace.storage.ports import StorageUnavailable
from support.stanzas import shape, tree
from support.world import World, effects, request

FLAGS = MessageFlag.M_ARCHIVE_B | MessageFlag.M_GIVEN
ROMEO, JULIET = "romeo@example.org", "juliet@example.net"


# What no archive takes: only such messages are counted.
BESIDE = "<body>{}</body><no-permanent-store xmlns='urn:xmpp:hints'/>"


async def message(world: World, module: Offline, inside: str, to: str = JULIET, sender: str = f"{ROMEO}/o") -> object:
    got = request(f"<message from='{sender}' to='{to}' type='chat'>{inside}</message>", sender)
    return await effects(module.absent(got))


async def come(module: Offline, resource: str, priority: int = 0) -> None:
    assert await effects(module.available(resource, priority)) == []


def bodies(stanzas: list[bytes]) -> list[str | None]:
    return [tree(raw).findtext("{jabber:client}body") for raw in stanzas]


async def test_delivered_in_order_with_delay_and_once(world: World) -> None:
    await world.account(JULIET)
    module = world.module(Offline)
    for n in range(3):
        await message(world, module, f"<body>{n}</body>", f"{JULIET}/gone" if n else JULIET)
        world.clock.time += 60
    balcony = world.arrives(f"{JULIET}/balcony")
    await come(module, balcony.jid)
    assert bodies(balcony.got) == ["0", "1", "2"]
    id = world.storage.queue.id_of((await world.storage.archive.pending(JULIET, 0, 3))[1].id, JULIET.encode())
    assert shape(tree(balcony.got[1])) == shape(tree(
        f"<message from='{ROMEO}/o' to='{JULIET}/gone' type='chat'><body>1</body>"
        f"<stanza-id xmlns='urn:xmpp:sid:0' by='{JULIET}' id='{id}'/>"
        "<delay xmlns='urn:xmpp:delay' from='example.net' stamp='2023-11-14T22:14:20.000Z'/></message>"))
    await come(module, balcony.jid)
    assert len(balcony.got) == 3
    assert len(await world.waiting(JULIET)) == 0


async def test_what_came_live_is_not_handed_over_when_somebody_is_available_once_more(world: World) -> None:
    await world.account(JULIET)
    module = world.module(Offline)
    balcony = world.arrives(f"{JULIET}/balcony")
    await come(module, balcony.jid)
    live = await world.storage.archive.add(ROMEO, JULIET, b"<message><body>live</body></message>", FLAGS)
    world.home.has[JULIET] = live
    balcony.available = False
    await message(world, module, "<body>kept</body>")
    balcony.available = True
    await come(module, balcony.jid)
    assert bodies(balcony.got) == ["kept"]


async def test_what_a_resource_has_got_apart_is_not_handed_over_again(world: World) -> None:
    await world.account(JULIET)
    module = world.module(Offline)
    for n in range(3):
        await message(world, module, f"<body>{n}</body>")
    world.home.beside = {(await world.waiting(JULIET))[1].id}
    balcony = world.arrives(f"{JULIET}/balcony")
    await come(module, balcony.jid)
    assert bodies(balcony.got) == ["0", "2"]


async def test_negative_priority_gets_nothing(world: World) -> None:
    await world.account(JULIET)
    module = world.module(Offline)
    await message(world, module, "<body>hi</body>")
    shy = world.arrives(f"{JULIET}/shy", priority=-1)
    await come(module, shy.jid, -1)
    assert shy.got == []
    assert len(await world.waiting(JULIET)) == 1


async def test_session_that_dies_in_between_loses_nothing(world: World) -> None:
    await world.account(JULIET)
    module = world.module(Offline)
    for n in range(BATCH + 10):
        await message(world, module, f"<body>{n}</body>")
    world.arrives(f"{JULIET}/dying", dies=True, priority=5)
    await come(module, f"{JULIET}/dying", 5)
    assert len(await world.waiting(JULIET)) == BATCH + 10
    balcony = world.arrives(f"{JULIET}/balcony")
    await come(module, balcony.jid)
    assert bodies(balcony.got) == [str(n) for n in range(BATCH + 10)]


async def test_another_resource_takes_over_from_one_that_dies(world: World) -> None:
    await world.account(JULIET)
    module = world.module(Offline)
    await message(world, module, "<body>hi</body>")
    world.arrives(f"{JULIET}/dying", dies=True, priority=5)
    other = world.arrives(f"{JULIET}/other")
    await come(module, f"{JULIET}/dying", 5)
    assert bodies(other.got) == ["hi"]


async def test_two_resources_at_once_share_one_delivery(world: World) -> None:
    await world.account(JULIET)
    module = world.module(Offline)
    for n in range(5):
        await message(world, module, f"<body>{n}</body>")
    a, b = world.arrives(f"{JULIET}/a"), world.arrives(f"{JULIET}/b")
    await asyncio.gather(come(module, a.jid), come(module, b.jid))
    assert bodies(a.got + b.got) == [str(n) for n in range(5)]


async def test_full_store_is_said(world: World) -> None:
    await world.account(JULIET)
    module = world.module(Offline, max_messages=2)
    for _ in range(2):
        await message(world, module, BESIDE.format("hi"))
    with pytest.raises(Refused, match="service-unavailable"):
        await message(world, module, BESIDE.format("too much"))
    balcony = world.arrives(f"{JULIET}/balcony")
    await come(module, balcony.jid)
    world.home.here.clear()
    await message(world, module, BESIDE.format("room again"))
    assert len(await world.waiting(JULIET)) == 1


async def test_count_holds_over_a_restart(world: World) -> None:
    await world.account(JULIET)
    await message(world, world.module(Offline), BESIDE.format("hi"))
    with pytest.raises(Refused, match="service-unavailable"):
        await message(world, world.module(Offline, max_messages=1), BESIDE.format("too much"))


async def test_a_name_used_again_is_counted_from_nothing(world: World) -> None:
    await world.account(JULIET)
    module = world.module(Offline, max_messages=1)
    await message(world, module, BESIDE.format("hi"))
    await module.deleting(JULIET)
    await world.storage.accounts.delete(JULIET)
    await world.account(JULIET)
    await message(world, module, BESIDE.format("hi"))
    assert len(await world.waiting(JULIET)) == 1


async def test_unknown_account_is_said_so_many_times_a_minute(world: World) -> None:
    module = world.module(Offline, unknown_per_minute=2)
    for sender, refused in [(ROMEO, True), (ROMEO, True), (ROMEO, False), ("paris@example.org", True)]:
        if refused:
            with pytest.raises(Refused, match="service-unavailable"):
                await message(world, module, "<body>hi</body>", "nobody@example.org", f"{sender}/o")
        else:
            assert await message(world, module, "<body>hi</body>", "nobody@example.org", f"{sender}/o") == []
    world.clock.time += 60
    with pytest.raises(Refused, match="service-unavailable"):
        await message(world, module, "<body>hi</body>", "nobody@example.org")
    assert len(await world.waiting("nobody@example.org")) == 0


async def test_somebody_who_came_meanwhile_gets_it_behind_older_ones(world: World) -> None:
    await world.account(JULIET)
    module = world.module(Offline)
    await message(world, module, "<body>1</body>")
    balcony = world.arrives(f"{JULIET}/balcony")
    await message(world, module, "<body>2</body>")
    assert balcony.got == []    # its welcome brings both
    await come(module, balcony.jid)
    await message(world, module, "<body>3</body>")      # was on its way before it came
    assert bodies(balcony.got) == ["1", "2", "3"]
    assert len(await world.waiting(JULIET)) == 0


async def test_who_came_while_another_took_messages_is_given_none_that_came_to_both(world: World) -> None:
    """Also if the other has sunk or gone before our turn: what was said to the account meanwhile, both have."""
    await world.account(JULIET)
    module = world.module(Offline)
    balcony = world.arrives(f"{JULIET}/balcony")
    await come(module, balcony.jid)
    chamber = world.arrives(f"{JULIET}/chamber")
    world.home.waits = False
    await world.storage.archive.add(ROMEO, JULIET, b"<message><body>to both</body></message>", FLAGS)
    balcony.priority = -1
    await come(module, chamber.jid)
    assert chamber.got == []


class Down:
    """Some of the storage's calls fail while it is down."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, *calls: str) -> None:
        self.yes = True
        for name in calls:
            store, _, call = name.partition(".")
            self._replace(monkeypatch, getattr(world.storage, store), call)

    def _replace(self, monkeypatch: pytest.MonkeyPatch, store: object, call: str) -> None:
        working = getattr(store, call)

        async def maybe(*args: object) -> object:
            if self.yes:
                raise StorageUnavailable("no answer")
            return await working(*args)

        monkeypatch.setattr(store, call, maybe)


@pytest.mark.parametrize("call", ["accounts.exists", "documents.get"])
async def test_message_that_cannot_be_kept_now_is_refused(
        world: World, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    await world.account(JULIET)
    Down(world, monkeypatch, call)
    with pytest.raises(Refused) as refused:
        await message(world, world.module(Offline), "<body>hi</body>")
    assert (refused.value.condition, refused.value.type) == ("resource-constraint", "wait")


async def test_what_waits_is_handed_over_once_the_storage_is_back(
        world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "PAUSE", 0.01)
    await world.account(JULIET)
    module = world.module(Offline)
    await message(world, module, "<body>hi</body>")
    balcony = world.arrives(f"{JULIET}/balcony")
    down = Down(world, monkeypatch, "archive.pending")
    coming = [asyncio.ensure_future(come(module, balcony.jid)) for _ in range(3)]
    await asyncio.sleep(0.1)
    assert balcony.got == []
    down.yes = False
    await asyncio.gather(*coming)
    assert bodies(balcony.got) == ["hi"]


async def test_a_sender_does_not_wait_for_ever_for_a_commit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "LONGEST_WAIT", 0.01)
    await world.account(JULIET)
    module = world.module(Offline)
    committed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(world.storage.archive, "add", lambda *_, ticket: committed)
    world.arrives(f"{JULIET}/balcony")
    got = request(f"<message from='{ROMEO}/o' to='{JULIET}' type='chat'><body>hi</body></message>", f"{ROMEO}/o")
    later = await module.absent(got)
    assert isinstance(later, Later)
    committed.set_result(1)
    assert await effects(later.work) == []


@pytest.mark.parametrize("when", ["at once", "at the commit"])
async def test_store_that_fails_is_said_to_the_sender(world: World, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    async def failing() -> int:
        raise StorageUnavailable("disk full")

    def add(*_: object, ticket: object) -> Awaitable[int]:
        if when == "at once":
            raise StorageUnavailable("too slow")
        return failing()

    await world.account(JULIET)
    monkeypatch.setattr(world.storage.archive, "add", add)
    with pytest.raises(Refused) as refused:
        await message(world, world.module(Offline), "<body>hi</body>")
    assert (refused.value.condition, refused.value.type) == ("resource-constraint", "wait")
