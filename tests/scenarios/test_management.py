"""Stream management on the wire (XEP-0198): a client that loses its connection, its address, its patience."""

import re
import ssl
import xml.etree.ElementTree as ET
from base64 import b64encode
from pathlib import Path

import pytest

from support.people import PASSWORD, World, befriend
from support.rawclient import NS, Client, bodies, body, brief
from support.server import USERS, running

SM = "{urn:xmpp:sm:3}"
ENABLE = "<enable xmlns='urn:xmpp:sm:3' resume='true'/>"
R = "<r xmlns='urn:xmpp:sm:3'/>"
SASL2 = "{urn:xmpp:sasl:2}"
BIND2 = "<bind xmlns='urn:xmpp:bind:0'><tag>x</tag><enable xmlns='urn:xmpp:sm:3' resume='true'/></bind>"
BOUND = "{urn:xmpp:bind:0}bound"
KINDS = ("plain", "direct")


def handled(client: Client, h: int) -> None:
    """Asks, and waits until that many are. An answer that comes after 50 ms may tell of fewer; the rest follows."""
    client.send(R)
    client.until(lambda e: e.tag == SM + "a" and e.get("h") == str(h))


def ack(h: int) -> str:
    return f"<a xmlns='urn:xmpp:sm:3' h='{h}'/>"


def chat(to: str, text: object) -> str:
    return f"<message to='{to}' type='chat' id='{text}'><body>{text}</body></message>"


def enable(client: Client, attributes: str = "resume='true'") -> str:
    """The SM-ID."""
    client.send(f"<enable xmlns='urn:xmpp:sm:3' {attributes}/>")
    answer = client.until(lambda e: e.tag.startswith(SM) and e.tag != SM + "r")[-1]
    assert answer.tag == SM + "enabled", client.raw
    return answer.get("id", "")


def managed(world: World, account: str = "", resource: str | None = None) -> tuple[Client, str]:
    client = world.connected(account, resource)
    id = enable(client)
    client.send("<presence/>")
    client.until(lambda e: e.tag == NS + "presence")
    client.send(ack(1))
    return client, id


def authenticated(world: World, account: str, kind: str = "plain") -> Client:
    client = world.connection(kind)
    client.authenticate(account.partition("@")[0], PASSWORD)
    return client


def resume(client: Client, id: str, h: int) -> ET.Element:
    client.send(f"<resume xmlns='urn:xmpp:sm:3' previd='{id}' h='{h}'/>")
    return client.next()


def failure(element: ET.Element) -> str:
    assert element.tag == SM + "failed"
    return element[0].tag.rpartition("}")[2]


def stanzas(elements: list[ET.Element]) -> list[ET.Element]:
    return [e for e in elements if e.tag.startswith(NS)]


def test_offered_after_login_not_before(world: World) -> None:
    client = world.connection()
    assert client.open().find(SM + "sm") is None
    client.plain(world.account().partition("@")[0], PASSWORD)
    assert client.open().find(SM + "sm") is not None


def test_enabled(world: World) -> None:
    client = world.connected()
    client.send(ENABLE)
    answer = client.next()
    assert (answer.tag, answer.get("resume"), answer.get("max"), answer.get("location")) == (
        SM + "enabled", "true", "600", None)
    assert re.fullmatch("[A-Za-z0-9_-]{22}", answer.get("id", ""))


@pytest.mark.parametrize(("attributes", "answer"), [
    ("", (None, None)), ("resume='1' max='30'", ("true", "30")), ("resume='true' max='86400'", ("true", "600"))])
def test_what_a_client_may_ask_for(world: World, attributes: str, answer: tuple[str | None, str | None]) -> None:
    client = world.connected()
    client.send(f"<enable xmlns='urn:xmpp:sm:3' {attributes}/>")
    enabled = client.next()
    assert (enabled.get("resume"), enabled.get("max")) == answer


def test_too_early_and_too_often(world: World) -> None:
    client = world.connection()
    client.open()
    client.send(ENABLE)
    assert failure(client.next()) == "unexpected-request"
    client.plain(world.account().partition("@")[0], PASSWORD)
    client.open()
    client.send(ENABLE)
    assert failure(client.next()) == "unexpected-request"
    client.bind()
    enable(client)
    client.send(ENABLE)
    assert failure(client.next()) == "unexpected-request"
    assert client.stream_error() == "policy-violation"


def test_each_stanza_is_counted_once_handled(world: World) -> None:
    """Whatever becomes of it; in one segment, and from right behind <enable/>."""
    client = world.connected()
    friend = world.account()
    client.send("<presence/>", ENABLE, "<presence/>", chat(friend, 1), "<iq type='get' id='1'><x xmlns='y'/></iq>",
                "<message to='@'/>", chat("nobody@localhost", 2), "<presence to='x@localhost' type='subscribe'/>", R)
    assert 1 <= int(client.until(lambda e: e.tag == SM + "a")[-1].get("h", "")) <= 6
    handled(client, 6)


def test_we_ask(world: World) -> None:
    juliet, _ = managed(world)
    romeo = world.online()
    romeo.send(*(chat(juliet.jid, n) for n in range(100)))
    romeo.sync()
    seen = juliet.until(lambda e: body(e) == "99")
    if not any(e.tag == SM + "r" for e in seen):
        juliet.until(lambda e: e.tag == SM + "r")


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("kind", KINDS)
def test_resumed(world: World, end: str, kind: str) -> None:
    """From another address, over TCP or TLS: what was lost comes again, once and in order, before anything new."""
    juliet, id = managed(world)
    romeo = world.online()
    romeo.send(*(chat(juliet.bare, n) for n in range(5)))
    got = juliet.until(lambda e: body(e) == "2")        # the rest is on its way
    getattr(juliet, end)()
    romeo.send(*(chat(juliet.bare, n) for n in range(5, 10)))
    romeo.sync()
    again = authenticated(world, juliet.bare, kind)
    answer = resume(again, id, 1 + len(stanzas(got)))
    assert (answer.tag, answer.get("previd"), answer.get("h")) == (SM + "resumed", id, "1")
    romeo.send(chat(juliet.jid, 10))
    assert bodies(again.until(lambda e: body(e) == "10")) == [str(n) for n in range(3, 11)]
    again.send(chat(romeo.jid, "here"))
    assert body(romeo.until(lambda e: body(e) is not None)[-1]) == "here"
    handled(again, 2)


def test_contacts_notice_nothing(world: World) -> None:
    romeo = world.online()
    juliet, id = managed(world)
    befriend(romeo, juliet)
    befriend(juliet, romeo)
    juliet.close()
    romeo.send(f"<presence to='{juliet.bare}' type='probe'/>")
    assert romeo.until(lambda e: e.tag == NS + "presence")[-1].get("from") == juliet.jid
    again = authenticated(world, juliet.bare)
    assert resume(again, id, 1).tag == SM + "resumed"
    assert [e for e in romeo.sync() if e.get("type") == "unavailable"] == []
    again.send("<presence><status>back</status></presence>")
    assert romeo.until(lambda e: e.findtext(NS + "status") == "back")


def test_requests_wait_for_a_lost_session(world: World) -> None:
    """Section 5: roster changes come when it is back, and so do requests, whose askers get their answers."""
    desk, nurse = world.online(), world.online()
    befriend(desk, nurse)
    befriend(nurse, desk)
    phone, id = managed(world, desk.bare)
    phone.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
    got = phone.until(lambda e: e.get("id") == "r")
    phone.reset()
    desk.ask("set", "<query xmlns='jabber:iq:roster'><item jid='friar@example.org' name='Friar'/></query>")
    nurse.send(f"<iq type='get' id='q' to='{phone.jid}'><query xmlns='urn:x'/></iq>")
    nurse.sync()
    again = authenticated(world, desk.bare)
    assert resume(again, id, 1 + len(stanzas(got))).tag == SM + "resumed"
    push = again.until(lambda e: e.get("type") == "set")[-1]
    assert push[0][0].get("jid") == "friar@example.org"
    asked = again.until(lambda e: e.get("id") == "q")[-1]
    again.send(f"<iq type='result' id='{push.get('id')}'/>", f"<iq type='result' id='q' to='{asked.get('from')}'/>")
    assert nurse.until(lambda e: e.get("id") == "q")[-1].get("type") == "result"


def test_what_a_lost_session_is_copied(world: World) -> None:
    """Carbons of both kinds wait like all else; and its client looks again when it is back (XEP-0352 5)."""
    juliet, desk = world.online(), world.online()
    befriend(juliet, desk)
    phone, id = managed(world, desk.bare)
    phone.send("<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq><inactive xmlns='urn:xmpp:csi:0'/>")
    got = phone.until(lambda e: e.get("id") == "c")
    phone.reset()
    juliet.send(chat(desk.jid, "received"))
    desk.until(lambda e: body(e) == "received")
    desk.send(chat(juliet.jid, "sent"))
    desk.sync()
    again = authenticated(world, desk.bare)
    assert resume(again, id, 1 + len(stanzas(got))).tag == SM + "resumed"
    copies = [again.until(lambda e: e.tag == NS + "message")[-1] for _ in range(2)]
    assert [(copy[0].tag, body(copy[0][0][0])) for copy in copies] == [
        (f"{{urn:xmpp:carbons:2}}{kind}", kind) for kind in ("received", "sent")]
    desk.send("<presence><status>x</status></presence>")
    assert again.until(lambda e: e.findtext(NS + "status") == "x")


def test_resumed_while_the_old_connection_seems_alive(world: World) -> None:
    juliet, id = managed(world)
    romeo = world.online()
    romeo.send(chat(juliet.jid, 1))
    juliet.until(lambda e: body(e) == "1")
    again = authenticated(world, juliet.bare)
    answer = resume(again, id, 1)
    assert answer.tag == SM + "resumed"
    assert bodies(again.until(lambda e: body(e) == "1")) == ["1"]
    assert juliet.stream_error() == "conflict"
    romeo.send(chat(juliet.jid, 2))
    assert again.until(lambda e: body(e) == "2")


def test_what_a_client_pipelines_behind_resume(world: World) -> None:
    juliet, id = managed(world)
    romeo = world.online()
    juliet.close()
    again = authenticated(world, juliet.bare)
    again.send(f"<resume xmlns='urn:xmpp:sm:3' previd='{id}' h='1'/>", chat(romeo.jid, 1), chat(romeo.jid, 2), R)
    assert again.next().tag == SM + "resumed"
    handled(again, 3)
    assert bodies(romeo.until(lambda e: body(e) == "2")) == ["1", "2"]


def test_a_wrong_id_is_like_an_unknown_one(world: World) -> None:
    juliet, id = managed(world)
    stranger = authenticated(world, world.account())
    answers = []
    for wrong in (id, "A" * 22, "nonsense"):
        answer = resume(stranger, wrong, 0)
        answers.append(stranger.raw)
        assert failure(answer) == "item-not-found"
    assert len(set(answers)) == 1
    assert stranger.bind().get("type") == "result"
    again = authenticated(world, juliet.bare)
    assert failure(resume(again, id[:-1] + ("A" if id[-1] != "A" else "Q"), 1)) == "item-not-found"
    assert resume(again, id, 1).tag == SM + "resumed"


def test_a_session_that_was_closed_is_not_resumed_but_known(world: World) -> None:
    juliet, id = managed(world)
    juliet.send("<message to='x@localhost' type='headline'/>")
    handled(juliet, 2)
    juliet.log_out()
    again = authenticated(world, juliet.bare)
    answer = resume(again, id, 1)
    assert (failure(answer), answer.get("h")) == ("item-not-found", "2")
    assert again.bind().get("type") == "result"


def test_too_high_a_count(world: World) -> None:
    juliet, id = managed(world)
    juliet.close()
    again = authenticated(world, juliet.bare)
    error = resume(again, id, 2)
    conditions = [child.tag.rpartition("}")[2] for child in error]
    assert conditions == ["undefined-condition", "text", "handled-count-too-high"]
    assert error.find(SM + "handled-count-too-high").attrib == {"h": "2", "send-count": "1"}     # type: ignore[union-attr]
    assert again.ended().strip() == b"</stream:stream>"
    again = authenticated(world, juliet.bare)
    assert resume(again, id, 1).tag == SM + "resumed"
    again.send(ack(2))
    assert again.stream_error() == "undefined-condition"


def test_after_a_crash_the_client_learns_what_was_kept(tmp_path: Path) -> None:
    """protocol.md 4: a session does not survive the process, what it was told does."""
    with running(tmp_path) as server:
        romeo = Client(server.plain)
        romeo.log_in("romeo", USERS["romeo@localhost"], "a")
        id = enable(romeo)
        romeo.send("<presence/>", *(chat("juliet@localhost", n) for n in range(3)), R)
        romeo.until(lambda e: e.tag == SM + "a" and e.get("h") == "4")
        server.kill()
    with running(tmp_path) as server:
        romeo = Client(server.plain)
        romeo.authenticate("romeo", USERS["romeo@localhost"])
        answer = resume(romeo, id, 0)
        assert (failure(answer), answer.get("h")) == ("item-not-found", "4")
        juliet = Client(server.plain)
        juliet.authenticate("juliet", USERS["juliet@localhost"])
        answer = resume(juliet, id, 0)
        assert (failure(answer), answer.get("h")) == ("item-not-found", None)
        again = Client(server.direct, ssl.create_default_context(cafile=str(server.certificate)))
        again.open()
        authenticate(again, "romeo", USERS["romeo@localhost"], f"<resume xmlns='urn:xmpp:sm:3' previd='{id}' h='0'/>",
                     BIND2)
        success = again.next()
        failed = success.find(SM + "failed")
        assert failed is not None
        assert (failure(failed), failed.get("h")) == ("item-not-found", "4")
        assert success.find(f"{BOUND}/{SM}enabled") is not None


def test_the_same_resource_replaces_a_lost_session(world: World) -> None:
    """What it held goes to the new one when it becomes available."""
    juliet, id = managed(world, resource="home")
    romeo = world.online()
    juliet.close()
    romeo.send(chat(juliet.jid, "kept"))
    romeo.sync()
    again = world.connected(juliet.bare, "home")
    assert again.jid == juliet.jid
    again.send("<presence/>")
    kept = again.until(lambda e: body(e) == "kept")[-1]
    assert len(kept.findall("{urn:xmpp:delay}delay")) == 1
    third = authenticated(world, juliet.bare)
    assert failure(resume(third, id, 1)) == "item-not-found"


def test_time_is_over(world: World) -> None:
    romeo = world.online()
    juliet = world.connected()
    id = enable(juliet, "resume='true' max='1'")
    juliet.send("<presence/>")
    juliet.until(lambda e: e.tag == NS + "presence")
    befriend(romeo, juliet)
    romeo.send(chat(juliet.jid, "late"))
    romeo.sync()
    juliet.close()
    gone = romeo.until(lambda e: e.get("type") == "unavailable")[-1]
    assert gone.get("from") == juliet.jid
    again = authenticated(world, juliet.bare)
    assert failure(resume(again, id, 1)) == "item-not-found"
    assert again.bind().get("type") == "result"
    again.send("<presence/>")
    assert body(again.until(lambda e: body(e) is not None)[-1]) == "late"


def test_a_new_password_ends_lost_sessions(world: World) -> None:
    juliet, id = managed(world)
    other, other_id = managed(world, juliet.bare)
    juliet.close()
    user = juliet.bare.partition("@")[0]
    answer = other.ask("set", f"<query xmlns='jabber:iq:register'><username>{user}</username>"
                              f"<password>another</password></query>", to="localhost")
    assert answer.get("type") == "result", other.raw
    again = world.connection()
    again.authenticate(user, "another")
    assert failure(resume(again, id, 1)) == "item-not-found"
    assert resume(again, other_id, 1).tag in (SM + "resumed", "{http://etherx.jabber.org/streams}error")


def test_ended_by_an_operator(world: World) -> None:
    juliet, id = managed(world)
    juliet.close()
    world.server.command("user", "disable", juliet.bare)
    world.server.command("user", "enable", juliet.bare)
    again = authenticated(world, juliet.bare)
    assert failure(resume(again, id, 1)) == "item-not-found"


# Inline (XEP-0198 10)

def sasl2(world: World, account: str, *inside: str) -> Client:
    client = world.connection("direct")
    features = client.open()
    inline = features.find(f"{SASL2}authentication/{SASL2}inline")
    assert inline is not None
    assert inline.find(SM + "sm") is not None
    authenticate(client, account.partition("@")[0], PASSWORD, *inside)
    return client


def authenticate(client: Client, user: str, password: str, *inside: str) -> None:
    """XEP-0388."""
    plain = b64encode(f"\0{user}\0{password}".encode()).decode()
    client.send(f"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>{plain}</initial-response>",
                *inside, "</authenticate>")


def test_enabled_while_binding(world: World) -> None:
    account = world.account()
    client = sasl2(world, account, BIND2)
    success = client.next()
    enabled = success.find(f"{BOUND}/{SM}enabled")
    assert enabled is not None
    features = client.next()
    assert features.tag.endswith("features")
    assert features.find(SM + "sm") is None     # clients take it for an offer to switch it on once more
    assert features.findtext("{urn:xmpp:stream-limits:0}limits/{urn:xmpp:stream-limits:0}max-bytes") == "262144"
    client.send("<presence/>", R)
    answers = client.until(lambda e: e.tag == SM + "a")
    assert answers[-1].get("h") == "1"
    client.close()
    again = authenticated(world, account)
    assert resume(again, enabled.get("id", ""), 0).tag == SM + "resumed"
    assert again.until(lambda e: e.tag == NS + "presence")


def test_resumed_while_logging_in(world: World) -> None:
    juliet, id = managed(world)
    romeo = world.online()
    juliet.close()
    romeo.send(chat(juliet.jid, 1))
    romeo.sync()
    again = sasl2(world, juliet.bare, f"<resume xmlns='urn:xmpp:sm:3' previd='{id}' h='1'/>", BIND2)
    success = again.next()
    assert success.tag == SASL2 + "success"
    assert success.findtext(SASL2 + "authorization-identifier") == juliet.jid
    assert success.find(SM + "resumed").attrib == {"previd": id, "h": "1"}      # type: ignore[union-attr]
    assert success.find(BOUND) is None
    assert body(again.next()) == "1"        # no features


def test_not_resumed_while_logging_in_but_bound(world: World) -> None:
    account = world.account()
    again = sasl2(world, account, f"<resume xmlns='urn:xmpp:sm:3' previd='{'A' * 22}' h='1'/>", BIND2)
    success = again.next()
    assert failure(success.find(SM + "failed")) == "item-not-found"      # type: ignore[arg-type]
    assert success.find(f"{BOUND}/{SM}enabled") is not None
    assert again.next().tag.endswith("features")


LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@pytest.mark.parametrize("inline", [False, True])
def test_a_resumed_session_speaks_the_language_of_its_new_stream(world: World, inline: bool) -> None:
    """RFC 6120 4.7.4: what the stream's header says is the default of the stanzas on it."""
    romeo = world.online()
    juliet, id = managed(world)
    juliet.close()
    again = world.connection("direct" if inline else "plain")
    again.open(xml_lang="de")
    name, wish = juliet.bare.partition("@")[0], f"<resume xmlns='urn:xmpp:sm:3' previd='{id}' h='1'/>"
    if inline:
        plain = b64encode(f"\0{name}\0{PASSWORD}".encode()).decode()
        again.send(f"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'>"
                   f"<initial-response>{plain}</initial-response>{wish}</authenticate>")
    else:
        again.plain(name, PASSWORD)
        again.open(xml_lang="de")
        again.send(wish)
    again.send(chat(romeo.jid, "hallo"))
    [letter] = romeo.until(lambda e: body(e) == "hallo")
    assert letter.get(LANG) == "de"


# Promises

def test_cut_again_and_again_nothing_is_lost_or_doubled(world: World, soak: int) -> None:
    romeo = world.online()
    juliet, id = managed(world)
    seen: list[str] = []
    h, sent = 1, 0
    for turn in range(15 * soak):
        romeo.send(*(chat(juliet.bare, sent + n) for n in range(20)))
        sent += 20
        last, account = str(sent - 11 + turn % 3), juliet.bare
        for element in juliet.until(lambda e, last=last: body(e) == last):      # type: ignore[misc]
            if element.tag.startswith(NS):
                h += 1
                seen += [body(element) or ""]
            if element.tag == SM + "r" and turn % 2:
                juliet.send(ack(h))
        juliet.reset() if turn % 2 else juliet.close()
        juliet = authenticated(world, account, KINDS[turn % 2])
        juliet.bare = account
        assert resume(juliet, id, h).tag == SM + "resumed"
    seen += [body(e) or "" for e in juliet.until(lambda e: body(e) == str(sent - 1)) if body(e)]
    assert seen == [str(n) for n in range(sent)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_receiver_that_stops_in_the_middle_of_a_stanza_and_acknowledges(world: World, kind: str) -> None:
    """60 KiB each, more than the sockets hold; then it is lost in the middle of one, and resumes."""
    size, count = 60 << 10, 80
    romeo = world.online()
    juliet = world.connected(kind=kind)
    id = enable(juliet)
    for n in range(count):
        romeo.send(f"<message to='{juliet.jid}' type='chat' id='{n}'><body>{n} {'x' * size}</body></message>")
    seen: list[str | None] = []
    rest = b""
    while len(seen) < count // 2:
        rest += juliet.socket.recv(size // 3)
        *whole, rest = rest.split(b"</message>")
        if whole:
            seen += [stanza.partition(b"<body>")[2].partition(b" ")[0].decode() for stanza in whole]
            juliet.send(ack(len(seen)))
    juliet.reset()
    again = authenticated(world, juliet.bare, kind)
    assert resume(again, id, len(seen)).tag == SM + "resumed"
    for text in bodies(again.until(lambda e: e.get("id") == str(count - 1))):
        assert text is not None
        number, _, rest_of_it = text.partition(" ")
        assert rest_of_it == "x" * size
        seen.append(number)
    assert seen == [str(n) for n in range(count)]


def test_bare_and_lost_sessions_take_messages_in_order(world: World) -> None:
    """Two resources, one lost: each message once per resource (protocol.md 5)."""
    juliet, id = managed(world)
    other = world.online(juliet.bare)
    romeo = world.online()
    juliet.close()
    romeo.send(chat(juliet.bare, "both"), chat(juliet.jid, "one"))
    romeo.sync()
    again = authenticated(world, juliet.bare)
    assert resume(again, id, 1).tag == SM + "resumed"
    assert bodies(again.until(lambda e: body(e) == "one")) == ["both", "one"]
    assert bodies(other.sync()) == ["both"]
    assert brief(other.ask("get", "<ping xmlns='urn:xmpp:ping'/>")).startswith("iq result")


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_what_a_lost_session_alone_had_outlives_the_process(tmp_path: Path, end: str) -> None:
    """It is in no archive (XEP-0334), its sender was told that it is kept, and another has read a later one."""
    hint = "<no-permanent-store xmlns='urn:xmpp:hints'/></message>"
    with running(tmp_path) as server:
        phone, desk, romeo = server.client("juliet", "phone"), server.client("juliet", "desk"), server.client("romeo")
        for client in (phone, desk):
            client.send("<presence/>")
            client.sync()
        for client in (phone, romeo):
            enable(client)
        phone.reset()
        romeo.send(*(chat(f"juliet@localhost/{to}", to).replace("</message>", hint) for to in ("phone", "desk")))
        desk.until(lambda e: body(e) == "desk")
        handled(romeo, 2)
        getattr(server, end)()
    with running(tmp_path) as server:
        again = server.client("juliet", "again")
        again.send("<presence/>")
        again.until(lambda e: body(e) == "phone")
