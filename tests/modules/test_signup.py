from dataclasses import replace

import pytest

from headrace.core.stanza import parse_stanza
from headrace.modules.hosts import Host
from headrace.modules.signup import SignUp
from headrace.session.derive import TooBusy
from headrace.session.ports import SignedUp
from headrace.storage.ports import StorageUnavailable
from support.stanzas import condition, shape, tree
from support.world import World

HOST, ADDRESS = "example.org", "192.0.2.1"
DAY = 86_400


def credentials(name: str, password: str = "secret") -> str:
    return f"<username>{name}</username><password>{password}</password>"


class Stranger:
    """Asks one module, from one address."""

    def __init__(self, world: World, **options: object) -> None:
        self.module: SignUp = world.module(SignUp, **options)

    async def ask(self, inside: str, type: str = "set", address: str = ADDRESS, to: str | None = None) -> SignedUp:
        request = f"<iq type='{type}' id='1'><query xmlns='jabber:iq:register'>{inside}</query></iq>"
        return await self.module.answer(parse_stanza(request.encode(), to=to), HOST, address)

    async def refused(self, *args: str, **where: str) -> str:
        done = await self.ask(*args, **where)
        assert done.account is None
        return condition(done.answer)[1]


async def test_the_form(world: World) -> None:
    done = await Stranger(world).ask("", "get")
    assert done.account is None
    assert shape(tree(done.answer)[0]) == shape(tree(
        "<query xmlns='jabber:iq:register'><instructions>Choose a user name and a password.</instructions>"
        "<username/><password/></query>"))


@pytest.mark.parametrize("to", [None, "Example.ORG"])
async def test_an_account(world: World, to: str | None) -> None:
    done = await Stranger(world).ask(credentials("Bill\\20S", "Calliope"), to=to)
    assert done.account == "bill\\20s@example.org"
    assert tree(done.answer).get("type") == "result"
    assert await world.storage.accounts.jids() == [done.account]
    found = await world.storage.accounts.get(done.account)
    assert found is not None
    assert found.credentials.sha256 is not None
    assert found.credentials.sha256.salt == f"{ADDRESS} Calliope".encode()


@pytest.mark.parametrize(("inside", "expected"), [
    ("", "not-acceptable"), ("<username>bill</username>", "not-acceptable"),
    ("<password>secret</password>", "not-acceptable"), (credentials("bill", ""), "not-acceptable"),
    (credentials("b ill"), "not-acceptable"), (credentials("b@ill"), "not-acceptable"),
    (credentials("x" * 1024), "not-acceptable"), (credentials("\u0221"), "not-acceptable"),  # unassigned in Unicode 3.2
    ("<remove/>", "unexpected-request"), (credentials("Romeo"), "conflict"), (credentials("ROOT"), "conflict"),
    (credentials("admin"), "conflict"), (credentials("boss"), "conflict"),
])
async def test_what_is_refused(world: World, inside: str, expected: str) -> None:
    """The administrator `boss` has no account yet: it is for nobody to take."""
    world.context = replace(world.context, hosts={HOST: Host(frozenset({"boss@example.org"}))})
    await world.account("romeo@example.org")
    before = await world.storage.accounts.jids()
    assert await Stranger(world).refused(inside) == expected
    assert await world.storage.accounts.jids() == before


@pytest.mark.parametrize("to", ["montague.example", "romeo@example.org", "example.org/x"])
async def test_it_is_for_the_host_of_the_stream(world: World, to: str) -> None:
    assert await Stranger(world).refused(credentials("bill"), to=to) == "not-allowed"


async def test_tries_of_an_address_are_counted(world: World) -> None:
    """Also those that find the name taken; not those that could never be an account."""
    stranger = Stranger(world, tries=2)
    assert await stranger.refused("<username>x</username>") == "not-acceptable"
    assert (await stranger.ask(credentials("one"))).account
    assert await stranger.refused(credentials("one")) == "conflict"
    assert await stranger.refused(credentials("two")) == "resource-constraint"
    assert (await stranger.ask(credentials("two"), address="192.0.2.2")).account
    world.clock.time += DAY
    assert (await stranger.ask(credentials("three"))).account


async def test_a_network_is_one_address(world: World) -> None:
    stranger = Stranger(world, tries=1)
    assert (await stranger.ask(credentials("one"), address="2001:db8::1")).account
    assert await stranger.refused(credentials("two"), address="2001:db8::2") == "resource-constraint"
    assert (await stranger.ask(credentials("two"), address="2001:db8:0:1::2")).account


async def test_all_addresses_together_are_bounded(world: World) -> None:
    stranger = Stranger(world, total=2)
    for number in range(2):
        assert (await stranger.ask(credentials(f"b{number}"), address=f"192.0.2.{number}")).account
    assert await stranger.refused(credentials("b2"), address="192.0.2.2") == "resource-constraint"


@pytest.mark.parametrize("error", [StorageUnavailable("disk full"), TooBusy(ADDRESS)])
async def test_when_it_cannot_be_done_now(world: World, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise error

    stranger = Stranger(world)
    monkeypatch.setattr(world.context.life, "create", fail)
    assert await stranger.refused(credentials("bill")) == "resource-constraint"
