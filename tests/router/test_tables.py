"""What the control plane writes down for the data plane, and reads back."""

from headrace.router.account import Subscription
from support.routing import World

ROMEO, JULIET = "romeo@localhost", "juliet@localhost"


def test_hosts() -> None:
    router = World(("localhost",)).rig.router
    router.add_host("example.org")
    router.add_host("localhost")
    assert router.hosts == {"localhost", "example.org"}


def test_an_account_s_tables_stay_as_they_are_when_it_is_loaded_again() -> None:
    router = World().rig.router
    assert (router.loaded(ROMEO), router.contact(ROMEO, JULIET)) == (False, 0)
    router.load(ROMEO, {JULIET: int(Subscription.SUB_TO)})
    router.set_contact(ROMEO, JULIET, Subscription.SUB_FROM)
    router.load(ROMEO, {})
    assert (router.loaded(ROMEO), router.contact(ROMEO, JULIET)) == (True, Subscription.SUB_FROM)
    router.set_contact(ROMEO, JULIET, 0)
    assert router.contact(ROMEO, JULIET) == 0


def test_who_is_not_loaded_is_passed_over() -> None:
    router = World().rig.router
    router.set_contact(ROMEO, JULIET, 3)
    router.set_archive(ROMEO, 1)
    assert (router.loaded(ROMEO), router.archives(ROMEO, JULIET), router.reached(ROMEO)) == (False, False, 0)


def test_tables_with_a_session_are_not_let_go() -> None:
    world = World()
    romeo = world.client(f"{ROMEO}/a")
    world.rig.router.release(ROMEO)
    assert world.rig.router.loaded(ROMEO)
    world.rig.lose(romeo.link)
    assert not world.rig.router.loaded(ROMEO)
    world.rig.router.load(ROMEO, {})
    world.rig.router.release(ROMEO)
    assert not world.rig.router.loaded(ROMEO)


def test_what_accounts_are_done_with_is_told_once() -> None:
    world = World()
    router, romeo = world.rig.router, world.client(f"{ROMEO}/a", presence="0")
    assert router.acknowledged() == {}
    router.lend(romeo, b"<message><body/></message>", 7)
    world.rig.turn()
    assert (router.acknowledged(), router.acknowledged()) == ({ROMEO: 7}, {})
    router.lend(romeo, b"<message><body/></message>", 9)
    world.rig.turn()
    world.rig.lose(romeo.link)
    assert router.acknowledged() == {ROMEO: 9}
