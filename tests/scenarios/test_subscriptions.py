"""Subscribing, approving, refusing, ending, with both sides there or away (RFC 6121 3)."""

import xml.etree.ElementTree as ET

from support.people import PASSWORD, World, befriend, settled
from support.rawclient import NS, ROSTER, Client, brief


def roster(client: Client) -> dict[str, dict[str, str]]:
    """Items by JID as the server has them now."""
    answer = client.ask("get", "<query xmlns='jabber:iq:roster'/>")
    return {item.get("jid", ""): {k: v for k, v in item.attrib.items() if k != "jid"}
            for item in answer.iterfind(f"{ROSTER}query/{ROSTER}item")}


def is_subscription(stanza: ET.Element) -> bool:
    return stanza.tag == NS + "presence" and str(stanza.get("type")).removeprefix("un").startswith("subscribe")


def push(client: Client) -> tuple[str, dict[str, str]]:
    """(JID, other attributes) of the next roster push, which is answered."""
    stanza = client.until(lambda e: e.tag == NS + "iq" and e.get("type") == "set")[-1]
    assert stanza.get("from") in (None, client.bare)
    client.send(f"<iq type='result' id='{stanza.get('id')}'/>")
    [item] = stanza.iterfind(f"{ROSTER}query/{ROSTER}item")
    return item.get("jid", ""), {k: v for k, v in item.attrib.items() if k not in ("jid", "name")}


def subscription(client: Client, kind: str, sender: str) -> ET.Element:
    """Waits for one."""
    return client.until(lambda e: e.tag == NS + "presence" and e.get("type") == kind and e.get("from") == sender)[-1]


def test_ask_and_approve(world: World) -> None:
    one, other = world.online(), world.online()
    one.send(f"<presence to='{other.jid}' type='subscribe' id='s'><status>please</status></presence>")
    assert push(one) == (other.bare, {"subscription": "none", "ask": "subscribe"})
    asked = subscription(other, "subscribe", one.bare)
    assert (asked.get("to"), asked.findtext(NS + "status")) == (other.bare, "please")
    assert roster(other) == {}  # not shown before it is answered (3.1.3)
    other.send(f"<presence to='{one.jid}' type='subscribed'/>")
    assert push(other) == (one.bare, {"subscription": "from"})
    heard = one.until(lambda e: e.get("from") == other.jid)
    assert sorted(brief(stanza) for stanza in heard if stanza.tag == NS + "presence") == [
        f"presence - {other.jid}", f"presence subscribed {other.bare}"]
    assert roster(one) == {other.bare: {"subscription": "to"}}
    assert roster(other) == {one.bare: {"subscription": "from"}}


def test_refuse(world: World) -> None:
    one, other = world.online(), world.online()
    one.send(f"<presence to='{other.bare}' type='subscribe'/>")
    subscription(other, "subscribe", one.bare)
    other.send(f"<presence to='{one.bare}' type='unsubscribed'/>")
    subscription(one, "unsubscribed", other.bare)
    assert roster(one) == {other.bare: {"subscription": "none"}}
    assert roster(other) == {}
    assert [s for s in other.sync() if s.tag == NS + "presence"] == []


def test_both(world: World) -> None:
    one, other = world.friends()
    assert roster(one) == {other.bare: {"subscription": "both"}}
    assert roster(other) == {one.bare: {"subscription": "both"}}


def test_unsubscribe(world: World) -> None:
    """The other's presence ends; one's own goes on (3.3)."""
    one, other = world.friends()
    one.send(f"<presence to='{other.bare}' type='unsubscribe'/>")
    heard = one.until(lambda e: e.tag == NS + "iq")
    assert [brief(s) for s in heard] == [f"presence unavailable {other.jid}", "iq set -"]
    assert push(other) == (one.bare, {"subscription": "to"})
    one.sync()
    other.send("<presence><show>away</show></presence>")
    other.sync()
    assert [s for s in one.sync() if s.tag == NS + "presence"] == []
    one.send("<presence><show>away</show></presence>")
    one.sync()
    assert [brief(s) for s in other.sync() if s.get("from") == one.jid] == [f"presence - {one.jid}"]


def test_cancel(world: World) -> None:
    """Taking back what was granted: the other hears unsubscribed and unavailable (3.2)."""
    one, other = world.friends()
    other.send(f"<presence to='{one.bare}' type='unsubscribed'/>")
    assert push(other) == (one.bare, {"subscription": "to"})
    heard = one.until(lambda e: e.get("type") == "unavailable") + one.sync()
    assert f"presence unsubscribed {other.bare}" in [brief(s) for s in heard]
    assert roster(one) == {other.bare: {"subscription": "from"}}
    other.send("<presence><show>away</show></presence>")
    other.sync()
    assert [s for s in one.sync() if s.tag == NS + "presence"] == []


def test_a_request_waits_for_who_is_away(world: World) -> None:
    """And comes again at each login until it is answered, once per asker (3.1.3)."""
    account, one = world.account(), world.online()
    one.send(f"<presence to='{account}' type='subscribe'><status>first</status></presence>"
             f"<presence to='{account}' type='subscribe'><status>again</status></presence>")
    push(one)
    one.sync()
    for _ in range(2):
        requests = [stanza for stanza in world.arrive(account) if stanza.get("type") == "subscribe"]
        assert [request.get("from") for request in requests] == [one.bare]
    away = world.connected(account)
    away.ask("get", "<query xmlns='jabber:iq:roster'/>")
    away.send("<presence/>")
    asked = subscription(away, "subscribe", one.bare)
    assert asked.findtext(NS + "status") in ("first", "again")
    away.send(f"<presence to='{one.bare}' type='subscribed'/>")
    assert push(away) == (one.bare, {"subscription": "from"})
    subscription(one, None, away.jid)
    away.log_out()
    assert [s for s in world.arrive(account) if s.get("type") == "subscribe"] == []


def test_approval_while_the_asker_is_away(world: World) -> None:
    account, other = world.account(), world.online()
    one = world.online(account)
    one.send(f"<presence to='{other.bare}' type='subscribe'/>")
    subscription(other, "subscribe", account)
    one.log_out()
    other.send(f"<presence to='{account}' type='subscribed'/>")
    assert push(other) == (account, {"subscription": "from"})
    again = world.connected(account)
    assert roster(again) == {other.bare: {"subscription": "to"}}
    again.send("<presence/>")
    subscription(again, None, other.jid)


def test_refusal_while_the_asker_is_away(world: World) -> None:
    account, other = world.account(), world.online()
    one = world.online(account)
    one.send(f"<presence to='{other.bare}' type='subscribe'/>")
    subscription(other, "subscribe", account)
    one.log_out()
    other.send(f"<presence to='{account}' type='unsubscribed'/>")
    other.sync()
    one = world.online(account)
    assert roster(one) == {other.bare: {"subscription": "none"}}


def test_who_asks_takes_it_back_before_the_answer(world: World) -> None:
    account, one = world.account(), world.online()
    one.send(f"<presence to='{account}' type='subscribe'/>")
    push(one)
    one.send(f"<presence to='{account}' type='unsubscribe'/>")
    assert push(one) == (account, {"subscription": "none"})
    assert [s for s in world.arrive(account) if s.get("type") == "subscribe"] == []


def test_asking_again_when_granted(world: World) -> None:
    """The server answers for the other, who is not bothered (3.1.3)."""
    one, other = world.friends()
    one.send(f"<presence to='{other.bare}' type='subscribe'/>")
    assert settled(one, other) == []
    assert roster(one) == {other.bare: {"subscription": "both"}}
    assert roster(other) == {one.bare: {"subscription": "both"}}


def test_answers_to_no_question(world: World) -> None:
    """They change nothing for the other (appendix A.2.2, A.3.2)."""
    one, other = world.online(), world.online()
    for kind in ("unsubscribed", "unsubscribe", "subscribed"):
        one.send(f"<presence to='{other.bare}' type='{kind}'/>")
    assert settled(one, other) == []
    assert roster(other) == {}
    other.send("<presence><show>away</show></presence>")
    other.sync()
    assert [s for s in one.sync() if s.get("from") == other.jid] == []


def test_at_the_same_time(world: World) -> None:
    """Both ask, both approve, in any order of arrival."""
    one, other = world.online(), world.online()
    for client, contact in ((one, other), (other, one)):
        client.send(f"<presence to='{contact.bare}' type='subscribe'/>")
    for client, contact in ((one, other), (other, one)):
        subscription(client, "subscribe", contact.bare)
        client.send(f"<presence to='{contact.bare}' type='subscribed'/>")
    for client, contact in ((one, other), (other, one)):
        subscription(client, None, contact.jid)
        assert roster(client) == {contact.bare: {"subscription": "both"}}


def test_all_resources_are_told(world: World) -> None:
    """Those that asked for the roster get pushes, those that are available the request."""
    one, account = world.online(), world.account()
    first, second = world.online(account), world.online(account)
    deaf = world.connected(account)
    for client in (first, second, deaf):
        client.sync()
    one.send(f"<presence to='{account}' type='subscribe'/>")
    for client in (first, second):
        subscription(client, "subscribe", one.bare)
    first.send(f"<presence to='{one.bare}' type='subscribed'/>")
    assert push(first) == push(second) == (one.bare, {"subscription": "from"})
    hidden = {first.jid, second.jid}
    while hidden:
        hidden.discard(one.next().get("from", ""))
    assert deaf.sync() == []


def test_removing_the_item_ends_both_directions(world: World) -> None:
    """RFC 6121 2.5.2."""
    one, other = world.friends()
    answer = one.ask("set", f"<query xmlns='jabber:iq:roster'><item jid='{other.bare}' subscription='remove'/></query>")
    assert answer.get("type") == "result"
    heard = other.until(lambda e: e.get("type") == "unavailable" and e.get("from") == one.jid) + other.sync()
    assert {f"presence unsubscribe {one.bare}", f"presence unsubscribed {one.bare}"} <= {brief(s) for s in heard}
    assert roster(one) == {}
    assert roster(other) == {one.bare: {"subscription": "none"}}
    for client, contact in ((one, other), (other, one)):
        client.send("<presence><show>dnd</show></presence>")
        client.sync()
        assert [s for s in contact.sync() if s.get("from") == client.jid] == []


def test_to_oneself_and_to_nobody(world: World) -> None:
    one = world.online()
    one.send(f"<presence to='{one.bare}' type='subscribe'/>")
    assert settled(one, one) == []
    assert one.bare not in roster(one)
    one.send("<presence to='nobody@localhost' type='subscribe'/>")
    assert push(one) == ("nobody@localhost", {"subscription": "none", "ask": "subscribe"})
    one.send("<message to='nobody@localhost' type='chat' id='after'><body>x</body></message>")
    heard = one.until(lambda e: e.get("id") == "after")
    assert not any(map(is_subscription, heard))  # silence, as from one who does not answer (protocol.md 12)


def test_pending_does_not_show_presence(world: World) -> None:
    one, other = world.online(), world.online()
    one.send(f"<presence to='{other.bare}' type='subscribe'/>")
    subscription(other, "subscribe", one.bare)
    other.send("<presence><show>away</show></presence>")
    other.sync()
    assert [s for s in one.sync() if s.get("from") == other.jid] == []


def test_befriending_survives_logins(world: World) -> None:
    one, other = world.online(), world.online()
    befriend(one, other)
    one.log_out()
    other.log_out()
    again = world.online(one.bare)
    back = world.connected(other.bare)
    back.send("<presence/>")
    subscription(again, None, back.jid)


def test_approval_in_advance(world: World) -> None:
    """Announced; noted and shown at home alone; the request is answered without its owner, once (3.4)."""
    client = world.connection()
    client.open()
    client.plain(world.account().partition("@")[0], PASSWORD)
    assert client.open().find("{urn:xmpp:features:pre-approval}sub") is not None
    one, other = world.online(), world.online()
    one.send(f"<presence to='{other.bare}' type='subscribed'/>")
    assert push(one) == (other.bare, {"subscription": "none", "approved": "true"})
    assert settled(one, other) == []
    other.send(f"<presence to='{one.bare}' type='subscribe'/>")
    subscription(other, "subscribed", one.bare)
    assert push(one)[1]["subscription"] == "from"
    assert not [stanza for stanza in one.sync() if is_subscription(stanza)]
    assert roster(other) == {one.bare: {"subscription": "to"}}
