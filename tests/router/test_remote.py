"""Contacts on other servers: each gets a stanza of its own, through the control plane."""

from headrace.core.stanza import Stanza
from headrace.router.account import Subscription
from headrace.router.session import Reason, Session
from support.routing import CLIENT, World

TO, FROM, BOTH = Subscription.SUB_TO, Subscription.SUB_FROM, Subscription.SUB_TO | Subscription.SUB_FROM
ROMEO, JULIET, FAR = "romeo@localhost", "juliet@localhost", "far@elsewhere"


def went(world: World) -> list[tuple[str | None, str | None, str | None]]:
    """(from, to, type) of what has gone to other servers since this was last asked."""
    stanzas: list[Stanza] = []
    for session, stanza, reason in world.notes.punted:
        assert (session, reason, stanza.name) == (None, Reason.P_REMOTE, "presence")
        stanzas.append(stanza)
    world.notes.punted.clear()
    return [(stanza.from_, stanza.to, stanza.type) for stanza in stanzas]


def online(world: World, jid: str = f"{ROMEO}/a", **contacts: int) -> Session:
    """contacts: bits of <name>@elsewhere."""
    session = world.client(jid, contacts={f"{name}@elsewhere": bits for name, bits in contacts.items()}, presence="0")
    world.got(session)
    return session


def test_initial_presence_and_probes() -> None:
    """RFC 6121 4.2.2, 4.3.1: probes come from the bare JID."""
    world = World()
    online(world, watcher=FROM, watched=TO, far=BOTH, stranger=0)
    assert went(world) == [
        (f"{ROMEO}/a", "watcher@elsewhere", None), (f"{ROMEO}/a", FAR, None),
        (ROMEO, "watched@elsewhere", "probe"), (ROMEO, FAR, "probe")]


def test_updates_and_the_end_are_told_without_probes() -> None:
    world = World()
    romeo = online(world, far=BOTH, watched=TO)
    went(world)
    world.send(romeo, "<presence><show>away</show></presence>")
    assert world.notes.punted[0][1].element().findtext(f"{CLIENT}show") == "away"
    assert went(world) == [(f"{ROMEO}/a", FAR, None)]
    world.send(romeo, "<presence type='unavailable'><status>bye</status></presence>")
    assert world.notes.punted[0][1].element().findtext(f"{CLIENT}status") == "bye"
    assert went(world) == [(f"{ROMEO}/a", FAR, "unavailable")]
    world.rig.lose(romeo.link)
    assert went(world) == []


def test_a_lost_link_is_told() -> None:
    world = World()
    romeo = online(world, far=FROM)
    world.send(romeo, "<presence to='room@elsewhere/nick'/>")
    world.notes.punted.clear()
    world.rig.lose(romeo.link)
    assert went(world) == [(f"{ROMEO}/a", FAR, "unavailable"), (f"{ROMEO}/a", "room@elsewhere/nick", "unavailable")]


def test_blocked_contacts_are_told_nothing() -> None:
    world = World()
    world.rig.router.load(ROMEO, {FAR: BOTH}, [FAR])
    romeo = world.client(f"{ROMEO}/a", presence="0")
    world.send(romeo, "<presence type='unavailable'/>")
    world.rig.router.show(ROMEO, FAR)
    assert went(world) == []


def test_local_contacts_that_are_away_are_not_elsewhere() -> None:
    world = World(hosts=("localhost", "second"))
    world.client(f"{ROMEO}/a", contacts={JULIET: BOTH, "nurse@second": BOTH}, presence="0")
    assert went(world) == []


def test_show_and_hide() -> None:
    world = World()
    romeo, other = online(world), online(world, f"{ROMEO}/b")
    silent = world.client(f"{ROMEO}/c")
    world.rig.router.show(ROMEO, FAR)
    assert went(world) == [(f"{ROMEO}/a", FAR, None), (f"{ROMEO}/b", FAR, None)]
    world.rig.router.hide(ROMEO, f"{FAR}/<'&>")
    assert went(world) == [(f"{ROMEO}/a", f"{FAR}/<'&>", "unavailable"), (f"{ROMEO}/b", f"{FAR}/<'&>", "unavailable")]
    world.rig.router.show("nobody@localhost", FAR)
    assert went(world) == []
    assert {session.jid for session in (romeo, other, silent)} == {f"{ROMEO}/{name}" for name in "abc"}


def test_presence_from_elsewhere_reaches_who_it_is_for() -> None:
    """RFC 6121 4.2.3, 8.5.2.1.2, 8.5.3.1."""
    world = World()
    romeo, other = online(world), online(world, f"{ROMEO}/b")
    world.got(romeo)
    route = world.rig.router.route
    route(f"<presence from='{FAR}/x' to='{ROMEO}'/>".encode())
    route(f"<presence from='{FAR}/x' to='{ROMEO}/b' type='unavailable'/>".encode())
    route(f"<presence from='{FAR}/x' to='{ROMEO}/gone'/>".encode())
    route(f"<presence from='{FAR}/x' to='{JULIET}'/>".encode())
    world.rig.turn()
    assert [(p.get("to"), p.get("type")) for p in world.got(romeo)] == [(ROMEO, None)]
    assert [(p.get("to"), p.get("type")) for p in world.got(other)] == [(ROMEO, None), (f"{ROMEO}/b", "unavailable")]
    assert world.notes.punted == []


def test_presence_from_elsewhere_is_told_of_where_it_is_watched() -> None:
    """Whether the account is here or not; not what is from here."""
    world = World(hosts=("localhost", "second"))
    romeo = online(world)
    world.rig.router.watch("localhost")
    for sender, to, type in ((f"{FAR}/x", ROMEO, ""), (f"{FAR}/x", JULIET, " type='unavailable'"),
                             (f"{FAR}/x", "nurse@second", ""), ("nurse@second/x", ROMEO, "")):
        world.rig.router.route(f"<presence from='{sender}' to='{to}'{type}/>".encode())
    world.rig.turn()
    assert [p.get("from") for p in world.got(romeo)] == [f"{FAR}/x", "nurse@second/x"]
    assert {reason for _, _, reason in world.notes.punted} == {Reason.P_WATCHED}
    assert [(stanza.from_, stanza.to, stanza.type) for _, stanza, _ in world.notes.punted] == [
        (f"{FAR}/x", ROMEO, None), (f"{FAR}/x", JULIET, "unavailable")]


def test_who_had_directed_presence() -> None:
    world = World()
    romeo = online(world)
    world.send(romeo, f"<presence to='{FAR}/x'/><presence to='{JULIET}'/><presence to='{JULIET}' type='unavailable'/>")
    directed = world.rig.router.directed
    assert directed(romeo.jid, f"{FAR}/x")
    assert not directed(romeo.jid, FAR)
    assert not directed(romeo.jid, JULIET)
    assert not directed(f"{ROMEO}/gone", f"{FAR}/x")
    world.send(romeo, "<presence type='unavailable'/>")
    assert not directed(romeo.jid, f"{FAR}/x")
