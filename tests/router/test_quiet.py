"""XEP-0352 in the data plane: what an inactive session gets at once, what waits, and in which order."""

from xml.etree.ElementTree import Element

import pytest

from headrace.router.account import Subscription
from headrace.router.session import Session, SessionFlag
from headrace.stream.limits import SessionLimits
from support.routing import CLIENT, World

BOTH = Subscription.SUB_TO | Subscription.SUB_FROM
BODY = "<body>Hi</body>"
STATE = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
EVENT = "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='n'/></event>"
DIRECT = "<x xmlns='jabber:x:conference' jid='room@chat.localhost'/>"
MEDIATED = "<x xmlns='http://jabber.org/protocol/muc#user'><invite to='juliet@localhost'/></x>"


class Phone:
    """Juliet's phone, inactive, and a contact with two resources."""

    def __init__(self, limits: SessionLimits | None = None) -> None:
        self.world = World(limits=limits)
        self.romeo = self.world.client("romeo@localhost/a", contacts={"juliet@localhost": BOTH}, presence="0")
        self.other = self.world.client("romeo@localhost/b", presence="0")
        self.phone = self.world.client("juliet@localhost/phone", contacts={"romeo@localhost": BOTH}, presence="0")
        self.say("<inactive xmlns='urn:xmpp:csi:0'/>")
        self.got()

    def say(self, text: str) -> None:
        self.world.send(self.phone, text)

    def got(self) -> list[Element]:
        return self.world.got(self.phone)

    def message(self, inside: str, type: str = "chat", sender: Session | None = None) -> None:
        self.world.send(sender or self.romeo, f"<message to='{self.phone.jid}' type='{type}'>{inside}</message>")


def test_presence_waits_the_last_of_each_sender() -> None:
    phone = Phone()
    for status in ("1", "2", "3"):
        for session in (phone.romeo, phone.other):
            phone.world.send(session, f"<presence><status>{status}</status></presence>")
    phone.world.send(phone.romeo, "<presence type='unavailable'/>")
    assert phone.got() == []
    phone.say("<active xmlns='urn:xmpp:csi:0'/>")
    assert [(p.get("from"), p.get("to"), p.get("type"), p.findtext(f"{CLIENT}status")) for p in phone.got()] == [
        ("romeo@localhost/b", "juliet@localhost", None, "3"),
        ("romeo@localhost/a", "juliet@localhost", "unavailable", None)]
    phone.world.send(phone.other, "<presence type='unavailable'/>")
    assert len(phone.got()) == 1     # active again


@pytest.mark.parametrize(("inside", "type"), [
    (BODY, "chat"), (BODY + STATE, "chat"), (BODY, "normal"), (BODY, "headline"), (BODY, "groupchat"),
    ("<subject>S</subject>", "groupchat"), ("", "normal"),
    ("<propose xmlns='urn:xmpp:jingle-message:0' id='1'/>", "chat"), ("<received xmlns='urn:xmpp:receipts'/>", "chat"),
    ("<displayed xmlns='urn:xmpp:chat-markers:0'/>", "chat"), (STATE + "<x xmlns='urn:x'/>", "chat"), (STATE, "error"),
    (STATE + "<store xmlns='urn:xmpp:hints'/>", "chat"), (EVENT + BODY, "headline"),
    (STATE + "<x xmlns='urn:x'/>" * 20, "chat"), (DIRECT, "headline"), (MEDIATED, "headline"),
])
def test_at_once_behind_what_waits(inside: str, type: str) -> None:
    phone = Phone()
    phone.world.send(phone.other, "<presence><status>before</status></presence>")
    phone.message(inside, type)
    assert [e.tag for e in phone.got()] == [f"{CLIENT}presence", f"{CLIENT}message"]
    phone.world.send(phone.other, "<presence><status>after</status></presence>")
    assert phone.got() == []        # it is still inactive


@pytest.mark.parametrize("beside", [
    "", "<thread>t</thread>", "<no-store xmlns='urn:xmpp:hints'/>", "<origin-id xmlns='urn:xmpp:sid:0' id='1'/>"])
@pytest.mark.parametrize("type", ["chat", "normal", "groupchat"])
def test_bare_chat_states_are_dropped(beside: str, type: str) -> None:
    phone = Phone()
    phone.message(STATE + beside, type)
    phone.say("<active xmlns='urn:xmpp:csi:0'/>")
    assert phone.got() == []
    phone.message(STATE)
    assert len(phone.got()) == 1


def test_events_wait_in_order() -> None:
    phone = Phone()
    for n in range(3):
        phone.message(EVENT.replace("'n'", f"'{n}'"), "headline")
        phone.world.send(phone.other, f"<presence><status>{n}</status></presence>")
    assert phone.got() == []
    phone.message(BODY)
    assert [e.tag.removeprefix(CLIENT) for e in phone.got()] == ["message"] * 3 + ["presence", "message"]


def test_requests_and_answers_go_at_once() -> None:
    phone = Phone()
    phone.world.send(phone.romeo, "<presence to='juliet@localhost/phone'/>")
    phone.world.send(phone.romeo, f"<iq to='{phone.phone.jid}' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>")
    assert [e.tag for e in phone.got()] == [f"{CLIENT}presence", f"{CLIENT}iq"]
    phone.world.rig.router.deliver(phone.phone, b"<iq type='set' id='2'/>")
    phone.world.rig.turn()
    assert len(phone.got()) == 1


def test_stanzas_of_ours_are_judged_too() -> None:
    phone = Phone()
    phone.world.rig.router.deliver(phone.phone, b"<presence from='x@localhost' to='juliet@localhost'/>")
    phone.world.rig.turn()
    assert phone.got() == []
    phone.world.rig.router.deliver(
        phone.phone, b"<presence from='x@localhost' to='juliet@localhost' type='subscribe'/>")
    phone.world.rig.turn()
    assert [p.get("type") for p in phone.got()] == [None, "subscribe"]


def test_active_comes_before_what_follows_it() -> None:
    """Section 5.1: in order."""
    phone = Phone()
    phone.world.send(phone.other, "<presence/>")
    phone.say("<active xmlns='urn:xmpp:csi:0'/><message to='juliet@localhost/phone' id='1'/>")
    assert [e.tag for e in phone.got()] == [f"{CLIENT}presence", f"{CLIENT}message"]


def test_twice_is_once() -> None:
    phone = Phone()
    phone.world.send(phone.other, "<presence/>")
    phone.say("<inactive xmlns='urn:xmpp:csi:0'/>")
    assert phone.got() == []
    phone.say("<active xmlns='urn:xmpp:csi:0'/><active xmlns='urn:xmpp:csi:0'/>")
    assert (len(phone.got()), phone.world.notes.punted) == (1, [])


@pytest.mark.parametrize("nonza", ["<idle xmlns='urn:xmpp:csi:0'/>", "<active xmlns='urn:x'/>"])
def test_others_are_no_states(nonza: str) -> None:
    phone = Phone()
    phone.say(nonza)
    assert len(phone.world.notes.punted) == 1


def test_what_is_held_is_bounded() -> None:
    phone = Phone()
    for n in range(1_500):
        phone.world.rig.router.route(f"<presence from='x{n}@elsewhere/a' to='{phone.phone.jid}'/>".encode())
    phone.world.rig.turn()
    assert len(phone.got()) == 1_000
    big = "x" * 100_000
    for n in range(3):
        phone.world.rig.router.route(
            f"<presence from='{n}@elsewhere/a' to='{phone.phone.jid}'><status>{big}</status></presence>".encode())
    phone.world.rig.turn()
    assert len(phone.got()) == 500 + 3


def test_copies_are_judged_by_what_is_in_them() -> None:
    phone = Phone()
    phone.phone.set_flag(SessionFlag.S_CARBONS)
    desk = phone.world.client("juliet@localhost/desk", presence="0")
    phone.got()
    for inside in (STATE, BODY):
        phone.world.send(phone.romeo, f"<message to='{desk.jid}' type='chat'>{inside}</message>")
    assert [e.tag for e in phone.got()] == [f"{CLIENT}presence", f"{CLIENT}message"]


@pytest.mark.parametrize("invitation", [DIRECT, MEDIATED])
def test_a_copied_invitation_is_no_news_of_a_node(invitation: str) -> None:
    """What its user gets is the copy, not what another client of hers was sent."""
    phone = Phone()
    phone.phone.set_flag(SessionFlag.S_CARBONS)
    desk = phone.world.client("juliet@localhost/desk", presence="0")
    phone.message(BODY)
    phone.got()
    phone.world.send(phone.romeo, f"<message to='{desk.jid}' type='headline'>{invitation}</message>")
    phone.say("<active xmlns='urn:xmpp:csi:0'/>")
    copy, = phone.got()
    assert (copy.get("from"), copy.get("to")) == ("juliet@localhost", phone.phone.jid)
    assert copy[0].tag == "{urn:xmpp:carbons:2}received"


def test_what_waits_ends_with_the_session() -> None:
    phone = Phone()
    phone.world.send(phone.other, "<presence/>")
    phone.message(EVENT, "headline")
    phone.world.rig.lose(phone.phone.link)
    assert phone.world.notes.punted == []
    assert phone.world.counters()["sessions"] == 2


def test_what_is_not_wanted_by_the_operator() -> None:
    """XEP-0352 3.2: administrators may have it otherwise."""
    phone = Phone(SessionLimits(csi_presence=False, csi_chat_states=False, csi_events=False))
    phone.world.send(phone.other, "<presence/>")
    phone.message(STATE)
    phone.message(EVENT, "headline")
    assert len(phone.got()) == 3


def test_nobody_else_learns_it() -> None:
    phone = Phone()
    phone.world.got(phone.romeo)
    for state in ("inactive", "active", "inactive"):
        phone.say(f"<{state} xmlns='urn:xmpp:csi:0'/>")
    assert phone.world.got(phone.romeo) == []
    phone.say("<active xmlns='urn:xmpp:csi:0'/>")
    assert phone.world.got(phone.romeo) == []
