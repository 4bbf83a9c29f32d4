"""The rig behaves as links do, as far as the tests here rely on it."""

from support.routing import World


def test_links_are_counted_and_close_once() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    assert world.counters()["links"] == 1
    link = romeo.link
    world.rig.lose(link)
    world.rig.lose(link)
    assert (world.counters()["links"], link.closing, link.sink) == (0, True, None)


def test_the_peer_takes_what_it_is_allowed() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.rig.router.deliver(romeo, b"<presence/>")
    world.rig.allow(romeo.link, 4)
    world.rig.turn()
    assert (world.raw(romeo), world.rig.border(romeo.link)) == (b"<pre", 7)
    world.rig.turn()
    assert world.raw(romeo) == b""
    world.rig.allow(romeo.link, -1)
    world.rig.turn()
    assert (world.raw(romeo), world.rig.border(romeo.link)) == (b"sence/>", 0)


def test_nothing_is_sent_before_the_turn_ends() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.rig.feed(romeo, b"<message to='romeo@localhost/a'/>")
    assert world.raw(romeo) == b""
    world.rig.turn()
    assert len(world.got(romeo)) == 1
