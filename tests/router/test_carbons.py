"""XEP-0280 in the data plane, rule by rule: which messages are copied, to whom, in which form."""

from xml.etree.ElementTree import Element, fromstring, tostring

import pytest

from headrace.router.account import Subscription
from headrace.router.session import Reason, Session, SessionFlag
from support.routing import CLIENT, World, condition

CARBONS = "{urn:xmpp:carbons:2}"
FORWARDED = "{urn:xmpp:forward:0}forwarded"
MUC_USER = "http://jabber.org/protocol/muc#user"
BODY = "<body>Hi</body>"
RECEIPT = "<received xmlns='urn:xmpp:receipts' id='1'/>"
STATE = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
MARKER = "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>"
PRIVATE = "<private xmlns='urn:xmpp:carbons:2'/>"
NO_COPY = "<no-copy xmlns='urn:xmpp:hints'/>"
DIRECT = "<x xmlns='jabber:x:conference' jid='room@chat.localhost'/>"
MEDIATED = f"<x xmlns='{MUC_USER}'><invite to='juliet@localhost'/></x>"
PREFIXED = f"<m:x xmlns:m='{MUC_USER}'><m:invite to='juliet@localhost'/></m:x>"
OCCUPANT = f"<x xmlns='{MUC_USER}'/>"


def copying(world: World, jid: str, presence: str | None = "0") -> Session:
    session = world.client(jid, presence=presence)
    session.set_flag(SessionFlag.S_CARBONS)
    return session


def inner(copy: Element, kind: str) -> Element:
    """The message in a copy of that kind, and nothing else is in it."""
    wrapper, = copy
    assert wrapper.tag == CARBONS + kind, tostring(copy)
    forwarded, = wrapper
    assert forwarded.tag == FORWARDED
    message, = forwarded
    assert message.tag == f"{CLIENT}message"
    return message


class Two:
    """Two accounts, each with a resource that talks and one that wants copies."""

    def __init__(self) -> None:
        self.world = World()
        self.romeo = self.world.client("romeo@localhost/a", presence="0")
        self.juliet = self.world.client("juliet@localhost/b", presence="0")
        self.romeo_too = copying(self.world, "romeo@localhost/too")
        self.juliet_too = copying(self.world, "juliet@localhost/too")
        for session in (self.romeo, self.juliet, self.romeo_too, self.juliet_too):
            self.world.got(session)

    def send(self, inside: str, type: str | None = "chat", to: str = "juliet@localhost/b", attrs: str = "") -> None:
        kind = "" if type is None else f" type='{type}'"
        self.world.send(self.romeo, f"<message to='{to}'{kind}{attrs}>{inside}</message>")


def test_both_copies() -> None:
    """Sections 7 and 8: from the own bare JID to the full one, the type kept, the message as it was delivered."""
    two = Two()
    two.send(BODY + "<thread>t</thread>", attrs=" id='1' xml:lang='it'")
    original, = two.world.got(two.juliet)
    received, = two.world.got(two.juliet_too)
    sent, = two.world.got(two.romeo_too)
    assert received.attrib == {"from": "juliet@localhost", "to": "juliet@localhost/too", "type": "chat"}
    assert sent.attrib == {"from": "romeo@localhost", "to": "romeo@localhost/too", "type": "chat"}
    assert tostring(inner(received, "received")) == tostring(inner(sent, "sent")) == tostring(original)
    assert two.world.got(two.romeo) == []


def test_written_for_any_place() -> None:
    """The forwarded message names its namespace itself, and brings the prefixes of its top tag."""
    two = Two()
    two.send("<p:x/>" + BODY, attrs=" xmlns:p='urn:p'")
    assert two.world.raw(two.juliet_too) == (
        b"<message to='juliet@localhost/too' from='juliet@localhost' type='chat'>"
        b"<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
        b"<message xmlns='jabber:client' from='romeo@localhost/a' to='juliet@localhost/b' type='chat' xmlns:p='urn:p'>"
        b"<p:x/><body>Hi</body></message></forwarded></received></message>")


def test_resources_with_quotes() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    other = copying(world, "romeo@localhost/it's <&>")
    world.send(romeo, f"<message to='juliet@localhost' type='chat'>{BODY}</message>" * 2)
    assert [copy.get("to") for copy in world.got(other)] == ["romeo@localhost/it's <&>"] * 2


@pytest.mark.parametrize(("inside", "type", "copied"), [
    (BODY, "chat", "both"), ("", "chat", "both"), (STATE, "chat", "both"),
    (BODY, "normal", "both"), (BODY, None, "both"), (BODY, "odd", "both"), ("", "normal", "none"),
    ("<x xmlns='urn:x'/>", None, "none"), ("<subject>S</subject>", "normal", "none"),
    (RECEIPT, None, "both"), (STATE, None, "both"), (MARKER, None, "both"), (RECEIPT, "headline", "both"),
    (BODY, "headline", "none"),
    (BODY + PRIVATE + NO_COPY, "chat", "none"), (BODY + PRIVATE, "chat", "none"), (BODY + NO_COPY, "chat", "none"),
    (RECEIPT + PRIVATE, None, "none"), (BODY, "groupchat", "none"), (RECEIPT, "groupchat", "none"),
    (DIRECT, None, "both"), (MEDIATED, None, "both"), (PREFIXED, None, "both"),
    (OCCUPANT + BODY, "chat", "sent"), (OCCUPANT, "normal", "none"),
])
def test_which(inside: str, type: str | None, copied: str) -> None:
    """Section 6.1. Private messages of rooms: of sent ones alone, the room sends the others to all who joined."""
    two = Two()
    two.send(inside, type)
    assert len(two.world.got(two.juliet)) == 1
    assert len(two.world.got(two.juliet_too)) == (copied == "both")
    assert len(two.world.got(two.romeo_too)) == (copied != "none")


def test_room_invites_from_its_bare_jid() -> None:
    two = Two()
    for inside in (MEDIATED, OCCUPANT):
        two.world.rig.router.route(
            f"<message from='room@chat.elsewhere' to='juliet@localhost/b'>{inside}</message>".encode())
    two.world.rig.turn()
    copy, = two.world.got(two.juliet_too)
    assert inner(copy, "received").find(f"*/{{{MUC_USER}}}invite") is not None


@pytest.mark.parametrize("inside", [PRIVATE + NO_COPY, PRIVATE])
def test_private_stays_in_the_message(inside: str) -> None:
    """Section 9: no server removes it any more."""
    two = Two()
    two.send(BODY + inside)
    message, = two.world.got(two.juliet)
    assert message.find(f"{CARBONS}private") is not None


def test_normal_to_the_bare_jid() -> None:
    """Who gets it by RFC 6121 gets no copy; who wants copies and takes no messages does."""
    world = World()
    romeo = world.client("romeo@localhost/a")
    takes = copying(world, "juliet@localhost/takes")
    shy = copying(world, "juliet@localhost/shy", "-1")
    away = copying(world, "juliet@localhost/away", None)
    plain = world.client("juliet@localhost/plain", presence="-1")
    for session in (takes, shy, away, plain):
        world.got(session)
    world.send(romeo, f"<message to='juliet@localhost'>{BODY}</message>")
    assert [message[0].tag for message in world.got(takes)] == [f"{CLIENT}body"]
    assert inner(world.got(shy)[0], "received").get("to") == "juliet@localhost"
    assert inner(world.got(away)[0], "received").get("to") == "juliet@localhost"
    assert world.got(plain) == []


def test_absent_is_copied_to_who_will_not_get_it_later() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    shy, away = copying(world, "juliet@localhost/shy", "-1"), copying(world, "juliet@localhost/away", None)
    world.got(shy)
    world.send(romeo, f"<message to='juliet@localhost' type='chat'>{BODY}</message>")
    assert (len(world.got(shy)), world.got(away), world.notes.reasons()) == (1, [], [Reason.P_ABSENT])


def test_chat_to_a_resource_that_is_gone() -> None:
    """As to the bare JID (RFC 6121 8.5.3.2.1)."""
    two = Two()
    two.send(BODY, to="juliet@localhost/gone")
    assert all(message[0].tag == f"{CLIENT}body" for message in two.world.got(two.juliet_too))
    assert len(two.world.got(two.romeo_too)) == 1


@pytest.mark.parametrize("to", ["romeo@localhost/b", "romeo@localhost", ""])
def test_to_oneself(to: str) -> None:
    """One copy at most, and none to who sent or got it."""
    world = World()
    names = {name: copying(world, f"romeo@localhost/{name}", priority)
             for name, priority in (("a", "0"), ("b", "0"), ("shy", "-1"))}
    for session in names.values():
        world.got(session)
    world.send(names["a"], f"<message type='chat'{f' to={to!r}' if to else ''}>{BODY}</message>")
    got = {name: [message[0].tag for message in world.got(session)] for name, session in names.items()}
    plain = [f"{CLIENT}body"]
    assert got == {"a": [] if "/" in to else plain, "b": plain, "shy": [f"{CARBONS}sent"]}


def test_sender_with_carbons_gets_none() -> None:
    world = World()
    romeo, juliet = copying(world, "romeo@localhost/a"), copying(world, "juliet@localhost/b")
    world.got(juliet)
    for _ in range(2):      # by the tables, by the remembered peer
        world.send(romeo, f"<message to='juliet@localhost/b' type='chat'>{BODY}</message>")
        assert (world.got(romeo), len(world.got(juliet))) == ([], 1)


def test_remembered_peer_and_table_copy_alike() -> None:
    two = Two()
    two.send(BODY)
    first = two.world.raw(two.juliet_too), two.world.raw(two.romeo_too)
    two.send(BODY)
    assert (two.world.raw(two.juliet_too), two.world.raw(two.romeo_too)) == first


def test_off_again_and_gone() -> None:
    two = Two()
    two.juliet_too.set_flag(SessionFlag.S_CARBONS)      # twice is once
    two.juliet_too.set_flag(SessionFlag.S_CARBONS, False)
    two.romeo_too.set_flag(SessionFlag.S_CARBONS, False)
    two.romeo_too.set_flag(SessionFlag.S_CARBONS, False)
    two.send(BODY)
    assert two.world.got(two.juliet_too) == two.world.got(two.romeo_too) == []
    two.juliet_too.set_flag(SessionFlag.S_CARBONS)
    two.world.rig.router.end(two.juliet_too, "conflict")
    two.send(BODY)
    assert not two.juliet_too.flags & SessionFlag.S_CARBONS
    assert len([message for message in two.world.got(two.juliet) if message.tag == f"{CLIENT}message"]) == 2


def test_slow_road_is_copied_too_and_cleaned() -> None:
    """Forged copies and ids are taken out first."""
    two = Two()
    forged = "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'/></received>"
    two.send(BODY + forged + "<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='juliet@localhost'/>")
    for copy, kind in ((two.world.got(two.juliet_too), "received"), (two.world.got(two.romeo_too), "sent")):
        assert [child.tag for child in inner(copy[0], kind)] == [f"{CLIENT}body"]


def test_to_and_from_other_servers() -> None:
    two = Two()
    two.send(BODY, to="tybalt@elsewhere/x")
    assert inner(two.world.got(two.romeo_too)[0], "sent").get("to") == "tybalt@elsewhere/x"
    two.world.rig.router.route(
        f"<message from='tybalt@elsewhere/x' to='romeo@localhost/a' type='chat'>{BODY}</message>".encode())
    two.world.rig.turn()
    assert inner(two.world.got(two.romeo_too)[0], "received").get("from") == "tybalt@elsewhere/x"
    assert len(two.world.got(two.romeo)) == 1


def test_to_a_service_of_ours() -> None:
    two = Two()
    two.send(BODY, to="localhost")
    assert inner(two.world.got(two.romeo_too)[0], "sent").get("to") == "localhost"


# Errors (section 6.1, 10.3).

def test_error_of_a_resource() -> None:
    """To all who saw what it answers, and for nothing else."""
    two = Two()
    two.send(BODY, attrs=" id='seen'")
    two.send("", type="normal", attrs=" id='unseen'")
    two.send(BODY, type="groupchat", attrs=" id='room'")
    for session in (two.romeo_too, two.juliet, two.juliet_too):
        two.world.got(session)
    for id in ("seen", "unseen", "room", "never"):
        two.world.send(two.juliet, f"<message to='romeo@localhost/a' type='error' id='{id}'>"
                                   "<error type='cancel'/></message>")
    two.world.send(two.juliet, "<message to='romeo@localhost/a' type='error'/>")
    assert [message.get("id") for message in two.world.got(two.romeo)] == ["seen", "unseen", "room", "never", None]
    copy, = two.world.got(two.romeo_too)
    assert (copy.get("type"), inner(copy, "received").get("id")) == ("error", "seen")


def test_error_by_somebody_else_is_no_answer() -> None:
    two = Two()
    two.send(BODY, attrs=" id='1'")
    two.world.got(two.romeo_too)
    tybalt = two.world.client("tybalt@localhost/x")
    two.world.send(tybalt, "<message to='romeo@localhost/a' type='error' id='1'/>")
    assert (len(two.world.got(two.romeo)), two.world.got(two.romeo_too)) == (1, [])


def test_errors_of_ours() -> None:
    """Whoever of an account saw the message sees that it was refused."""
    two = Two()
    two.world.rig.router.set_contact("juliet@localhost", "romeo@localhost", Subscription.SUB_FROM)
    two.send(BODY, type="normal", to="juliet@localhost/gone", attrs=" id='1'")
    sent, refused = two.world.got(two.romeo_too)
    assert inner(sent, "sent").get("id") == "1"
    assert condition(inner(refused, "received")) == condition(two.world.got(two.romeo)[0]) == "service-unavailable"


def test_errors_of_the_control_plane() -> None:
    two = Two()
    two.send(BODY, to="localhost", attrs=" id='1'")
    two.world.got(two.romeo_too)
    error = b"<message from='localhost' to='romeo@localhost/a' type='error' id='1'><error type='cancel'/></message>"
    two.world.rig.router.answer(two.romeo, error)
    two.world.rig.turn()
    assert (len(two.world.got(two.romeo)), len(two.world.got(two.romeo_too))) == (1, 1)


# Blocking (protocol.md 13).

def test_blocked_sender_is_not_copied() -> None:
    """And learns no more than from an account that is not there: its others see the message and the error."""
    two = Two()
    two.world.rig.router.set_blocked("juliet@localhost", ["romeo@localhost"])
    for session in (two.romeo, two.romeo_too, two.juliet, two.juliet_too):
        two.world.got(session)
    two.send(BODY, attrs=" id='1'")
    assert two.world.got(two.juliet) == two.world.got(two.juliet_too) == []
    assert [copy[0].tag for copy in two.world.got(two.romeo_too)] == [f"{CARBONS}sent", f"{CARBONS}received"]
    assert [condition(error) for error in two.world.got(two.romeo)] == ["service-unavailable"]


def test_what_goes_to_a_blocked_jid_is_not_sent_so_not_copied() -> None:
    two = Two()
    two.world.rig.router.set_blocked("romeo@localhost", ["juliet@localhost"])
    for session in (two.romeo, two.romeo_too):
        two.world.got(session)
    two.send(BODY, attrs=" id='1'")
    assert [condition(error) for error in two.world.got(two.romeo)] == ["not-acceptable"]
    assert two.world.got(two.romeo_too) == []


# Bounds.

def test_what_was_never_written_goes_to_nobody_who_had_a_copy() -> None:
    """By RFC 6121 8.5 to the other resources, and it is copied no more (protocol.md 5)."""
    two = Two()
    plain = two.world.client("juliet@localhost/plain", presence="0")
    two.world.rig.allow(two.juliet.link, 0)
    two.send(BODY)
    assert (len(two.world.got(two.juliet_too)), len(two.world.got(two.romeo_too))) == (2, 1)    # one presence
    two.world.got(plain)
    two.world.rig.lose(two.juliet.link)
    assert [e.tag for e in two.world.got(two.juliet_too)] == [f"{CLIENT}presence"]
    assert [e.tag for e in two.world.got(plain)] == [f"{CLIENT}presence", f"{CLIENT}message"]
    assert (two.world.got(two.romeo_too), two.world.notes.punted) == ([], [])


def test_too_large_copies_are_left_out() -> None:
    two = Two()
    for size, copies in ((500 << 10, 1), (513 << 10, 0)):
        two.world.rig.router.route((f"<message from='a@elsewhere/x' to='juliet@localhost/b' type='chat'><body>"
                                    f"{'x' * size}</body></message>").encode())
        two.world.rig.turn()
        assert (len(two.world.got(two.juliet)), len(two.world.got(two.juliet_too))) == (1, copies)


def test_written_once_for_all() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    others = [copying(world, f"juliet@localhost/{i}", "-1") for i in range(5)]
    target = world.client("juliet@localhost/b", presence="0")
    for session in others:
        world.got(session)
    world.send(romeo, f"<message to='{target.jid}' type='chat'>{BODY}</message>")
    written = [world.raw(session).replace(session.jid.encode(), b"JID") for session in others]
    assert len(set(written)) == 1
    assert fromstring(written[0]).get("to") == "JID"
