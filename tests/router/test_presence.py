"""RFC 6121 section 4: who is told what, and when."""

from xml.etree.ElementTree import Element

import pytest

from headrace.router.account import Subscription
from headrace.router.session import Reason, SessionFlag
from support.routing import CLIENT, World, condition

TO, FROM, BOTH = Subscription.SUB_TO, Subscription.SUB_FROM, Subscription.SUB_TO | Subscription.SUB_FROM
ROMEO, JULIET = "romeo@localhost", "juliet@localhost"


def seen(elements: list[Element]) -> list[tuple[str | None, str | None, str | None]]:
    """(from, to, type) of each presence."""
    assert {e.tag for e in elements} <= {f"{CLIENT}presence"}
    return [(e.get("from"), e.get("to"), e.get("type")) for e in elements]


def test_initial_presence_goes_to_oneself_and_to_contacts_that_may_see_it() -> None:
    world = World()
    romeo = world.client(f"{ROMEO}/a", contacts={JULIET: FROM, "nurse@localhost": TO, "gone@localhost": FROM})
    juliet = world.client(f"{JULIET}/b", presence="-3")
    silent = world.client(f"{JULIET}/c")
    nurse = world.client("nurse@localhost/d", presence="0")
    world.send(romeo, "<presence><show>away</show></presence>")
    assert seen(world.got(romeo)) == [(f"{ROMEO}/a", ROMEO, None)]
    presence, = world.got(juliet)
    assert (presence.get("from"), presence.get("to"), presence[0].text) == (f"{ROMEO}/a", JULIET, "away")
    assert world.got(silent) == world.got(nurse) == []
    assert world.notes.came == [juliet, nurse, romeo]


def test_newly_available_learns_who_is_there() -> None:
    """What the contacts' own tables allow, and the account's other resources."""
    world = World()
    world.client(f"{JULIET}/b", contacts={ROMEO: FROM}, presence="5")
    world.client(f"{JULIET}/c")
    world.client("nurse@localhost/d", contacts={ROMEO: TO}, presence="0")
    world.client(f"{ROMEO}/other", presence="1")
    romeo = world.client(f"{ROMEO}/a")
    world.rig.router.set_contact(ROMEO, JULIET, TO)
    world.rig.router.set_contact(ROMEO, "nurse@localhost", BOTH)
    world.rig.router.set_contact(ROMEO, "gone@localhost", BOTH)
    world.send(romeo, "<presence/>")
    assert seen(world.got(romeo)) == [
        (f"{ROMEO}/a", ROMEO, None), (f"{ROMEO}/other", ROMEO, None), (f"{JULIET}/b", ROMEO, None)]


def test_updates_are_told_but_not_answered() -> None:
    world = World()
    romeo = world.client(f"{ROMEO}/a", contacts={JULIET: BOTH}, presence="0")
    juliet = world.client(f"{JULIET}/b", contacts={ROMEO: BOTH}, presence="0")
    world.got(romeo)
    world.send(romeo, "<presence><priority> -7\n</priority></presence>")
    assert seen(world.got(romeo)) == [(f"{ROMEO}/a", ROMEO, None)]
    assert seen(world.got(juliet)) == [(f"{ROMEO}/a", JULIET, None)]
    assert (romeo.priority, world.notes.came) == (-7, [romeo, juliet])


def test_unavailable_is_told_and_the_session_stays() -> None:
    world = World()
    romeo = world.client(f"{ROMEO}/a", contacts={JULIET: BOTH}, presence="0")
    juliet = world.client(f"{JULIET}/b", contacts={ROMEO: BOTH}, presence="0")
    world.got(romeo)
    world.send(romeo, "<presence type='unavailable'><status>bye</status></presence><presence type='unavailable'/>")
    presence, = world.got(juliet)
    assert (presence.get("type"), presence[0].text) == ("unavailable", "bye")
    assert (romeo.flags & SessionFlag.S_AVAILABLE, romeo.presence) == (0, None)
    world.got(romeo)
    world.send(juliet, "<presence/>")
    assert world.got(romeo) == []
    world.send(romeo, "<presence/>")
    assert [jid for jid, _, _ in seen(world.got(romeo))] == [f"{ROMEO}/a", f"{JULIET}/b"]


@pytest.mark.parametrize("how", ["close", "lose", "end"])
def test_a_lost_session_is_told_unavailable(how: str) -> None:
    world = World()
    romeo = world.client(f"{ROMEO}/a", contacts={JULIET: FROM}, presence="0")
    other = world.client(f"{ROMEO}/b", presence="0")
    juliet = world.client(f"{JULIET}/b", presence="0")
    world.got(other)
    if how == "close":
        world.send(romeo, "</stream:stream>")
    elif how == "lose":
        world.rig.lose(romeo.link)
    else:
        world.rig.router.end(romeo, "reset")
        world.rig.turn()
    assert seen(world.got(juliet)) == [(f"{ROMEO}/a", JULIET, "unavailable")]
    assert seen(world.got(other)) == [(f"{ROMEO}/a", ROMEO, "unavailable")]
    assert world.notes.went == [romeo]


@pytest.mark.parametrize("priority", ["", "x", "128", "-129", "1.0", "--1", "1 2", "+-1", "99999999999999999999", "١"])
def test_priority_must_be_a_small_whole_number(priority: str) -> None:
    world = World()
    romeo = world.client(f"{ROMEO}/a")
    world.send(romeo, f"<presence id='1'><priority>{priority}</priority></presence>")
    assert [condition(answer) for answer in world.got(romeo)] == ["bad-request"]
    assert not romeo.flags & SessionFlag.S_AVAILABLE


@pytest.mark.parametrize(("written", "value"), [
    ("-128", -128), ("127", 127), ("+5", 5), ("0", 0), ("&#49;<![CDATA[2]]>", 12), (" 3 ", 3)])
def test_priority(written: str, value: int) -> None:
    world = World()
    romeo = world.client(f"{ROMEO}/a")
    world.send(romeo, f"<presence><x xmlns='y'><priority>9</priority></x><priority>{written}</priority></presence>")
    assert romeo.priority == value


@pytest.mark.parametrize("inside", [
    "<priority>1</priority><priority>1</priority>", "<priority>1<x/></priority>"])
def test_priority_is_one_and_plain(inside: str) -> None:
    world = World()
    romeo = world.client(f"{ROMEO}/a")
    world.send(romeo, f"<presence>{inside}</presence>")
    assert [condition(answer) for answer in world.got(romeo)] == ["bad-request"]


def test_priority_is_found_behind_many_children() -> None:
    world = World()
    romeo = world.client(f"{ROMEO}/a")
    world.send(romeo, "<presence>" + "<x xmlns='y'/>" * 40 + "<priority>4</priority></presence>")
    assert romeo.priority == 4


@pytest.mark.parametrize("type", ["subscribe", "subscribed", "unsubscribe", "unsubscribed"])
@pytest.mark.parametrize("to", [f"{JULIET}/b", JULIET, "a@elsewhere/x"])
def test_subscriptions_are_punted_between_bare_jids(type: str, to: str) -> None:
    world = World()
    romeo, juliet = world.client(f"{ROMEO}/a"), world.client(f"{JULIET}/b", presence="0")
    world.send(romeo, f"<presence to='{to}' type='{type}' id='1'><status>hi</status></presence>")
    (session, stanza, reason), = world.notes.punted
    bare = to.partition("/")[0]
    assert (session, reason, stanza.from_, stanza.to, stanza.type) == (
        romeo, Reason.P_SUBSCRIPTION, ROMEO, bare, type)
    assert (stanza.element().get("from"), stanza.element().get("to")) == (ROMEO, bare)
    assert world.got(juliet) == []


@pytest.mark.parametrize("to", [f"{JULIET}/b", JULIET])
def test_subscription_from_elsewhere_is_punted_between_bare_jids(to: str) -> None:
    world = World()
    juliet = world.client(f"{JULIET}/b", presence="0")
    world.rig.router.route(f"<presence from='far@elsewhere/x' to='{to}' type='subscribe'/>".encode())
    (session, stanza, reason), = world.notes.punted
    assert (session, reason, stanza.from_, stanza.to) == (None, Reason.P_SUBSCRIPTION, "far@elsewhere", JULIET)
    assert world.got(juliet) == []


def test_errors_to_requests_from_elsewhere_reach_the_available() -> None:
    """A request is from the bare JID, so is its error to it; local clients have no say there."""
    world = World()
    juliet, silent = world.client(f"{JULIET}/b", presence="-1"), world.client(f"{JULIET}/c")
    world.rig.router.route(f"<presence from='far@elsewhere' to='{JULIET}' type='error'/>".encode())
    world.send(silent, f"<presence to='{JULIET}' type='error'/>")
    assert seen(world.got(juliet)) == [("far@elsewhere", JULIET, "error")]
    assert world.got(silent) == []


@pytest.mark.parametrize(("to", "reason"), [
    (JULIET, Reason.P_PROBE), ("nobody@localhost", Reason.P_PROBE), ("a@elsewhere", Reason.P_REMOTE)])
def test_probes_are_punted(to: str, reason: Reason) -> None:
    world = World()
    romeo = world.client(f"{ROMEO}/a")
    world.send(romeo, f"<presence to='{to}' type='probe'/>")
    assert world.notes.reasons() == [reason]


@pytest.mark.parametrize("stanza", [
    "<presence type='odd'/>", "<presence type='subscribe'/>", "<presence type='probe'/>",
    f"<presence type='odd' to='{JULIET}'/>", "<presence type='' to='localhost'/>"])
def test_presence_that_makes_no_sense(stanza: str) -> None:
    world = World()
    romeo = world.client(f"{ROMEO}/a")
    world.send(romeo, stanza)
    assert [condition(answer) for answer in world.got(romeo)] == ["bad-request"]
    assert world.notes.punted == []


# Directed presence.

def test_directed_presence_and_its_end() -> None:
    """RFC 6121 4.6: whoever was told learns the end, once, also without a subscription."""
    world = World()
    romeo = world.client(f"{ROMEO}/a", contacts={"nurse@localhost": FROM})
    juliet, silent = world.client(f"{JULIET}/b", presence="0"), world.client(f"{JULIET}/c")
    nurse = world.client("nurse@localhost/d", presence="0")
    world.send(romeo, f"<presence to='{JULIET}'/><presence to='{JULIET}/c'/><presence to='nurse@localhost'/>"
                      "<presence to='room@elsewhere/x'/>")
    assert seen(world.got(juliet)) == [(f"{ROMEO}/a", JULIET, None)]
    assert seen(world.got(silent)) == [(f"{ROMEO}/a", f"{JULIET}/c", None)]
    assert seen(world.got(nurse)) == [(f"{ROMEO}/a", "nurse@localhost", None)]
    world.send(romeo, "<presence/>")
    assert world.got(juliet) == []
    world.got(nurse)
    world.rig.lose(romeo.link)
    assert seen(world.got(juliet)) == [(f"{ROMEO}/a", JULIET, "unavailable")]
    assert seen(world.got(silent)) == [(f"{ROMEO}/a", f"{JULIET}/c", "unavailable")]
    assert seen(world.got(nurse)) == [(f"{ROMEO}/a", "nurse@localhost", "unavailable")]
    assert [(stanza.to, stanza.type, reason) for _, stanza, reason in world.notes.punted] == [
        ("room@elsewhere/x", None, Reason.P_REMOTE), ("room@elsewhere/x", "unavailable", Reason.P_REMOTE)]


def test_directed_presence_taken_back() -> None:
    world = World()
    romeo, juliet = world.client(f"{ROMEO}/a"), world.client(f"{JULIET}/b", presence="0")
    world.send(romeo, f"<presence to='{JULIET}'/><presence to='{JULIET}' type='unavailable'/>")
    assert [type for _, _, type in seen(world.got(juliet))] == [None, "unavailable"]
    world.rig.lose(romeo.link)
    assert world.got(juliet) == []


def test_going_unavailable_ends_directed_presence_with_its_status() -> None:
    world = World()
    romeo, juliet = world.client(f"{ROMEO}/a"), world.client(f"{JULIET}/b", presence="0")
    world.send(romeo, f"<presence to='{JULIET}/b'/>")
    world.got(juliet)
    world.send(romeo, "<presence type='unavailable'><status>bye</status></presence>")
    presence, = world.got(juliet)
    assert (presence.get("to"), presence.get("type"), presence[0].text) == (f"{JULIET}/b", "unavailable", "bye")
    world.rig.lose(romeo.link)
    assert world.got(juliet) == []


def test_directed_presence_is_bounded() -> None:
    world = World()
    romeo = world.client(f"{ROMEO}/a")
    world.send(romeo, "".join(f"<presence to='a{i}@localhost'/>" for i in range(502)) + "<presence to='a1@localhost'/>")
    assert [(condition(e), e.get("from")) for e in world.got(romeo)] == [
        ("resource-constraint", "a500@localhost"), ("resource-constraint", "a501@localhost")]


def test_presence_error_reaches_the_resource_it_names() -> None:
    world = World()
    romeo, juliet = world.client(f"{ROMEO}/a"), world.client(f"{JULIET}/b", presence="0")
    world.send(romeo, f"<presence to='{JULIET}/b' type='error'/><presence to='{JULIET}' type='error'/>"
                      f"<presence to='{JULIET}/x' type='error'/><presence to='nobody@localhost/x' type='error'/>")
    assert seen(world.got(juliet)) == [(f"{ROMEO}/a", f"{JULIET}/b", "error")]
    assert world.got(romeo) == []


def test_show_and_hide() -> None:
    world = World()
    world.client(f"{ROMEO}/a", presence="1")
    world.client(f"{ROMEO}/b", presence="2")
    world.client(f"{ROMEO}/c")
    juliet, silent = world.client(f"{JULIET}/b", presence="0"), world.client(f"{JULIET}/c")
    router = world.rig.router
    for watcher in (JULIET, f"{JULIET}/c", f"{JULIET}/gone", "nobody@localhost"):
        router.show(ROMEO, watcher)
    router.hide(ROMEO, JULIET)
    router.show("nobody@localhost", JULIET)
    world.rig.turn()
    here = [(f"{ROMEO}/{name}", JULIET, None) for name in "ab"]
    assert seen(world.got(juliet)) == here + [(jid, to, "unavailable") for jid, to, _ in here]
    assert seen(world.got(silent)) == here


def test_resources_with_special_characters() -> None:
    """Every written address is escaped, whoever writes it."""
    world = World()
    strange = f"{ROMEO}/a'b\"<c>&"
    romeo = world.client(strange, contacts={JULIET: FROM})
    juliet = world.client(f"{JULIET}/<&>", contacts={ROMEO: FROM}, presence="0")
    world.send(romeo, "<presence/><presence to='juliet@localhost/&lt;&amp;&gt;'/>")
    assert seen(world.got(juliet)) == [(strange, JULIET, None), (strange, f"{JULIET}/<&>", None)]
    world.send(juliet, "<message to='romeo@localhost/a&apos;b&quot;&lt;c>&amp;'/>")
    world.got(romeo)
    world.rig.lose(romeo.link)
    assert seen(world.got(juliet)) == [(strange, JULIET, "unavailable")]
