"""XEP-0191 and protocol.md 13: who is kept apart, in both directions, and what a changed list does to presence."""

from xml.etree.ElementTree import Element

import pytest

from headrace.router.account import Subscription
from headrace.router.session import Reason
from support.routing import CLIENT, World, condition

BOTH = Subscription.SUB_TO | Subscription.SUB_FROM
ROMEO, JULIET = "romeo@localhost", "juliet@example.net"
HOSTS = ("localhost", "example.net")
HERE = f"{JULIET}/balcony"
BLOCKED = "not-acceptable"
MARK = "{urn:xmpp:blocking:errors}blocked"


def world(blocked: str = "", **contacts: int) -> World:
    """Both accounts in memory, Romeo with a block list, and contacts of each other as told."""
    world = World(HOSTS)
    world.rig.router.load(ROMEO, {JULIET: contacts["romeo"]} if "romeo" in contacts else {}, blocked.split())
    world.rig.router.load(JULIET, {ROMEO: contacts["juliet"]} if "juliet" in contacts else {})
    return world


def kinds(elements: list[Element]) -> list[str]:
    return [e.tag.removeprefix(CLIENT) for e in elements]


def presences(elements: list[Element]) -> list[tuple[str | None, str | None]]:
    """(from, type) of each."""
    assert set(kinds(elements)) <= {"presence"}
    return [(e.get("from"), e.get("type")) for e in elements]


@pytest.mark.parametrize(("listed", "matches"), [
    (HERE, {HERE}),
    (JULIET, {HERE, JULIET, f"{JULIET}/chamber"}),
    ("example.net", {HERE, JULIET, f"{JULIET}/chamber", "example.net", "example.net/echo"}),
    ("example.net/echo", {"example.net/echo"}),
    ("ample.net", set()),
    ("juliet@example.net/bal", set()),
    ("example.net/balcony", set()),
])
def test_matching(listed: str, matches: set[str]) -> None:
    place = world(listed)
    romeo = place.client(f"{ROMEO}/a")
    refused = set()
    for to in (HERE, JULIET, f"{JULIET}/chamber", "example.net", "example.net/echo", ROMEO):
        place.send(romeo, f"<message to='{to}' id='1'><body>Hi</body></message>")
        if any(e.find(f"{CLIENT}error/{MARK}") is not None for e in place.got(romeo)):
            refused.add(to)
    assert refused == matches


@pytest.mark.parametrize("xml", [
    "<message to='%s' type='chat' id='1'><body>Hi</body></message>",
    "<message to='%s' type='groupchat' id='1'><body>Hi</body></message>",
    "<iq to='%s' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
    "<presence to='%s' id='1'/>",
    "<presence to='%s' type='subscribe' id='1'/>",
    "<presence to='%s' type='probe' id='1'/>",
])
@pytest.mark.parametrize("to", [HERE, JULIET, "Juliet@EXAMPLE.net/balcony"])
def test_outgoing_is_refused(xml: str, to: str) -> None:
    place = world(JULIET, romeo=BOTH, juliet=BOTH)
    romeo, juliet = place.client(f"{ROMEO}/a", presence="0"), place.client(HERE, presence="0")
    place.send(romeo, xml % to)
    error, = place.got(romeo)
    assert condition(error) == BLOCKED
    assert error.find(f"{CLIENT}error/{MARK}") is not None
    assert (error.get("from"), error.get("id")) == (to.lower(), "1")
    assert place.got(juliet) == place.notes.punted == []


def test_outgoing_answers_are_dropped_in_silence() -> None:
    place = world(JULIET)
    romeo, juliet = place.client(f"{ROMEO}/a"), place.client(HERE)
    place.send(romeo, f"<iq to='{HERE}' type='result' id='1'/><message to='{HERE}' type='error'/>")
    assert place.got(romeo) == place.got(juliet) == []


def test_other_servers_can_be_blocked_too() -> None:
    place = world("far.example")
    romeo = place.client(f"{ROMEO}/a")
    place.send(romeo, "<message to='tybalt@far.example' id='1'><body>Hi</body></message>")
    assert condition(place.got(romeo)[0]) == BLOCKED
    assert place.notes.punted == []


@pytest.mark.parametrize(("xml", "answer"), [
    ("<message to='%s' type='chat' id='1'><body>Hi</body></message>", "message"),
    ("<message to='%s' type='headline' id='1'><body>Hi</body></message>", "message"),
    ("<message to='%s' type='error' id='1'/>", None),
    ("<iq to='%s' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", "iq"),
    ("<iq to='%s' type='set' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", "iq"),
    ("<iq to='%s' type='result' id='1'/>", None),
    ("<presence to='%s' id='1'/>", None),
    ("<presence to='%s' type='unavailable' id='1'/>", None),
    ("<presence to='%s' type='error' id='1'/>", None),
    ("<presence to='%s' type='probe' id='1'/>", None),
])
@pytest.mark.parametrize("to", [f"{ROMEO}/a", ROMEO])
def test_incoming_is_turned_away(xml: str, answer: str | None, to: str) -> None:
    """As if the account were not here: the same answer as for a resource that is not, and nothing is punted."""
    place = world("example.net", romeo=BOTH, juliet=BOTH)
    romeo, juliet = place.client(f"{ROMEO}/a", presence="0"), place.client(HERE, presence="0")
    place.send(juliet, xml % to)
    got = place.got(juliet)
    assert kinds(got) == ([answer] if answer else [])
    if answer:
        assert condition(got[0]) == "service-unavailable"
        assert got[0].get("from") == to
    assert place.got(romeo) == place.notes.punted == []


def test_stanzas_of_our_own_are_turned_away_too() -> None:
    place = world(JULIET)
    romeo, juliet = place.client(f"{ROMEO}/a", presence="0"), place.client(HERE, presence="0")
    place.rig.router.route(f"<message from='{HERE}' to='{ROMEO}'><body>Hi</body></message>".encode())
    place.rig.turn()
    assert place.got(romeo) == []
    assert condition(place.got(juliet)[0]) == "service-unavailable"


def test_conversation_under_way_ends_and_goes_on() -> None:
    """Also between sessions that remember each other as peers."""
    place = world()
    romeo, juliet = place.client(f"{ROMEO}/a"), place.client(HERE)
    hello = f"<message to='{HERE}'><body>Hi</body></message>", f"<message to='{ROMEO}/a'><body>Ho</body></message>"

    def talk() -> tuple[list[str], list[str]]:
        place.send(romeo, hello[0])
        place.send(juliet, hello[1])
        his, hers = ([e.get("type", "normal") for e in place.got(client)] for client in (romeo, juliet))
        return his, hers

    assert talk() == talk() == (["normal"], ["normal"])
    place.rig.router.set_blocked(ROMEO, [JULIET])
    assert talk() == (["error"], ["error"])
    place.rig.router.set_blocked(ROMEO, [])
    assert talk() == (["normal"], ["normal"])


# Presence.

def test_blocking_sends_unavailable_to_who_saw_it() -> None:
    place = world(romeo=BOTH, juliet=BOTH)
    romeo = place.client(f"{ROMEO}/a", presence="0")
    place.client(f"{ROMEO}/silent")
    juliet = place.client(HERE, presence="0")
    place.got(romeo)
    place.rig.router.set_blocked(ROMEO, [JULIET])
    place.rig.turn()
    assert presences(place.got(juliet)) == [(f"{ROMEO}/a", "unavailable")]
    assert place.got(romeo) == []
    place.rig.router.set_blocked(ROMEO, [JULIET, "far.example"])
    place.rig.turn()
    assert place.got(juliet) == []


def test_strangers_learn_nothing_of_being_blocked() -> None:
    place = world(romeo=Subscription.SUB_TO)
    place.client(f"{ROMEO}/a", presence="0")
    juliet = place.client(HERE, presence="0")
    for jids in ([JULIET], []):
        place.rig.router.set_blocked(ROMEO, jids)
        place.rig.turn()
        assert place.got(juliet) == []


def test_one_resource_can_be_blocked() -> None:
    place = world(romeo=BOTH, juliet=BOTH)
    romeo = place.client(f"{ROMEO}/a", presence="0")
    balcony, chamber = place.client(HERE, presence="0"), place.client(f"{JULIET}/chamber", presence="0")
    place.rig.router.set_blocked(ROMEO, [HERE])
    place.rig.turn()
    assert (f"{ROMEO}/a", "unavailable") in presences(place.got(balcony))
    place.got(chamber)
    place.got(romeo)
    place.send(romeo, "<presence/>")
    assert place.got(balcony) == []
    assert presences(place.got(chamber)) == [(f"{ROMEO}/a", None)]
    place.send(balcony, "<presence/>")
    place.send(chamber, "<presence/>")
    assert presences(place.got(romeo)) == [(f"{ROMEO}/a", None), (f"{JULIET}/chamber", None)]


def test_directed_presence_ends() -> None:
    """Once: not again when the resource goes."""
    place = world(juliet=Subscription.SUB_TO)
    romeo = place.client(f"{ROMEO}/a", presence="0")
    balcony, chamber = place.client(HERE, presence="0"), place.client(f"{JULIET}/chamber", presence="0")
    place.send(romeo, f"<presence to='{HERE}'/><presence to='{JULIET}/chamber'/>"
                      "<presence to='bot@far.example'/><presence to='nurse@localhost'/>")
    place.got(balcony)
    place.got(chamber)
    place.notes.punted.clear()
    place.rig.router.set_blocked(ROMEO, [JULIET, "far.example"])
    place.rig.turn()
    for client in (balcony, chamber):
        assert presences(place.got(client)) == [(f"{ROMEO}/a", "unavailable")]
    [(_, stanza, reason)] = place.notes.punted
    assert (reason, stanza.to, stanza.type) == (Reason.P_REMOTE, "bot@far.example", "unavailable")
    place.send(romeo, "</stream:stream>")
    assert place.got(balcony) == place.got(chamber) == []


@pytest.mark.parametrize("how", ["<presence/>", "<presence type='unavailable'/>", "</stream:stream>"])
def test_no_broadcast_passes_a_block(how: str) -> None:
    """In either direction, whoever of the two has blocked."""
    place = world(JULIET, romeo=BOTH, juliet=BOTH)
    romeo, juliet = place.client(f"{ROMEO}/a", presence="0"), place.client(HERE, presence="0")
    place.got(romeo)
    place.send(juliet, how)
    assert place.got(romeo) == []
    place.got(juliet)
    place.send(romeo, how)
    assert place.got(juliet) == []


def test_first_presence_shows_no_one_across_a_block() -> None:
    place = world(JULIET, romeo=BOTH, juliet=BOTH)
    juliet = place.client(HERE, presence="0")
    romeo = place.client(f"{ROMEO}/a")
    place.send(romeo, "<presence/>")
    assert presences(place.got(romeo)) == [(f"{ROMEO}/a", None)]
    place.send(juliet, "<presence type='unavailable'/><presence/>")
    assert presences(place.got(juliet)) == [(HERE, "unavailable"), (HERE, None)]


def test_show_and_hide_respect_blocks() -> None:
    place = world(JULIET, romeo=BOTH, juliet=BOTH)
    romeo, juliet = place.client(f"{ROMEO}/a", presence="0"), place.client(HERE, presence="0")
    for account, watcher in ((ROMEO, JULIET), (JULIET, f"{ROMEO}/a")):
        place.rig.router.show(account, watcher)
        place.rig.router.hide(account, watcher)
    place.rig.turn()
    assert place.got(romeo) == place.got(juliet) == []


def test_unblocking_shows_both_to_each_other() -> None:
    place = world(JULIET, romeo=BOTH, juliet=BOTH)
    romeo, juliet = place.client(f"{ROMEO}/a", presence="0"), place.client(HERE, presence="0")
    place.client(f"{JULIET}/silent")
    place.got(romeo)
    place.got(juliet)
    place.rig.router.set_blocked(ROMEO, [])
    place.rig.turn()
    assert presences(place.got(juliet)) == [(f"{ROMEO}/a", None)]
    assert presences(place.got(romeo)) == [(HERE, None)]


@pytest.mark.parametrize(("romeo_bits", "juliet_bits", "shown"), [
    (Subscription.SUB_FROM, 0, (["juliet"], [])), (Subscription.SUB_TO, 0, ([], [])), (0, BOTH, ([], [])),
    (Subscription.SUB_TO, Subscription.SUB_FROM, ([], ["romeo"])),
])
def test_unblocking_shows_only_who_may_be_seen(romeo_bits: int, juliet_bits: int,
                                               shown: tuple[list[str], list[str]]) -> None:
    place = world(JULIET, romeo=romeo_bits, juliet=juliet_bits)
    romeo, juliet = place.client(f"{ROMEO}/a", presence="0"), place.client(HERE, presence="0")
    place.got(romeo)
    place.rig.router.set_blocked(ROMEO, [])
    place.rig.turn()
    assert ["juliet"] * len(place.got(juliet)) == shown[0]
    assert ["romeo"] * len(place.got(romeo)) == shown[1]


def test_unblocking_stops_at_what_stays_blocked() -> None:
    """A wider entry still covers it, or the other side blocks as well."""
    place = world(f"{JULIET} example.net", romeo=BOTH, juliet=BOTH)
    romeo, juliet = place.client(f"{ROMEO}/a", presence="0"), place.client(HERE, presence="0")
    place.rig.router.set_blocked(ROMEO, ["example.net"])
    place.rig.router.set_blocked(JULIET, [ROMEO])
    place.rig.router.set_blocked(ROMEO, [])
    place.rig.turn()
    assert f"{ROMEO}/a" not in [e.get("from") for e in place.got(juliet)]
    assert HERE not in [e.get("from") for e in place.got(romeo)]


def test_account_that_is_not_loaded_has_no_table_to_change() -> None:
    place = World(HOSTS)
    place.rig.router.set_blocked(ROMEO, [JULIET])
    assert not place.rig.router.loaded(ROMEO)
