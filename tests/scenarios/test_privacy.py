"""Who may learn what (protocol.md 12): a stranger can't tell an account that exists from one that does not."""

import re

import pytest

from support.people import World
from support.rawclient import NS, Client, condition

GHOST = "ghost@localhost"
REQUESTS = {
    "disco#info": "<query xmlns='http://jabber.org/protocol/disco#info'/>",
    "disco#items": "<query xmlns='http://jabber.org/protocol/disco#items'/>",
    "ping": "<ping xmlns='urn:xmpp:ping'/>",
    "last activity": "<query xmlns='jabber:iq:last'/>",
    "version": "<query xmlns='jabber:iq:version'/>",
    "time": "<time xmlns='urn:xmpp:time'/>",
    "roster": "<query xmlns='jabber:iq:roster'/>",
    "private xml": "<query xmlns='jabber:iq:private'><x xmlns='urn:x'/></query>",
    "archive": "<query xmlns='urn:xmpp:mam:2'/>",
    "block list": "<blocklist xmlns='urn:xmpp:blocking'/>",
    "card": "<vCard xmlns='vcard-temp'/>",
    "registration": "<query xmlns='jabber:iq:register'/>",
    "command": "<command xmlns='http://jabber.org/protocol/commands' node='x'/>",
    "nothing known": "<query xmlns='urn:x'/>",
}
PRESENCES = ("type='subscribe'", "type='subscribed'", "type='unsubscribe'", "type='unsubscribed'", "type='probe'",
             "", "type='unavailable'", "type='error'")


def heard(client: Client, stanza: str, bare: str) -> list[bytes]:
    """What the server says to it, with the account's name, ids and the version of one's own roster made alike. The last
    answer marks the end."""
    client.send(stanza.format(to=bare), f"<iq type='get' id='end' to='{bare}'><query xmlns='urn:end'/></iq>")
    answers = []
    while client.next().get("id") != "end":
        answers.append(client.raw)
    return [re.sub(rb" (?:id|ver)=(['\"]).*?\1", b"", raw.replace(bare.encode(), b"ACCOUNT")) for raw in answers]


@pytest.fixture(params=["away", "there", "there unavailable"])
def account(world: World, request: pytest.FixtureRequest) -> str:
    """One that exists, in each state."""
    if request.param == "away":
        return world.account()
    client = world.online(resource="there")
    if request.param == "there unavailable":
        client.send("<presence type='unavailable'/>")
        client.sync()
    return client.bare


@pytest.mark.parametrize("kind", ["get", "set", "result", "error"])
def test_requests(world: World, account: str, kind: str) -> None:
    stranger = world.online()
    for name, payload in REQUESTS.items():
        for suffix in ("", "/there", "/gone"):
            stanza = f"<iq type='{kind}' id='q' to='{{to}}{suffix}'>{payload}</iq>"
            answers = heard(stranger, stanza, account)
            assert answers == heard(stranger, stanza, GHOST), (name, suffix)
            refusals = [b"<service-unavailable" in answer or b"<forbidden" in answer for answer in answers]
            assert refusals == [True] * (kind in ("get", "set")), (name, suffix)


@pytest.mark.parametrize("attributes", PRESENCES)
def test_presence(world: World, account: str, attributes: str) -> None:
    """Silence, but for pushes of one's own roster, which are alike."""
    stranger = world.online()
    for suffix in ("", "/there", "/gone"):
        stanza = f"<presence to='{{to}}{suffix}' {attributes}/>"
        assert heard(stranger, stanza, account) == heard(stranger, stanza, GHOST), suffix


@pytest.mark.parametrize("kind", ["groupchat", "headline", "error"])
def test_messages(world: World, account: str, kind: str) -> None:
    """Of those that are not kept; to a letter the local sender hears that there is no such account."""
    stranger = world.online()
    for suffix in ("", "/there", "/gone"):
        stanza = f"<message to='{{to}}{suffix}' type='{kind}'><body>x</body></message>"
        assert heard(stranger, stanza, account) == heard(stranger, stanza, GHOST), suffix


def test_a_full_jid_is_not_confirmed(world: World) -> None:
    """To a resource that is there and to one that is not, a stranger hears the same."""
    stranger, hidden = world.online(), world.online(resource="there")
    for stanza in ("<iq type='get' id='q' to='{to}'><ping xmlns='urn:xmpp:ping'/></iq>",
                   "<iq type='set' id='q' to='{to}'><query xmlns='urn:x'/></iq>",
                   "<message to='{to}' type='chat'><body>x</body></message>",
                   "<message to='{to}' type='groupchat'><body>x</body></message>",
                   "<message to='{to}' type='headline'><body>x</body></message>",
                   "<message to='{to}'><body>x</body></message>",
                   "<presence to='{to}' type='probe'/>"):
        there = heard(stranger, stanza, hidden.bare + "/there")
        gone = heard(stranger, stanza, hidden.bare + "/gone")
        assert [raw.replace(b"/gone", b"/there") for raw in gone] == there, stanza
    assert [stanza for stanza in hidden.sync() if stanza.tag == NS + "iq"] == []


def test_directed_presence_opens_the_door(world: World) -> None:
    """Who got presence from a resource may ask it (protocol.md 12), until that ends."""
    stranger, shown = world.online(), world.online()
    shown.send(f"<presence to='{stranger.jid}'/>")
    shown.sync()
    stranger.sync()
    stranger.send(f"<iq type='get' id='q' to='{shown.jid}'><query xmlns='urn:x'/></iq>")
    stranger.sync()
    [asked] = shown.sync()
    assert asked.get("from") == stranger.jid
    shown.send(f"<presence to='{stranger.jid}' type='unavailable'/>")
    shown.sync()
    stranger.sync()
    stranger.send(f"<iq type='get' id='r' to='{shown.jid}'><query xmlns='urn:x'/></iq>")
    assert [condition(answer) for answer in stranger.sync()] == ["service-unavailable"]
    assert shown.sync() == []


def test_an_answer_comes_back(world: World) -> None:
    """A request to a stranger is refused; but who is asked by a friend may answer, sharing presence one way."""
    asker, asked = world.online(), world.online()
    asked.send(f"<presence to='{asker.jid}'/>")
    asked.sync()
    asker.sync()
    asker.send(f"<iq type='get' id='q' to='{asked.jid}'><query xmlns='urn:x'/></iq>")
    asker.sync()
    asked.sync()
    asked.send(f"<iq type='result' id='q' to='{asker.jid}'><query xmlns='urn:x'/></iq>")
    asked.sync()
    assert [answer.get("type") for answer in asker.sync()] == ["result"]


def test_a_friend_learns_last_activity(world: World) -> None:
    one, other = world.friends()
    answer = one.ask("get", "<query xmlns='jabber:iq:last'/>", other.bare)
    assert answer.get("type") == "result"


def test_a_letter_to_nobody(world: World) -> None:
    """A local sender hears of a typing error, at most so often."""
    stranger = world.online()
    stranger.send(f"<message to='{GHOST}' type='chat'><body>x</body></message>" * 500)
    answers = stranger.sync()
    assert 1 <= len(answers) <= 500
    assert {condition(answer) for answer in answers} == {"service-unavailable"}
