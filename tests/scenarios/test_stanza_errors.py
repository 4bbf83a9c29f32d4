"""Each stanza error condition in a situation that RFC 6120 8.3.3 gives it, in the form of 8.3.1 and 8.3.2."""

import xml.etree.ElementTree as ET

import pytest

from support.people import World, befriend
from support.rawclient import NS, STANZA_ERRORS, condition

LANG = "{http://www.w3.org/XML/1998/namespace}lang"
ROSTER = "<query xmlns='jabber:iq:roster'><item jid='{0}'>{1}</item></query>"
REMOVE = "<query xmlns='jabber:iq:roster'><item jid='{0}' subscription='remove'/></query>"
BLOCK = "<block xmlns='urn:xmpp:blocking'><item jid='{0}'/></block>"
NODE = "<query xmlns='http://jabber.org/protocol/disco#info' node='urn:no:such:node'/>"

# RFC 6120 8.3.3: what brings the condition, and the type that goes with it. {me}, {friend}: bare JIDs.
CASES: dict[str, list[tuple[str, str]]] = {
    "bad-request": [
        ("modify", "<iq type='get' id='e'/>"),
        ("modify", "<iq type='ask' id='e'><ping xmlns='urn:xmpp:ping'/></iq>"),
        ("modify", "<iq type='set' id='e'><query xmlns='jabber:iq:roster'/></iq>"),
        ("modify", "<presence type='subscribe' id='e'/>"),
    ],
    "forbidden": [("auth", "<iq type='get' id='e' to='{friend}'><query xmlns='jabber:iq:roster'/></iq>")],
    "item-not-found": [
        ("cancel", f"<iq type='get' id='e' to='localhost'>{NODE}</iq>"),
        ("cancel", "<iq type='set' id='e'>" + REMOVE.format("stranger@localhost") + "</iq>"),
    ],
    "jid-malformed": [
        ("modify", "<message id='e' to='@localhost'><body>x</body></message>"),
        ("modify", "<iq type='get' id='e' to='a@b@c'><ping xmlns='urn:xmpp:ping'/></iq>"),
        ("modify", "<presence id='e' to='localhost/'/>"),
        ("modify", "<iq type='set' id='e'>" + ROSTER.format("@localhost", "") + "</iq>"),
    ],
    "not-acceptable": [
        ("modify", "<iq type='set' id='e'>" + ROSTER.format("a@localhost", "<group/>") + "</iq>"),
    ],
    "not-allowed": [
        ("cancel", "<iq type='set' id='e'>" + ROSTER.format("{me}", "") + "</iq>"),
        ("cancel", "<iq type='set' id='e'>" + BLOCK.format("{me}") + "</iq>"),
    ],
    "policy-violation": [
        ("modify", f"<presence type='subscribe' id='e' to='a@localhost'><status>{'x' * 20_000}</status></presence>"),
    ],
    "remote-server-not-found": [
        ("cancel", "<message id='e' to='romeo@nowhere.example'><body>x</body></message>"),
        ("cancel", "<iq type='get' id='e' to='nowhere.example'><ping xmlns='urn:xmpp:ping'/></iq>"),
        ("cancel", "<presence id='e' to='romeo@nowhere.example'/>"),
    ],
    "service-unavailable": [
        ("cancel", "<iq type='get' id='e'><query xmlns='urn:unknown'/></iq>"),
        ("cancel", "<iq type='get' id='e' to='localhost'><query xmlns='urn:unknown'/></iq>"),
        ("cancel", "<iq type='get' id='e' to='{friend}/gone'><query xmlns='urn:unknown'/></iq>"),
        ("cancel", "<iq type='get' id='e' to='{friend}'><query xmlns='urn:unknown'/></iq>"),
        ("cancel", "<message id='e' to='localhost'><body>x</body></message>"),
        ("cancel", "<message id='e' to='nobody@localhost'><body>x</body></message>"),
        ("cancel", "<message id='e' type='groupchat' to='{friend}'><body>x</body></message>"),
    ],
}


def well_formed(answer: ET.Element) -> None:
    """RFC 6120 8.3.2: one <error/>, in it exactly one defined condition, then at most a text with its language."""
    [error] = answer.findall(NS + "error")
    assert answer.get("type") == "error"
    assert error.get("type") in ("auth", "cancel", "continue", "modify", "wait")
    defined = [child for child in error if child.tag.startswith(STANZA_ERRORS)]
    texts = [child for child in defined if child.tag == STANZA_ERRORS + "text"]
    assert len(defined) - len(texts) == 1
    assert [text.get(LANG) for text in texts] in ([], ["en"])
    assert all(text.text for text in texts)


@pytest.mark.parametrize(("name", "kind", "stanza"), [(name, *case) for name in CASES for case in CASES[name]])
def test_a_condition_in_its_situation(world: World, name: str, kind: str, stanza: str) -> None:
    me, friend = world.online(), world.online()
    befriend(me, friend)
    me.sync()
    me.send(stanza.replace("{me}", me.bare).replace("{friend}", friend.bare))
    answer = me.until(lambda e: e.get("id") == "e")[-1]     # a look into the storage lets the sync's answer pass
    well_formed(answer)
    assert (condition(answer), answer[-1].get("type")) == (name, kind)
    assert answer.get("to") in (me.jid, me.bare)    # subscriptions are between bare JIDs
    assert friend.sync() == me.sync() == []


def test_what_the_blocked_may_not_be_sent(world: World) -> None:
    """XEP-0191 3.3: not-acceptable, with a condition of its own beside it."""
    me = world.online()
    me.ask("set", BLOCK.format("p0@localhost"))
    me.send("<message id='e' to='p0@localhost'><body>x</body></message>")
    [answer] = me.sync()
    well_formed(answer)
    assert (condition(answer), answer[0].get("type")) == ("not-acceptable", "cancel")


def test_a_list_that_is_too_long(world: World) -> None:
    """resource-constraint."""
    items = "".join(f"<item jid='p{n}@elsewhere.example'/>" for n in range(2000))
    answer = world.online().ask("set", f"<block xmlns='urn:xmpp:blocking'>{items}</block>")
    well_formed(answer)
    assert (condition(answer), answer[-1].get("type")) == ("resource-constraint", "wait")


@pytest.mark.parametrize("stanza", [
    "<message type='error' id='e' to='{to}'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
    "</error></message>",
    "<iq type='error' id='e' to='{to}'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
    "</error></iq>",
    "<iq type='result' id='e' to='{to}'/>",
    "<presence type='error' id='e' to='{to}'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
    "</error></presence>",
])
@pytest.mark.parametrize("to", ["nobody@localhost", "nobody@localhost/x", "@", "localhost", "nowhere.example"])
def test_an_answer_is_not_answered(world: World, stanza: str, to: str) -> None:
    """RFC 6120 8.3.1: no error in reply to an error."""
    me = world.online()
    me.send(stanza.format(to=to))
    assert me.sync() == []


def test_an_error_ends_nothing(world: World) -> None:
    """RFC 6120 8.3: stanza errors are recoverable."""
    me = world.online()
    stanzas = [stanza for cases in CASES.values() for _, stanza in cases]
    me.send(*(stanza.replace("{me}", me.bare).replace("{friend}", "p0@localhost") for stanza in stanzas))
    for _ in stanzas:
        assert me.until(lambda e: e.get("id") == "e")[-1].get("type") == "error"
    assert me.sync() == []


def test_errors_of_others_pass_as_they_are(world: World) -> None:
    """RFC 6120 8.3.3: those that only clients send are carried, application-specific conditions included."""
    one, other = world.friends()
    inside = ("<error type='modify' by='x'><{0} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
              "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='de'>nein</text><own xmlns='urn:own'/>"
              "</error>")
    names = ["feature-not-implemented", "gone", "recipient-unavailable", "redirect", "registration-required",
             "subscription-required", "undefined-condition", "unexpected-request", "conflict", "not-authorized"]
    for name in names:
        one.send(f"<message to='{other.jid}' type='error' id='{name}'>{inside.format(name)}</message>")
    one.sync()
    got = other.sync()
    assert [condition(stanza) for stanza in got] == names
    assert all(stanza.find(f"{NS}error/{{urn:own}}own") is not None for stanza in got)
