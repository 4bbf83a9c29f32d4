"""Who gets a message: the table of RFC 6121 8.5.4, and IQs and presence by 8.5.1 to 8.5.3.

D delivered, A to all, O kept for later, S silence, E service-unavailable; more than one letter: either will do.
"""

import pytest

from support.people import World, befriend
from support.rawclient import NS, Client, bodies, condition

TYPES = ("normal", "chat", "groupchat", "headline", "error")
#                     normal chat  groupchat headline error
NOBODY_BARE = dict(zip(TYPES, ("SE", "SE", "E", "S", "S"), strict=True))
NOBODY_FULL = dict(zip(TYPES, ("SE", "SE", "SE", "SE", "S"), strict=True))
OFFLINE_BARE = dict(zip(TYPES, ("O", "O", "E", "S", "S"), strict=True))
OFFLINE_FULL = dict(zip(TYPES, ("SEO", "O", "SE", "SE", "S"), strict=True))
ONLINE_BARE = dict(zip(TYPES, ("D", "D", "E", "A", "S"), strict=True))
ONLINE_FULL = dict(zip(TYPES, ("SED", "D", "SE", "SE", "S"), strict=True))  # no such resource


def message(to: str, kind: str, text: str = "hello") -> str:
    return f"<message to='{to}' type='{kind}' id='m'><body>{text}</body></message>"


def replies(sender: Client) -> str:
    """S or E: what the sender hears of a message that it has just sent."""
    answers = [stanza for stanza in sender.sync() if stanza.tag == NS + "message"]
    if not answers:
        return "S"
    [answer] = answers
    assert (answer.get("type"), answer.get("id"), condition(answer)) == ("error", "m", "service-unavailable")
    return "E"


def outcome(sender: Client, *receivers: Client) -> str:
    """S, E, D (some of the receivers) or A (all)."""
    reply = replies(sender)
    got = [bodies(receiver.sync()) for receiver in receivers]
    assert all(texts in ([], ["hello"]) for texts in got)
    assert reply == "S" or not any(got)
    return "A" if got and all(got) else "D" if any(got) else reply


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(("to", "table"), [("nobody@localhost", NOBODY_BARE), ("nobody@localhost/there", NOBODY_FULL)])
def test_no_such_account(world: World, kind: str, to: str, table: dict[str, str]) -> None:
    sender = world.online()
    sender.send(message(to, kind))
    assert replies(sender) in table[kind]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("with_negative", [False, True])
@pytest.mark.parametrize(("suffix", "table"), [("", OFFLINE_BARE), ("/gone", OFFLINE_FULL)])
def test_nobody_there_who_wants_messages(
        world: World, kind: str, with_negative: bool, suffix: str, table: dict[str, str]) -> None:
    """Offline, or only resources of negative priority: both the same (8.5.2.1.1, 8.5.2.2.1)."""
    account, sender = world.account(), world.online()
    negative = [world.online(account, priority=-1)] if with_negative else []
    sender.send(message(account + suffix, kind))
    got = outcome(sender, *negative)
    kept = bodies(world.arrive(account)) == ["hello"]
    assert ("O" if kept else got) in table[kind]
    assert not (kept and got != "S")


@pytest.mark.parametrize("kind", TYPES)
def test_a_full_jid_that_is_there(world: World, kind: str) -> None:
    sender, receiver = world.friends()
    sender.send(message(receiver.jid, kind))
    assert outcome(sender, receiver) == "A"


@pytest.mark.parametrize("kind", TYPES)
def test_a_full_jid_of_negative_priority(world: World, kind: str) -> None:
    sender, receiver = world.friends()
    receiver.send("<presence><priority>-1</priority></presence>")
    receiver.sync()
    sender.send(message(receiver.jid, kind))
    assert outcome(sender, receiver) == "A"


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(("suffix", "table"), [("", ONLINE_BARE), ("/gone", ONLINE_FULL)])
@pytest.mark.parametrize("resources", [1, 3])
def test_to_those_who_want_messages(
        world: World, kind: str, suffix: str, table: dict[str, str], resources: int) -> None:
    """Bare, or a full JID that is not there; a resource of negative priority gets nothing."""
    account, sender = world.account(), world.online()
    there, negative = [world.online(account) for _ in range(resources)], world.online(account, priority=-5)
    unavailable = world.connected(account)
    sender.send(message(account + suffix, kind))
    got = outcome(sender, *there)
    assert got in table[kind].replace("D", "DA")
    assert bodies(negative.sync()) == bodies(unavailable.sync()) == []
    for client in (*there, negative, unavailable):
        client.log_out()
    assert bodies(world.arrive(account)) == []


def test_the_most_available_gets_it(world: World) -> None:
    """One of highest priority at least; never one that a lower one takes alone (8.5.2.1.1)."""
    account, sender = world.account(), world.online()
    low, high = world.online(account, priority=1), world.online(account, priority=9)
    sender.send(message(account, "chat"))
    sender.sync()
    assert bodies(high.sync()) == ["hello"]
    low.send("<presence><priority>10</priority></presence>")
    low.sync()
    high.sync()
    sender.send(message(account, "chat", "again"))
    sender.sync()
    assert bodies(low.sync()) == ["again"]


@pytest.mark.parametrize("kind", ["", "type='unheard-of'", "type=''", "type='Chat'"])
def test_no_type_and_unknown_types_are_normal(world: World, kind: str) -> None:
    """RFC 6121 5.2.2."""
    sender, receiver = world.friends()
    sender.send(f"<message to='{receiver.bare}' {kind}><body>hello</body></message>")
    sender.sync()
    assert bodies(receiver.sync()) == ["hello"]


def test_to_oneself(world: World) -> None:
    """No `to` means the own account (RFC 6121 8.1.1.1, 10.3.1)."""
    account = world.account()
    one, other = world.online(account), world.online(account)
    other.sync()
    one.send("<message type='headline'><body>note</body></message>")
    assert bodies(one.sync()) == bodies(other.sync()) == ["note"]


def test_the_sender_is_stamped(world: World) -> None:
    sender, receiver = world.friends()
    sender.send(message(receiver.jid, "chat"), f"<message from='{sender.jid}' to='{receiver.jid}'/>")
    sender.sync()
    for stanza in receiver.sync():
        assert (stanza.get("from"), stanza.get("to")) == (sender.jid, receiver.jid)


@pytest.mark.parametrize("kind", ["message", "presence", "iq"])
def test_a_false_sender(world: World, kind: str) -> None:
    """invalid-from for who claims to be another (RFC 6120 8.1.2.1), stamped over or refused with no effect."""
    sender, receiver = world.friends()
    sender.send(f"<{kind} from='somebody@localhost/x' to='{receiver.jid}' id='f' ",
                "type='get'><ping xmlns='urn:xmpp:ping'/>" if kind == "iq" else ">", f"</{kind}>")
    assert sender.stream_error() == "invalid-from"
    assert [stanza.get("type") for stanza in receiver.sync()] == ["unavailable"]  # the sender's end


def test_another_resource_as_sender(world: World) -> None:
    account = world.account()
    one, other = world.online(account), world.online(account)
    one.send(f"<message from='{other.jid}' to='{account}'><body>forged</body></message>")
    assert one.stream_error() == "invalid-from"
    assert bodies(other.sync()) == []


def test_addresses_in_other_letters(world: World) -> None:
    sender, receiver = world.friends()
    bare = receiver.bare.partition("@")[0].upper() + "@LOCALHOST"
    sender.send(message(f"{bare}/{receiver.jid.partition('/')[2]}", "chat"))
    assert outcome(sender, receiver) == "A"


@pytest.mark.parametrize("to", ["@localhost", "a@", "a@b@c/d", "localhost/", "p0@localhost/" + "x" * 1024,
                                "x" * 1024 + "@localhost", "p0 @localhost", "p0@local host", "&quot;@localhost", ""])
def test_an_address_that_is_none(world: World, to: str) -> None:
    """jid-malformed (RFC 6120 8.3.3.8); the stream lives on."""
    sender = world.online()
    sender.send(f"<iq to='{to}' type='get' id='x'><ping xmlns='urn:xmpp:ping'/></iq>")
    [answer] = sender.sync()
    assert (answer.get("type"), answer.get("id")) == ("error", "x")
    assert condition(answer) == "jid-malformed"


def test_stanzas_of_one_sender_stay_in_order(world: World) -> None:
    sender, receiver = world.friends()
    sender.send(*(message(receiver.jid if n % 2 else receiver.bare, "chat", str(n)) for n in range(2000)))
    sender.sync()
    assert bodies(receiver.sync()) == [str(n) for n in range(2000)]


def test_iq_to_a_full_jid(world: World) -> None:
    sender, receiver = world.friends()
    sender.send(f"<iq type='get' id='q' to='{receiver.jid}'><query xmlns='urn:mine'/></iq>")
    sender.sync()
    [asked] = receiver.sync()
    assert (asked.get("from"), asked.get("type"), asked.get("id")) == (sender.jid, "get", "q")
    receiver.send(f"<iq type='result' id='q' to='{sender.jid}'/>")
    receiver.sync()
    [answer] = sender.sync()
    assert (answer.get("from"), answer.get("type"), answer.get("id")) == (receiver.jid, "result", "q")


@pytest.mark.parametrize("kind", ["get", "set", "result", "error"])
@pytest.mark.parametrize("to", ["{bare}/gone", "nobody@localhost", "nobody@localhost/x", "{bare}"])
def test_iq_that_nobody_takes(world: World, kind: str, to: str) -> None:
    """service-unavailable to a request, silence to an answer (8.5.1, 8.5.2.1.3, 8.5.3.2.3)."""
    sender, receiver = world.friends()
    sender.send(f"<iq type='{kind}' id='q' to='{to.format(bare=receiver.bare)}'><query xmlns='urn:mine'/></iq>")
    answers = sender.sync()
    assert receiver.sync() == []
    if kind in ("get", "set"):
        [answer] = answers
        assert (answer.get("type"), answer.get("id"), condition(answer)) == ("error", "q", "service-unavailable")
        assert answer.get("from") == to.format(bare=receiver.bare)
    else:
        assert answers == []


@pytest.mark.parametrize(("stanza", "wanted"), [
    ("<message to='{0}' id='e'><body>x</body></message>", "remote-server-not-found"),
    ("<iq to='{0}' type='get' id='e'><ping xmlns='urn:xmpp:ping'/></iq>", "remote-server-not-found"),
    ("<iq to='{0}' type='result' id='e'/>", ""),
    ("<message to='{0}' type='error' id='e'/>", ""),
])
def test_another_domain(world: World, stanza: str, wanted: str) -> None:
    """There is no federation yet: the error says so, and names who could not be reached."""
    sender = world.online()
    sender.send(stanza.format("romeo@elsewhere.example/x"))
    answers = sender.sync()
    assert [condition(answer) for answer in answers] == [wanted] * bool(wanted)
    assert all(answer.get("from") == "romeo@elsewhere.example/x" for answer in answers)


@pytest.mark.parametrize("iq", [
    "<iq type='get' to='{0}'><a xmlns='urn:a'/></iq>",                         # no id
    "<iq id='x' to='{0}'><a xmlns='urn:a'/></iq>",                             # no type
    "<iq type='subscribe' id='x' to='{0}'><a xmlns='urn:a'/></iq>",            # no such type
    "<iq type='get' id='x' to='{0}'/>",                                        # no payload
    "<iq type='set' id='x' to='{0}'><a xmlns='urn:a'/><b xmlns='urn:a'/></iq>",  # two
])
@pytest.mark.parametrize("to", ["localhost", "{bare}", "{jid}"])
def test_iq_that_is_none(world: World, iq: str, to: str) -> None:
    """bad-request by RFC 6120 8.2.3; none of them reaches the receiver."""
    sender, receiver = world.friends()
    sender.send(iq.format(to.format(bare=receiver.bare, jid=receiver.jid)))
    [answer] = sender.sync()
    assert (answer.get("type"), condition(answer)) == ("error", "bad-request")
    assert receiver.sync() == []


def test_an_error_is_never_answered(world: World) -> None:
    sender, receiver = world.friends()
    for to in ("nobody@localhost", "nobody@localhost/x", receiver.bare + "/gone", "localhost", "elsewhere.example",
               "localhost/admin", receiver.bare):
        for kind in ("message", "presence", "iq"):
            sender.send(f"<{kind} to='{to}' type='error' id='x'><error type='cancel'>"
                        "<bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>", f"</{kind}>")
    assert sender.sync() == []


def test_befriended_one_way(world: World) -> None:
    one, other = world.online(), world.online()
    befriend(one, other)
    assert one.sync() == other.sync() == []


@pytest.mark.parametrize("to", ["localhost", "localhost/announce"])
@pytest.mark.parametrize(("stanza", "wanted"), [
    ("<message to='{0}' id='x'><body>hello</body></message>", ["service-unavailable"]),
    ("<message to='{0}' id='x' type='error'/>", []), ("<presence to='{0}'/>", []),
    ("<presence to='{0}' type='unavailable'/>", []),
    ("<iq to='{0}' type='get' id='x'><a xmlns='urn:unheard-of'/></iq>", ["service-unavailable"]),
    ("<iq to='{0}' type='result' id='x'/>", [])])
def test_the_domain_itself(world: World, stanza: str, wanted: list[str], to: str) -> None:
    """RFC 6121 8.3, 8.4: nobody reads messages there, and a resource of the domain is nobody's."""
    sender = world.online()
    sender.send(stanza.format(to))
    answers = sender.sync()
    assert [condition(answer) for answer in answers] == wanted
    assert [answer.get("from") for answer in answers] == [to] * len(wanted)
