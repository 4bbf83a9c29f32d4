"""The native table of accounts."""

import random

import pytest

from headrace.router.account import ArchiveMode, Subscription
from support.routing import World


def test_many_accounts_are_all_found() -> None:
    """The table grows, shrinks and closes its gaps."""
    router = World().rig.router
    names = [f"user{i}@localhost" for i in range(3000)]
    for name in names:
        router.load(name, {})
    for name in names[::3]:
        router.release(name)
    assert [router.loaded(name) for name in names] == [i % 3 != 0 for i in range(3000)]
    for name in names:
        router.release(name)
    assert not any(router.loaded(name) for name in names)


def test_accounts_come_and_go(soak: int) -> None:
    """Against a set: whatever the order, exactly what is loaded is found."""
    router = World().rig.router
    rng = random.Random(7)
    loaded: set[str] = set()
    for _ in range(20_000 * soak):
        name = f"{rng.randrange(150)}@localhost"
        if name in loaded:
            router.release(name)
            loaded.discard(name)
        else:
            router.load(name, {})
            loaded.add(name)
        probe = f"{rng.randrange(150)}@localhost"
        assert router.loaded(probe) == (probe in loaded)


def test_contacts_are_bits_by_bare_jid() -> None:
    router = World().rig.router
    router.load("romeo@localhost", {"juliet@localhost": 3, "nurse@localhost": 1})
    bits = [router.contact("romeo@localhost", jid) for jid in ("juliet@localhost", "nurse@localhost", "x@y")]
    assert bits == [3, 1, 0]
    assert router.contact("nobody@localhost", "juliet@localhost") == 0
    router.set_contact("nobody@localhost", "juliet@localhost", 3)
    assert not router.loaded("nobody@localhost")


def test_everybody_who_is_there() -> None:
    world = World()
    jids = [f"{name}@localhost/{resource}" for name in ("romeo", "juliet", "nurse") for resource in "ab"]
    sessions = [world.client(jid) for jid in jids]
    world.rig.router.load("nobody@localhost", {})
    world.rig.router.end(sessions[0], "reset")
    assert sorted(session.jid for session in world.rig.router.everybody()) == sorted(jids[1:])
    assert [session.bare for session in world.rig.router.everybody()].count("nurse@localhost") == 2


@pytest.mark.parametrize(("mode", "always", "never", "taken"), [
    (ArchiveMode.A_ALWAYS, (), (), (1, 1, 1, 1)),
    (ArchiveMode.A_NEVER, (), (), (0, 0, 0, 0)),
    (ArchiveMode.A_ROSTER, (), (), (1, 1, 0, 0)),
    (ArchiveMode.A_NEVER, ("a@x",), (), (0, 0, 1, 1)),
    (ArchiveMode.A_NEVER, ("a@x/1",), (), (0, 0, 0, 1)),
    (ArchiveMode.A_ALWAYS, (), ("a@x",), (1, 1, 0, 0)),
    (ArchiveMode.A_ALWAYS, ("a@x/1",), ("a@x",), (1, 1, 0, 0)),
    (ArchiveMode.A_ROSTER, ("a@x",), ("friend@x/1",), (1, 0, 1, 1)),
])
def test_whose_messages_the_archive_takes(
        mode: ArchiveMode, always: tuple[str, ...], never: tuple[str, ...], taken: tuple[int, ...]) -> None:
    router = World().rig.router
    router.load("romeo@localhost", {"friend@x": int(Subscription.SUB_LISTED)})
    router.set_archive("romeo@localhost", mode, always, never)
    asked = ("friend@x", "friend@x/1", "a@x", "a@x/1")
    assert tuple(router.archives("romeo@localhost", jid) for jid in asked) == taken


def test_archive_takes_everything_unless_told_otherwise() -> None:
    router = World().rig.router
    router.set_archive("romeo@localhost", ArchiveMode.A_NEVER)
    router.load("romeo@localhost", {})
    assert router.archives("romeo@localhost", "a@x")
    assert not router.archives("nobody@localhost", "a@x")
