"""RFC 6121 8.5: what becomes of a stanza, by its type, its address and who is there."""

import pytest

from headrace.router.account import Subscription
from headrace.router.session import Reason
from support.routing import World, condition

TYPES = ("normal", "chat", "groupchat", "headline", "error")

# What happens, for normal, chat, groupchat, headline, error: D delivered to the addressed resource, M to every resource
# with a priority of 0 or more, A punted as absent, E service-unavailable, S silence. The sender is a stranger, so where
# the RFC lets us choose between E and S for a resource that is not there, it learns nothing (protocol.md 12).
TABLE = {
    # (resources of juliet with their priorities, address): outcomes
    ("none", "bare"): "AAESS",
    ("none", "full"): "SASSS",
    ("negative", "bare"): "AAESS",
    ("negative", "match"): "DDDDD",
    ("negative", "full"): "SASSS",
    ("unavailable", "bare"): "AAESS",
    ("unavailable", "match"): "DDDDD",
    ("one", "bare"): "MMEMS",
    ("one", "match"): "DDDDD",
    ("one", "full"): "SMSSS",
    ("several", "bare"): "MMEMS",
    ("several", "match"): "DDDDD",
    ("several", "full"): "SMSSS",
}
RESOURCES = {
    "none": {},
    "negative": {"b": "-1"},
    "unavailable": {"b": None},
    "one": {"b": "0"},
    "several": {"b": "-5", "c": "0", "d": "7", "e": None},
}
ADDRESS = {"bare": "juliet@localhost", "match": "juliet@localhost/b", "full": "juliet@localhost/gone"}


@pytest.mark.parametrize(("there", "address", "type", "expected"), [
    (there, address, type, outcome)
    for (there, address), outcomes in TABLE.items() for type, outcome in zip(TYPES, outcomes, strict=True)])
def test_message(there: str, address: str, type: str, expected: str) -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    juliet = {name: world.client(f"juliet@localhost/{name}", presence=priority)
              for name, priority in RESOURCES[there].items()}
    for session in juliet.values():
        world.got(session)
    world.send(romeo, f"<message to='{ADDRESS[address]}' type='{type}' id='1'><body>Hi</body></message>")

    delivered = {name for name, session in juliet.items() if world.got(session)}
    willing = {name for name, priority in RESOURCES[there].items() if priority is not None and int(priority) >= 0}
    assert delivered == {"D": {"b"}, "M": willing}.get(expected, set())
    assert world.notes.reasons() == ([Reason.P_ABSENT] if expected == "A" else [])
    assert [condition(answer) for answer in world.got(romeo)] == (["service-unavailable"] if expected == "E" else [])


@pytest.mark.parametrize("type", ["normal", "groupchat", "headline"])
def test_who_may_know_learns_that_a_resource_is_not_there(type: str) -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.client("juliet@localhost/b", contacts={"romeo@localhost": Subscription.SUB_FROM}, presence="0")
    world.send(romeo, f"<message to='juliet@localhost/gone' type='{type}' id='1'><body>Hi</body></message>")
    answer, = world.got(romeo)
    assert (condition(answer), answer.get("from"), answer.get("to"), answer.get("id"), answer.get("type")) == (
        "service-unavailable", "juliet@localhost/gone", "romeo@localhost/a", "1", "error")


def test_unknown_message_type_is_normal_and_no_type_too() -> None:
    world = World()
    romeo, juliet = world.client("romeo@localhost/a"), world.client("juliet@localhost/b", presence="0")
    world.send(romeo, "<message to='juliet@localhost'/><message to='juliet@localhost' type='odd'/>")
    assert len(world.got(juliet)) == 2


def test_message_without_to_is_for_the_own_account() -> None:
    world = World()
    romeo, other = world.client("romeo@localhost/a"), world.client("romeo@localhost/b", presence="0")
    world.send(romeo, "<message><body>note</body></message>")
    message, = world.got(other)
    assert (message.get("to"), message.get("from")) == ("romeo@localhost", "romeo@localhost/a")


def test_head_is_ours() -> None:
    """Prepared addresses, the sender's full JID, the stream's language where the stanza has none."""
    world = World()
    romeo = world.client("romeo@localhost/a", lang="it")
    juliet = world.client("juliet@localhost/B", presence="0")
    world.send(romeo, "<message to='JULIET@LocalHost/B' from='Romeo@localhost' id='&lt;1&gt;'/>"
                      "<message to='juliet@localhost/B' xml:lang='en'/>")
    first, second = world.got(juliet)
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    assert first.attrib == {"from": "romeo@localhost/a", "to": "juliet@localhost/B", "id": "<1>", lang: "it"}
    assert second.attrib == {"from": "romeo@localhost/a", "to": "juliet@localhost/B", lang: "en"}


def test_repeated_address_follows_the_sessions() -> None:
    """A remembered peer is forgotten when it ends and when another takes its name."""
    world = World()
    romeo, first = world.client("romeo@localhost/a"), world.client("juliet@localhost/b", presence="0")
    message = "<message to='juliet@localhost/b' type='chat'><body/></message>"
    world.send(romeo, message * 3)
    assert len(world.got(first)) == 3
    world.rig.router.end(first, "conflict")
    second = world.client("juliet@localhost/b", presence="0")
    world.send(romeo, message * 2)
    assert len(world.got(second)) == 2
    world.rig.lose(second.link)
    world.send(romeo, message)
    assert world.notes.reasons() == [Reason.P_ABSENT]


# IQ.

PING = "<ping xmlns='urn:xmpp:ping'/>"
MAY_SEE = {"romeo@localhost": Subscription.SUB_FROM}


@pytest.mark.parametrize("type", ["get", "set"])
@pytest.mark.parametrize(("address", "may_see", "delivered"), [
    ("juliet@localhost/b", True, True), ("juliet@localhost/b", False, False), ("juliet@localhost/gone", True, False),
    ("nobody@localhost/b", False, False)])
def test_request_to_a_resource(type: str, address: str, may_see: bool, delivered: bool) -> None:
    """To strangers a resource that is there answers as one that is not (protocol.md 12)."""
    world = World()
    romeo = world.client("romeo@localhost/a")
    juliet = world.client("juliet@localhost/b", contacts=MAY_SEE if may_see else {})
    world.send(romeo, f"<iq to='{address}' type='{type}' id='1'>{PING}</iq>" * 2)
    assert len(world.got(juliet)) == (2 if delivered else 0)
    assert [condition(answer) for answer in world.got(romeo)] == ([] if delivered else ["service-unavailable"] * 2)


def test_strangers_cannot_tell_a_resource_from_none() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.client("juliet@localhost/b")
    answers = []
    for jid in ("juliet@localhost/b", "juliet@localhost/x", "nobody@localhost/b"):
        world.send(romeo, f"<iq to='{jid}' type='get' id='1'>{PING}</iq>")
        answers.append(world.raw(romeo).replace(jid.encode(), b"JID"))
    assert answers[0] == answers[1] == answers[2] != b""


def test_directed_presence_opens_the_resource() -> None:
    world = World()
    romeo, juliet = world.client("romeo@localhost/a"), world.client("juliet@localhost/b")
    world.send(juliet, "<presence to='romeo@localhost/a'/>")
    world.send(romeo, f"<iq to='juliet@localhost/b' type='get' id='1'>{PING}</iq>")
    assert [iq.get("id") for iq in world.got(juliet)] == ["1"]


@pytest.mark.parametrize("type", ["result", "error"])
def test_answers_pass_or_vanish(type: str) -> None:
    world = World()
    romeo, juliet = world.client("romeo@localhost/a"), world.client("juliet@localhost/b")
    world.send(romeo, f"<iq to='juliet@localhost/b' type='{type}' id='1'/>"
                      f"<iq to='juliet@localhost/c' type='{type}' id='2'/>")
    assert [iq.get("id") for iq in world.got(juliet)] == ["1"]
    assert world.got(romeo) == []


@pytest.mark.parametrize("to", [
    None, "localhost", "localhost/x", "romeo@localhost", "juliet@localhost", "nobody@localhost"])
def test_what_the_server_answers_is_punted(to: str | None) -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.client("juliet@localhost/b", presence="0")
    address = f" to='{to}'" if to else ""
    world.send(romeo, f"<iq{address} type='get' id='1'>{PING}</iq>")
    (session, stanza, reason), = world.notes.punted
    assert (session, reason, stanza.to, stanza.from_) == (romeo, Reason.P_SERVER, to, "romeo@localhost/a")
    assert (stanza.child_namespace, stanza.child_name) == ("urn:xmpp:ping", "ping")


@pytest.mark.parametrize("iq", [
    "<iq type='get'><a xmlns='b'/></iq>", "<iq id='1' type='odd'><a xmlns='b'/></iq>", "<iq id='1'><a xmlns='b'/></iq>",
    "<iq id='1' type='get'/>", "<iq id='1' type='set'><a xmlns='b'/><a xmlns='c'/></iq>"])
@pytest.mark.parametrize("to", ["", " to='juliet@localhost/b'", " to='localhost'"])
def test_malformed_request(iq: str, to: str) -> None:
    """RFC 6120 8.1.3, 8.2.3: an id, a known type, exactly one child."""
    world = World()
    romeo, juliet = world.client("romeo@localhost/a"), world.client("juliet@localhost/b", contacts=MAY_SEE)
    world.send(romeo, iq.replace("<iq", "<iq" + to, 1))
    assert [condition(answer) for answer in world.got(romeo)] == ["bad-request"]
    assert world.got(juliet) == []
    assert world.notes.punted == []


# Addresses.

@pytest.mark.parametrize("stanza", [
    "<message to='{}'/>", "<iq to='{}' type='get' id='1'><a xmlns='b'/></iq>", "<presence to='{}'/>"])
@pytest.mark.parametrize("to", ["@localhost", "a@", "a@localhost/", "a b@localhost", ""])
def test_malformed_address(stanza: str, to: str) -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.send(romeo, stanza.format(to))
    answer, = world.got(romeo)
    assert (condition(answer), answer.get("from")) == ("jid-malformed", "localhost")


@pytest.mark.parametrize("stanza", [
    "<message to='@' type='error'/>", "<iq to='@' type='result' id='1'/>", "<iq to='@' type='error' id='1'/>",
    "<presence to='@' type='error'/>", "<message to='juliet@localhost' type='error'/>", "<presence type='error'/>",
    "<iq type='result'/>"])
def test_no_error_for_an_error(stanza: str) -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.send(romeo, stanza)
    assert world.got(romeo) == []


@pytest.mark.parametrize("sender", ["juliet@localhost", "romeo@localhost/b", "localhost", "@", "romeo@localhost/A"])
def test_false_sender_ends_the_stream(sender: str) -> None:
    """RFC 6120 8.1.2.1, 4.9.3.9."""
    world = World()
    romeo, juliet = world.client("romeo@localhost/a"), world.client("juliet@localhost/b", presence="0")
    world.send(romeo, f"<message to='juliet@localhost' from='{sender}'/><message to='juliet@localhost'/>")
    error, = world.got(romeo)
    assert error.tag == "{http://etherx.jabber.org/streams}error"
    assert error[0].tag == "{urn:ietf:params:xml:ns:xmpp-streams}invalid-from"
    assert world.got(juliet) == []


@pytest.mark.parametrize("sender", ["romeo@localhost", "romeo@localhost/a", "ROMEO@localhost", "romeo@LOCALHOST/a"])
def test_own_address_as_sender(sender: str) -> None:
    world = World()
    romeo, juliet = world.client("romeo@localhost/a"), world.client("juliet@localhost/b", presence="0")
    world.send(romeo, f"<message to='juliet@localhost' from='{sender}'/>")
    assert [m.get("from") for m in world.got(juliet)] == ["romeo@localhost/a"]


@pytest.mark.parametrize("stanza", [
    "<message to='a@elsewhere' id='1'><body>Hi</body></message>", "<presence to='elsewhere/x' id='1'/>",
    "<iq to='a@elsewhere' type='get' id='1'><a xmlns='b'/></iq>", "<iq to='elsewhere' type='result' id='1'/>"])
def test_other_domains_are_punted_ready_to_go(stanza: str) -> None:
    world = World()
    romeo = world.client("romeo@localhost/a", lang="de")
    world.send(romeo, stanza)
    (session, punted, reason), = world.notes.punted
    assert (session, reason) == (romeo, Reason.P_REMOTE)
    element = punted.element()
    assert (element.get("from"), element.get("id")) == ("romeo@localhost/a", "1")
    assert element.get("{http://www.w3.org/XML/1998/namespace}lang") == "de"


@pytest.mark.parametrize("stanza", [
    "<message to='localhost'/>", "<presence to='localhost'/>", "<message to='localhost/x'/>"])
def test_stanzas_to_the_host_are_punted(stanza: str) -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.send(romeo, stanza)
    assert world.notes.reasons() == [Reason.P_SERVER]


def test_nonza_is_punted() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.send(romeo, "<idle xmlns='urn:example'/>")
    (_, stanza, reason), = world.notes.punted
    assert (reason, stanza.name, stanza.namespace) == (Reason.P_NONZA, "idle", "urn:example")


def test_absent_message_is_ready_to_be_stored() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a", lang="en")
    world.send(romeo, "<message to='Juliet@localhost' id='7'><body>it's</body><x:y xmlns:x='z'/></message>")
    (_, stanza, _), = world.notes.punted
    assert (stanza.to, stanza.from_, stanza.id) == ("juliet@localhost", "romeo@localhost/a", "7")
    juliet = world.client("juliet@localhost/b", presence="0")
    world.got(juliet)
    world.rig.router.route(stanza.raw)
    world.rig.turn()
    message, = world.got(juliet)
    assert (message.get("from"), message[0].text, message[1].tag) == ("romeo@localhost/a", "it's", "{z}y")


@pytest.mark.parametrize("sender", ["localhost", "romeo@localhost"])
@pytest.mark.parametrize("to", ["juliet@localhost/gone", "nobody@localhost/x"])
def test_what_asks_for_itself_is_answered(sender: str, to: str) -> None:
    """A request of our own making has no session: its error is for the control plane, which lets it end there."""
    world = World()
    world.client("juliet@localhost/b", presence="0")
    world.rig.router.route(f"<iq type='get' id='q' from='{sender}' to='{to}'><x xmlns='y'/></iq>".encode())
    (session, stanza, reason), = world.notes.punted
    assert (session, reason) == (None, Reason.P_SERVER)
    assert (stanza.name, stanza.type, stanza.id, stanza.from_, stanza.to) == ("iq", "error", "q", to, sender)
    assert stanza.child_name == "error"


@pytest.mark.parametrize("stanza", [
    "<iq type='{answer}' id='q' from='localhost' to='juliet@localhost/gone'/>",
    "<iq type='get' id='q' from='romeo@localhost/gone' to='juliet@localhost/gone'><x xmlns='y'/></iq>",
    "<message from='romeo@localhost' to='juliet@localhost/gone' type='groupchat'><body/></message>"])
def test_errors_to_nobody_end(stanza: str) -> None:
    world = World()
    for answer in ("result", "error"):
        world.rig.router.route(stanza.format(answer=answer).encode())
    assert world.notes.punted == []
