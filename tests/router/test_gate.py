"""In front of an outbox: whose user is told that something waits, and what CSI holds while a session has no link."""

import pytest

from headrace.router.account import Subscription
from headrace.router.session import SessionFlag
from support.routing import CLIENT, World

ID = bytes(range(16))
BODY = "<body>Hi</body>"
STATE = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
CALL = "<propose xmlns='urn:xmpp:jingle-message:0' id='1'/>"
INACTIVE = "<inactive xmlns='urn:xmpp:csi:0'/>"


class Phone:
    """Juliet's phone, with stream management, and Romeo, whom she sees."""

    def __init__(self) -> None:
        self.world = World()
        both = Subscription.SUB_TO | Subscription.SUB_FROM
        self.romeo = self.world.client("romeo@localhost/a", contacts={"juliet@localhost": both}, presence="0")
        self.phone = self.world.client("juliet@localhost/phone", contacts={"romeo@localhost": both}, presence="0")
        self.phone.manage(ID, 600)

    def message(self, inside: str, type: str = "chat", to: str = "juliet@localhost/phone") -> None:
        self.world.send(self.romeo, f"<message to='{to}' type='{type}'>{inside}</message>")

    def lose(self) -> None:
        assert self.phone.link is not None
        self.world.rig.lose(self.phone.link)
        assert self.phone.flags & SessionFlag.S_HIBERNATED

    def resume(self, h: int) -> list[str]:
        self.world.rig.resume(self.phone, h)
        self.world.links[self.phone] = self.phone.link
        self.world.rig.turn()
        return [e.tag.removeprefix(CLIENT) for e in self.world.got(self.phone) if e.tag.startswith(CLIENT)]

    @property
    def told(self) -> int:
        return len(self.world.notes.missing)


@pytest.mark.parametrize(("inside", "type", "told"), [
    (BODY, "chat", 1), (BODY, "normal", 1), (CALL, "chat", 1), ("<store xmlns='urn:xmpp:hints'/>", "chat", 1),
    (STATE, "chat", 0), ("", "chat", 0), (BODY, "headline", 0), (BODY, "groupchat", 0), (BODY, "error", 0),
    ("<received xmlns='urn:xmpp:receipts' id='1'/>", "chat", 0)])
@pytest.mark.parametrize("to", ["juliet@localhost/phone", "juliet@localhost"])
def test_what_is_told(inside: str, type: str, told: int, to: str) -> None:
    phone = Phone()
    phone.lose()
    phone.message(inside, type, to)
    assert phone.told == told


def test_once_until_it_is_back() -> None:
    phone = Phone()
    phone.message(BODY)
    assert phone.told == 0
    phone.world.got(phone.phone)
    phone.world.send(phone.phone, "<a xmlns='urn:xmpp:sm:3' h='1'/>")
    phone.lose()
    for _ in range(3):
        phone.message(BODY)
    session, stanza = phone.world.notes.missing[0]
    assert (phone.told, session, stanza.from_, stanza.to) == (1, phone.phone, "romeo@localhost/a", phone.phone.jid)
    assert phone.resume(1) == ["message"] * 3
    phone.message(BODY)
    assert phone.told == 1
    phone.world.got(phone.phone)
    phone.lose()
    phone.message(BODY)
    assert phone.told == 2


def test_what_was_never_acknowledged_may_not_have_been_seen() -> None:
    phone = Phone()
    phone.message(STATE)
    phone.message(BODY)
    phone.message(BODY)
    assert phone.told == 0
    phone.lose()
    assert phone.told == 1
    phone.message(BODY)
    assert phone.told == 1


def test_copies_count_unless_they_are_of_own_words() -> None:
    phone = Phone()
    desk = phone.world.client("juliet@localhost/desk", presence="0")
    phone.phone.set_flag(SessionFlag.S_CARBONS)
    phone.world.got(phone.phone)
    phone.lose()
    phone.world.send(desk, f"<message to='romeo@localhost' type='chat'>{BODY}</message>")
    assert phone.told == 0
    phone.message(BODY, to=desk.jid)
    assert phone.told == 1


def test_presence_still_waits_and_comes_with_the_next_link() -> None:
    """And is numbered then: what CSI holds is in front of the outbox (protocol.md 7)."""
    phone = Phone()
    phone.world.send(phone.phone, INACTIVE)
    phone.world.send(phone.romeo, "<presence><status>1</status></presence>")
    phone.lose()
    phone.world.send(phone.romeo, "<presence><status>2</status></presence>")
    assert phone.resume(0) == ["presence"]
    assert not phone.phone.flags & SessionFlag.S_INACTIVE       # XEP-0352 5.2
    phone.world.send(phone.romeo, "<presence/>")
    assert len(phone.world.got(phone.phone)) == 1
    assert phone.phone.outbox.unacknowledged == 2


def test_order_is_kept_across_the_links() -> None:
    phone = Phone()
    phone.world.send(phone.phone, INACTIVE)
    phone.world.send(phone.romeo, "<presence/>")
    phone.lose()
    phone.message(BODY)
    phone.world.send(phone.romeo, "<presence/>")
    phone.message(STATE)
    assert phone.resume(0) == ["presence", "message", "presence"]


def test_what_it_held_when_it_ends_is_dropped() -> None:
    phone = Phone()
    phone.world.send(phone.phone, INACTIVE)
    phone.world.send(phone.romeo, "<presence/>")
    phone.lose()
    phone.world.rig.advance(601)
    assert (phone.world.notes.punted, phone.world.notes.went) == ([], [phone.phone])


@pytest.mark.parametrize(("private", "again"), [("", 0), ("<private xmlns='urn:xmpp:carbons:2'/>", 1)])
def test_what_it_had_goes_to_those_who_had_no_copy(private: str, again: int) -> None:
    """protocol.md 5."""
    phone = Phone()
    desk = phone.world.client("juliet@localhost/desk", presence="0")
    desk.set_flag(SessionFlag.S_CARBONS)
    phone.world.got(phone.phone)
    phone.message(BODY + private)
    assert len(phone.world.got(desk)) == 1 - again
    phone.lose()
    phone.world.rig.advance(601)
    assert [e.tag for e in phone.world.got(desk)] == [f"{CLIENT}presence"] + [f"{CLIENT}message"] * again
