"""Presence: broadcast, probes, directed presence and what a lost connection does (RFC 6121 4)."""

import xml.etree.ElementTree as ET

import pytest

from support.people import World, befriend
from support.rawclient import NS, Client, brief


def presences(client: Client) -> list[str]:
    """What has come by now, in brief."""
    return [brief(stanza) for stanza in client.sync() if stanza.tag == NS + "presence"]


def seen_by(client: Client, kind: str | None, sender: str) -> ET.Element:
    """Waits for a presence."""
    return client.until(lambda e: e.tag == NS + "presence" and e.get("type") == kind and e.get("from") == sender)[-1]


def test_updates_go_to_subscribers_and_to_oneself(world: World) -> None:
    one, other = world.friends()
    stranger = world.online()
    one.send("<presence><show>away</show><status>tea</status><priority>3</priority><x xmlns='urn:x'/></presence>")
    assert presences(one) == [f"presence - {one.jid}"]
    [seen] = other.sync()
    assert (seen.get("from"), seen.get("to", other.bare).partition("/")[0]) == (one.jid, other.bare)
    assert [child.tag for child in seen] == [NS + "show", NS + "status", NS + "priority", "{urn:x}x"]
    assert presences(stranger) == []


def test_one_way(world: World) -> None:
    """Who sees another is not seen by it."""
    watcher, watched = world.online(), world.online()
    befriend(watcher, watched)
    watcher.sync()
    watcher.send("<presence><show>dnd</show></presence>")
    watcher.sync()
    assert presences(watched) == []
    watched.send("<presence><show>xa</show></presence>")
    watched.sync()
    assert presences(watcher)[-1] == f"presence - {watched.jid}"


def test_coming_online_shows_who_is_there(world: World) -> None:
    one, other = world.friends()
    second = world.online(one.bare, resource="second")
    for client in (one, other):
        client.sync()
    third = world.connected(one.bare)
    assert third.sync() == []
    third.send("<presence/>")
    found = set(presences(third))
    assert found == {f"presence - {jid}" for jid in (one.jid, second.jid, third.jid, other.jid)}
    assert presences(one) == presences(other) == [f"presence - {third.jid}"]


def test_the_last_presence_is_what_newcomers_see(world: World) -> None:
    one, other = world.friends()
    one.send("<presence><show>chat</show><status>first</status></presence>",
             "<presence><status>last</status></presence>")
    one.sync()
    newcomer = world.connected(other.bare)
    newcomer.send("<presence/>")
    seen = seen_by(newcomer, None, one.jid)
    assert [(child.tag, child.text) for child in seen] == [(NS + "status", "last")]


@pytest.mark.parametrize("manner", ["unavailable", "unavailable and close", "close", "hang up", "reset"])
@pytest.mark.parametrize("kind", ["plain", "direct"])
def test_going_offline(world: World, manner: str, kind: str) -> None:
    """However it ends, subscribers and own resources hear of it once."""
    watcher = world.online()
    leaving = world.online(kind=kind)
    staying = world.online(leaving.bare)
    befriend(watcher, leaving)
    befriend(watcher, staying)
    for client in (watcher, staying, leaving):
        client.sync()
    if manner.startswith("unavailable"):
        leaving.send("<presence type='unavailable'><status>bed</status></presence>")
        assert presences(leaving) in ([], [f"presence unavailable {leaving.jid}"])
    if manner.endswith("close"):
        leaving.log_out()
    elif manner == "hang up":
        leaving.close()
    elif manner == "reset":
        leaving.reset()
    for client in (watcher, staying):
        seen = seen_by(client, "unavailable", leaving.jid)
        if manner.startswith("unavailable"):
            assert seen.findtext(NS + "status") == "bed"
        assert presences(client) == []


def test_unavailable_twice_is_told_once(world: World) -> None:
    one, other = world.friends()
    one.send("<presence type='unavailable'/>" * 3)
    one.sync()
    one.log_out()
    assert presences(other).count(f"presence unavailable {one.jid}") == 1


def test_who_is_unavailable_gets_no_presence(world: World) -> None:
    one, other = world.friends()
    one.send("<presence type='unavailable'/>")
    one.sync()
    other.send("<presence><show>away</show></presence>")
    other.sync()
    assert presences(one) == []
    one.send("<presence/>")
    assert f"presence - {other.jid}" in presences(one)


def test_directed_presence(world: World) -> None:
    """To a stranger; updates don't follow it, the end of the session does (4.6)."""
    one, stranger = world.online(), world.online()
    one.send(f"<presence to='{stranger.jid}'><status>hello</status></presence>")
    one.sync()
    [seen] = stranger.sync()
    assert (seen.get("from"), seen.get("to")) == (one.jid, stranger.jid)
    one.send("<presence><show>away</show></presence>")
    one.sync()
    assert stranger.sync() == []
    one.reset()
    seen_by(stranger, "unavailable", one.jid)
    assert presences(stranger) == []


def test_directed_unavailable_ends_it(world: World) -> None:
    one, stranger = world.online(), world.online()
    one.send(f"<presence to='{stranger.jid}'/>", f"<presence to='{stranger.jid}' type='unavailable'/>")
    one.sync()
    assert presences(stranger) == [f"presence - {one.jid}", f"presence unavailable {one.jid}"]
    one.log_out()
    assert stranger.sync() == []


def test_directed_to_a_bare_jid(world: World) -> None:
    """All available resources get it, and the end of it."""
    one, first = world.online(), world.online()
    second = world.online(first.bare)
    first.sync()
    one.send(f"<presence to='{first.bare}'/>")
    one.sync()
    assert presences(first) == presences(second) == [f"presence - {one.jid}"]
    one.send("<presence type='unavailable'/>")
    one.sync()
    assert presences(first) == presences(second) == [f"presence unavailable {one.jid}"]


def test_directed_before_the_first_presence(world: World) -> None:
    one, stranger = world.connected(), world.online()
    one.send(f"<presence to='{stranger.jid}'/>")
    one.sync()
    assert presences(stranger) == [f"presence - {one.jid}"]
    one.close()
    seen_by(stranger, "unavailable", one.jid)


def test_presence_to_who_is_not_there(world: World) -> None:
    one = world.online()
    for to in (world.account(), "nobody@localhost", "nobody@localhost/x", one.bare + "/gone"):
        one.send(f"<presence to='{to}'/><presence to='{to}' type='unavailable'/>")
    assert one.sync() == []


def test_a_probe_is_answered_to_subscribers_alone(world: World) -> None:
    one, other = world.friends()
    stranger = world.online()
    for client in (one, stranger):
        client.send(f"<presence to='{other.bare}' type='probe'/>")
    assert presences(one) in ([f"presence - {other.jid}"], [])  # a client's probe may be ignored (4.3)
    assert presences(stranger) == presences(other) == []


@pytest.mark.parametrize("presence", [
    "<presence><priority>128</priority></presence>", "<presence><priority>-129</priority></presence>",
    "<presence><priority>high</priority></presence>", "<presence><priority/></presence>",
    "<presence><priority>99999999999999999999</priority></presence>", "<presence><show>elsewhere</show></presence>",
    "<presence type='online'/>", "<presence type=''/>",
    "<presence><priority>1</priority><priority>2</priority></presence>",
])
def test_presence_that_is_none(world: World, presence: str) -> None:
    """Refused or taken for what it can mean; the session lives on and others see well-formed presence alone."""
    one, other = world.friends()
    one.send(presence)
    one.sync()
    assert all(stanza.get("type") in (None, "unavailable") for stanza in other.sync())
    one.send("<presence><status>fine</status></presence>")
    one.sync()
    assert other.sync()[-1].findtext(NS + "status") == "fine"


@pytest.mark.parametrize("priority", [" 5 ", "+5", "05", "-0"])
def test_priorities_in_other_words(world: World, priority: str) -> None:
    """xs:byte allows space around, a sign and zeros."""
    one = world.online()
    one.send(f"<presence><priority>{priority}</priority></presence>")
    assert [stanza.get("type") for stanza in one.sync()] == [None]


def test_many_updates_in_order(world: World) -> None:
    one, other = world.friends()
    one.send(*(f"<presence><status>{n}</status></presence>" for n in range(500)))
    one.sync()
    assert [stanza.findtext(NS + "status") for stanza in other.sync()] == [str(n) for n in range(500)]
