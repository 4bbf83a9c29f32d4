"""Blocking as its users see it (XEP-0191, protocol.md 13): for accounts that are here and for those that are not."""

import pytest

from support.people import World, settled
from support.rawclient import NS, Client, bodies, brief, condition

BLOCKING = "urn:xmpp:blocking"
HELLO = "<message to='{to}' type='chat' id='m'><body>{body}</body></message>"


def change(client: Client, name: str, *jids: str) -> str:
    """Blocks or unblocks; the condition of the error, if it is refused."""
    items = "".join(f"<item jid='{jid}'/>" for jid in jids)
    return condition(client.ask("set", f"<{name} xmlns='{BLOCKING}'>{items}</{name}>", mark=name))


def blocklist(client: Client) -> list[str | None]:
    answer = client.ask("get", f"<blocklist xmlns='{BLOCKING}'/>")
    return [item.get("jid") for item in answer[0]]


def presences(client: Client) -> list[str]:
    return [brief(stanza) for stanza in client.sync()]


def test_offered(world: World) -> None:
    features = world.online().ask("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", "localhost")[0]
    assert BLOCKING in [feature.get("var") for feature in features]


def test_privacy_lists_are_not_offered(world: World) -> None:
    """XEP-0016, which this has taken the place of."""
    client, privacy = world.online(), "jabber:iq:privacy"
    info = client.ask("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", "localhost")
    assert privacy not in {feature.get("var") for feature in info[0]}
    for kind, to in (("get", ""), ("set", ""), ("get", "localhost")):
        assert condition(client.ask(kind, f"<query xmlns='{privacy}'><list name='x'/></query>", to)) \
            == "service-unavailable"


def test_list_outlives_sessions(world: World) -> None:
    client = world.online()
    assert blocklist(client) == []
    assert change(client, "block", "b@far.example", "A@far.EXAMPLE/r") == ""
    client.log_out()
    again = world.online(client.bare)
    assert blocklist(again) == ["a@far.example/r", "b@far.example"]
    assert change(again, "unblock", "b@far.example") == ""
    assert blocklist(again) == ["a@far.example/r"]


def test_changes_are_pushed_to_who_has_asked(world: World) -> None:
    one = world.online(resource="one")
    two, three = world.online(one.bare, "two"), world.online(one.bare, "three")
    for client in (one, two):
        blocklist(client)
    change(three, "block", "x@far.example")
    change(three, "unblock")
    for client in (one, two):
        block, unblock = [stanza for stanza in client.sync() if stanza.get("type") == "set"]
        assert [item.get("jid") for item in block[0]] == ["x@far.example"]
        assert (block[0].tag, unblock[0].tag, len(unblock[0])) == (
            f"{{{BLOCKING}}}block", f"{{{BLOCKING}}}unblock", 0)
        assert block.get("to") == client.jid
    assert not [stanza for stanza in three.sync() if stanza.get("type") == "set"]


@pytest.mark.parametrize("away", [False, True])
def test_nothing_comes_through(world: World, away: bool) -> None:
    """The blocked one sees what he would see of an account that is not there."""
    romeo, juliet = world.friends()
    assert change(romeo, "block", juliet.bare) == ""
    if away:
        romeo.log_out()
    juliet.sync()
    juliet.send(HELLO.format(to=romeo.bare, body="hello?"), HELLO.format(to=romeo.jid, body="hello?"),
                f"<message to='{romeo.bare}' type='error' id='m'/>",
                f"<presence to='{romeo.bare}' type='probe'/>", f"<presence to='{romeo.jid}'/>",
                f"<presence to='{romeo.bare}' type='subscribe'/>", f"<presence to='{romeo.bare}' type='subscribed'/>",
                f"<iq to='{romeo.bare}' type='get' id='i'><query xmlns='jabber:iq:last'/></iq>",
                f"<iq to='{romeo.jid}' type='get' id='i'><ping xmlns='urn:xmpp:ping'/></iq>")
    heard = [stanza for stanza in juliet.sync() if stanza.tag != NS + "presence"]
    assert [(stanza.get("id"), condition(stanza)) for stanza in heard] == [
        ("m", "service-unavailable"), ("m", "service-unavailable"),
        ("i", "service-unavailable"), ("i", "service-unavailable")]
    seen = world.arrive(romeo.bare) if away else romeo.sync()
    assert [stanza for stanza in seen if juliet.bare in (stanza.get("from") or "")] == []


def test_own_stanzas_are_refused_with_the_reason(world: World) -> None:
    romeo, juliet = world.online(), world.online()
    change(romeo, "block", "localhost.example", juliet.bare)
    for to in (juliet.bare, juliet.jid, "x@localhost.example"):
        romeo.send(HELLO.format(to=to, body="hello?"))
        [error] = romeo.sync()
        assert condition(error) == "not-acceptable"
        assert error.find(f"{NS}error/{{urn:xmpp:blocking:errors}}blocked") is not None
    assert juliet.sync() == []


def test_presence_follows_the_list(world: World) -> None:
    romeo, juliet = world.friends()
    romeo.sync()
    juliet.sync()
    change(romeo, "block", juliet.bare)
    assert presences(juliet) == [f"presence unavailable {romeo.jid}"]
    for client in (romeo, juliet):
        client.send("<presence><show>away</show></presence>")
    assert presences(juliet) == [f"presence - {juliet.jid}"]
    assert presences(romeo) == [f"presence - {romeo.jid}"]
    change(romeo, "unblock", juliet.bare)
    assert presences(juliet) == [f"presence - {romeo.jid}"]
    assert bodies(settled(juliet, romeo)) == []


def test_unblocking_shows_that_a_contact_has_gone(world: World) -> None:
    romeo, juliet = world.friends()
    change(romeo, "block", juliet.bare)
    romeo.sync()
    juliet.log_out()
    assert presences(romeo) == []
    romeo.send(f"<iq type='set' id='u'><unblock xmlns='{BLOCKING}'/></iq>")
    assert [brief(stanza) for stanza in romeo.sync()] == [f"presence unavailable {juliet.bare}", "iq result -"]


def test_waiting_request_and_letters_of_a_blocked_one_are_not_shown(world: World) -> None:
    romeo, spammer = world.online(priority=-1), world.online()
    spammer.send(HELLO.format(to=romeo.bare, body="buy"), f"<presence to='{romeo.bare}' type='subscribe'/>")
    spammer.sync()
    friend = world.online()
    friend.send(HELLO.format(to=romeo.bare, body="hi"))
    friend.sync()
    change(romeo, "block", spammer.bare)
    romeo.log_out()
    seen = world.arrive(romeo.bare)
    assert bodies(seen) == ["hi"]
    assert "subscribe" not in [stanza.get("type") for stanza in seen]


def test_order_holds(world: World) -> None:
    """What is sent behind a change is judged by it, what is sent before it is not."""
    romeo, juliet = world.online(), world.online()
    parts = []
    for n in range(4):
        parts += [HELLO.format(to=juliet.jid, body=f"sent {n}"),
                  f"<iq type='set' id='b{n}'><block xmlns='{BLOCKING}'><item jid='{juliet.bare}'/></block></iq>",
                  HELLO.format(to=juliet.jid, body=f"refused {n}"),
                  f"<iq type='set' id='u{n}'><unblock xmlns='{BLOCKING}'/></iq>"]
    romeo.send(*parts)
    answers = romeo.sync()
    assert [stanza.get("id") for stanza in answers] == [id for n in range(4) for id in (f"b{n}", "m", f"u{n}")]
    assert bodies(juliet.sync()) == [f"sent {n}" for n in range(4)]


def test_removed_roster_entry_of_one_who_blocks(world: World) -> None:
    """It ends on the remover's side; the other side hears nothing of it."""
    romeo, juliet = world.friends()
    change(romeo, "block", juliet.bare)
    romeo.sync()
    removal = f"<query xmlns='jabber:iq:roster'><item jid='{romeo.bare}' subscription='remove'/></query>"
    assert juliet.ask("set", removal).get("type") == "result"
    assert romeo.sync() == []


def test_blocked_by_both(world: World) -> None:
    romeo, juliet = world.friends()
    change(romeo, "block", juliet.bare)
    change(juliet, "block", romeo.bare)
    romeo.sync()
    juliet.sync()
    change(romeo, "unblock")
    assert presences(juliet) == presences(romeo) == []
    juliet.send(f"<iq type='set' id='u'><unblock xmlns='{BLOCKING}'/></iq>")
    assert [brief(stanza) for stanza in juliet.sync()] == [f"presence - {romeo.jid}", "iq result -"]
    assert presences(romeo) == [f"presence - {juliet.jid}"]
