"""Order holds across what the server must think about: pairs sent in one segment end as if one by one."""

import pytest

from support.people import World, befriend
from support.rawclient import NS, ROSTER, bodies, body

ROSTER_GET = "<iq type='get' id='g'><query xmlns='jabber:iq:roster'/></iq>"
TURNS = 10  # each pair is a race that a wrong server wins now and then


@pytest.mark.parametrize(("punted", "arriving", "answers"), [
    ("<presence to='{to}' type='subscribe'/>", ["presence", "message"], 1),    # a push of the asker's own roster
    ("<presence to='{to}' type='unsubscribe'/>", ["message"], 0),
    ("<iq to='{to}' type='get' id='q'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>", ["message"], 1),
    ("<iq to='{to}' type='get' id='q'><query xmlns='jabber:iq:last'/></iq>", ["message"], 1),
    ("<message to='{to}' type='chat'><body>0</body><c:x xmlns:c='jabber:client'/></message>", ["message"] * 2, 0),
    ("<message to='{to}' type='chat'><body>0</body><sent xmlns='urn:xmpp:carbons:2'/></message>", ["message"] * 2, 0),
])
def test_a_message_behind_something_slow(world: World, punted: str, arriving: list[str], answers: int) -> None:
    """It arrives behind what was sent before it to the same account, and behind its effects."""
    for _ in range(TURNS):
        sender, receiver = world.online(), world.online()
        sender.send(punted.format(to=receiver.bare),
                    f"<message to='{receiver.bare}' type='chat'><body>second</body></message>",
                    f"<iq type='get' id='end' to='{receiver.bare}'><query xmlns='urn:end'/></iq>")
        heard = receiver.until(lambda e: body(e) == "second")
        assert [stanza.tag.removeprefix(NS) for stanza in heard] == arriving
        assert len(sender.until(lambda e: e.get("id") == "end")) == answers + 1
        assert receiver.sync() == []    # nothing comes later


def test_messages_fast_and_slow_by_turns(world: World) -> None:
    """Those that need cleaning don't fall behind those that don't."""
    sender, receiver = world.friends()
    slow = "<stanza-id xmlns='urn:xmpp:sid:0' id='x' by='localhost'/>"
    sender.send(*(f"<message to='{receiver.jid if n % 3 else receiver.bare}' type='chat'>{slow if n % 2 else ''}"
                  f"<body>{n}</body></message>" for n in range(1000)))
    sender.sync()
    assert bodies(receiver.sync()) == [str(n) for n in range(1000)]


def test_priority_before_message(world: World) -> None:
    """A resource that has just gone negative gets no more, in the same segment."""
    for _ in range(TURNS):
        account = world.account()
        one, other = world.online(account), world.online(account)
        one.sync()
        one.send("<presence><priority>-1</priority></presence>",
                 f"<message to='{account}' type='chat'><body>x</body></message>",
                 "<presence><priority>0</priority></presence>")
        assert bodies(one.sync()) == []
        assert bodies(other.sync()) == ["x"]


def test_unavailable_before_message(world: World) -> None:
    for _ in range(TURNS):
        one = world.online()
        one.send("<presence type='unavailable'/>", f"<message to='{one.bare}' type='chat'><body>x</body></message>")
        assert bodies(one.sync()) == []
        one.send("<presence/>")
        assert body(one.until(lambda e: e.tag == NS + "message")[-1]) == "x"


def test_removal_before_presence(world: World) -> None:
    """Who was removed does not see what is sent right behind the removal."""
    for _ in range(TURNS):
        one, other = world.friends()
        one.send(f"<iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='{other.bare}' "
                 "subscription='remove'/></query></iq>", "<presence><status>secret</status></presence>",
                 f"<message to='{other.bare}' type='chat'><body>end</body></message>")
        heard = other.until(lambda e: body(e) == "end")
        assert [stanza for stanza in heard if stanza.findtext(NS + "status") == "secret"] == []
        assert {"unsubscribe", "unsubscribed"} <= {stanza.get("type") for stanza in heard}


def test_approval_before_presence(world: World) -> None:
    """Who was let in sees the presence sent right behind."""
    for _ in range(TURNS):
        one, other = world.online(), world.online()
        one.send(f"<presence to='{other.bare}' type='subscribe'/>")
        other.until(lambda e: e.get("type") == "subscribe")
        other.send(f"<presence to='{one.bare}' type='subscribed'/>", "<presence><status>new</status></presence>")
        one.until(lambda e: e.findtext(NS + "status") == "new")


def test_roster_set_before_get(world: World) -> None:
    for turn in range(TURNS):
        one = world.online()
        one.send(f"<iq type='set' id='s'><query xmlns='jabber:iq:roster'><item jid='c@localhost' name='{turn}'/>"
                 "</query></iq>", ROSTER_GET)
        answer = one.until(lambda e: e.get("id") == "g")[-1]
        assert [item.get("name") for item in answer.iter(ROSTER + "item")] == [str(turn)]


def test_roster_get_before_presence(world: World) -> None:
    """The usual start of a client: requests are answered in order."""
    for _ in range(TURNS):
        one = world.connected()
        one.send(ROSTER_GET, "<presence/>", "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
        heard = one.until(lambda e: e.get("id") == "p")
        assert [stanza.get("id") for stanza in heard if stanza.tag == NS + "iq"] == ["g", "p"]


def test_a_letter_to_who_is_away_and_then_arrives(world: World) -> None:
    """Sent to oneself in front of one's first presence: kept, then delivered by it."""
    for _ in range(TURNS):
        one = world.connected()
        one.send(f"<message to='{one.bare}' type='chat'><body>note</body></message><presence/>")
        assert body(one.until(lambda e: e.tag == NS + "message")[-1]) == "note"


def test_goodbye_behind_letters(world: World) -> None:
    """All that was sent in front of </stream:stream> counts."""
    receiver = world.online()
    for turn in range(TURNS):
        sender, away = world.online(), world.account()
        sender.send(f"<message to='{receiver.bare}' type='chat'><body>{turn}</body></message>",
                    f"<message to='{away}' type='chat'><body>{turn}</body></message>",
                    f"<presence to='{receiver.bare}' type='subscribe'/></stream:stream>")
        assert sender.ended().endswith(b"</stream:stream>")
        heard = receiver.until(lambda e, asker=sender.bare: (e.get("type"), e.get("from")) == ("subscribe", asker))
        assert bodies(heard) == [str(turn)]
        assert bodies(world.arrive(away)) == [str(turn)]


def test_cancelling_before_presence(world: World) -> None:
    for _ in range(TURNS):
        one, other = world.online(), world.online()
        befriend(one, other)
        other.send(f"<presence to='{one.bare}' type='unsubscribed'/>", "<presence><status>secret</status></presence>",
                   f"<message to='{one.bare}' type='chat'><body>end</body></message>")
        heard = one.until(lambda e: body(e) == "end")
        assert [stanza for stanza in heard if stanza.findtext(NS + "status") == "secret"] == []
