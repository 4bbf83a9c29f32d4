"""Streams with other servers: whose stanzas come in, in what form, and where ours go."""

import asyncio

import pytest

from headrace.core.limits import SERVER
from headrace.router.account import Subscription
from headrace.router.archive import Archive
from headrace.router.session import Reason, Session
from headrace.session.domains import S2SConfig
from headrace.stream.header import Header
from support.far import HEADER, ROMEO, ROOT, Far, Notes
from support.routing import CLIENT, World, breath, condition, read

SERVED = "{jabber:server}"


def test_header_and_nonzas_are_the_negotiators() -> None:
    world = World()
    told = Notes()
    peer = world.rig.federate(told, S2SConfig())
    world.rig.feed(peer, HEADER + b"<db:verify from='far.example' to='localhost' id='x'>key</db:verify>")
    assert told.said == [Header(content="jabber:server", to="localhost", from_="far.example", version="1.0", lang="de"),
                         "verify"]


def test_in_and_out() -> None:
    far = Far()
    romeo = far.client(ROMEO, presence="0")
    far.notes.punted.clear()
    far.give(f"<message from='juliet@far.example/j' to='{ROMEO}' type='chat' id='1'><body>Hi &lt;</body></message>")
    got, = far.got(romeo)
    assert got.attrib == {"from": "juliet@far.example/j", "to": ROMEO, "type": "chat", "id": "1",
                          "{http://www.w3.org/XML/1998/namespace}lang": "de"}
    assert got.findtext(CLIENT + "body") == "Hi <"
    far.send(romeo, "<message to='Juliet@FAR.example' type='chat' id='2'><body>Ho &amp;</body><x xmlns='u'/></message>")
    sent, = read(far.sent(), ROOT)
    assert sent.attrib == {"from": ROMEO, "to": "juliet@far.example", "type": "chat", "id": "2"}
    assert sent.findtext(SERVED + "body") == "Ho &"
    assert sent.find("{u}x") is not None
    assert not far.notes.punted


def test_nothing_leads_to_other_pairs() -> None:
    far = Far()
    romeo, other = far.client(ROMEO), far.client("romeo@other.localhost/r")
    far.send(romeo, "<message to='juliet@elsewhere.example'><body/></message>")
    far.send(other, "<message to='juliet@far.example'><body/></message>")
    assert far.notes.reasons() == [Reason.P_REMOTE, Reason.P_REMOTE]
    assert far.sent() == b""


@pytest.mark.parametrize(("stanza", "error"), [
    ("<message to='romeo@localhost'/>", "improper-addressing"),
    ("<message from='juliet@far.example'/>", "improper-addressing"),
    ("<message from='@' to='romeo@localhost'/>", "invalid-from"),
    ("<message from='mercutio@localhost' to='romeo@localhost'/>", "invalid-from"),
    ("<message from='juliet@sub.far.example' to='romeo@localhost'/>", "invalid-from"),
    ("<message from='juliet@far.example' to='romeo@other.localhost'/>", "host-unknown"),
    ("<message from='juliet@far.example' to='romeo@elsewhere.example'/>", "host-unknown"),
    ("<message", "not-well-formed"),
])
def test_what_ends_the_stream(stanza: str, error: str) -> None:
    far = Far()
    romeo = far.client(ROMEO, presence="0")
    far.give(stanza if stanza != "<message" else "<message <")
    assert far.told.said == [error, ("gone", [])]
    assert far.sent() == error.encode()
    assert far.got(romeo) == []
    far.send(romeo, "<message to='juliet@far.example'><body/></message>")
    assert far.notes.reasons()[-1] == Reason.P_REMOTE


def test_before_any_proof_no_stanza_is_taken() -> None:
    world = World()
    told = Notes()
    peer = told.peer = world.rig.federate(told, S2SConfig())
    world.rig.feed(peer, HEADER + b"<message from='juliet@far.example' to='romeo@localhost'/>")
    assert told.said[1:] == ["not-authorized"]


@pytest.mark.parametrize("piece", [1, 7, 10_000])
@pytest.mark.parametrize("early", [
    "", " \n ", "<message from='x@far.example' to='romeo@localhost/r' id='1'><body>early</body></message> ",
    "<presence from='x@far.example' to='romeo@localhost' id='1'/><message from='x@far.example' to='romeo@localhost/r'"
    " id='2'/>"])
def test_what_comes_before_a_new_stream(early: str, piece: int) -> None:
    """Of who is proven: Prosody's users do not wait for it."""
    far = Far()
    romeo = far.client(ROMEO, presence="0")
    far.peer.restart(proven=True)
    data = early.encode() + HEADER + b"<db:verify from='a' to='b' id='x'>key</db:verify>"
    for at in range(0, len(data), piece):
        far.give(data[at:at + piece])
    assert [stanza.get("id") for stanza in far.got(romeo)] == [id for id in ("1", "2") if f"id='{id}'" in early]
    assert far.told.said == [
        Header(content="jabber:server", to="localhost", from_="far.example", version="1.0", lang="de"), "verify"]


def test_a_users_fault_ends_nothing() -> None:
    """`to` is what a user wrote: his server stamps only `from`."""
    far = Far()
    far.give("<message from='juliet@far.example/j' to='ro meo@localhost/&#9;' id='1'/>")
    error, = read(far.sent(), ROOT)
    assert error.attrib == {"from": "localhost", "to": "juliet@far.example/j", "id": "1", "type": "error"}
    assert b"jid-malformed" in b"".join(child.tag.encode() for child in error.iter())
    assert far.told.said == []


def test_on_a_shared_stream_only_the_sender_is_told() -> None:
    far = Far(None, ("far.example", "localhost"), ("sub.far.example", "localhost"))
    far.give("<message from='juliet@far.example/j' to='romeo@other.localhost' id='1'/>")
    error, = read(far.sent(), ROOT)
    assert (error.get("from"), error.get("to")) == ("localhost", "juliet@far.example/j")
    assert error.find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}remote-server-not-found") is not None
    assert far.told.said == []


def test_oversize_stanzas_are_refused_one_by_one() -> None:
    """protocol.md 8: ten a minute, then the stream ends; sixteen times the bound ends it at once."""
    config = S2SConfig(after=SERVER._replace(stanza=10_000))
    far = Far(config)
    romeo = far.client(ROMEO, presence="0")
    large = f"<message from='juliet@far.example/j' to='{ROMEO}' id='L'><body>{'x' * 10_000}</body></message>"
    for _ in range(10):
        far.give(large)
    errors = read(far.sent(), ROOT)
    assert [error.get("id") for error in errors] == ["L"] * 10
    far.give(f"<message from='juliet@far.example/j' to='{ROMEO}'><body>still here</body></message>")
    assert [m.findtext(CLIENT + "body") for m in far.got(romeo)] == ["still here"]
    far.rig.advance(61)
    far.give(large)
    assert far.told.said == []
    for _ in range(10):
        far.give(large)
    assert far.told.said == ["policy-violation", ("gone", [])]
    far = Far(config)
    far.give(f"<message from='juliet@far.example/j' to='{ROMEO}' id='L'><body>{'x' * 160_000}")
    assert far.told.said[0] == "policy-violation"


def test_what_the_peer_would_not_take_is_not_sent() -> None:
    far = Far()
    romeo = far.client(ROMEO)
    far.peer.most_out = 10_000
    far.send(romeo, f"<message to='juliet@far.example' id='1'><body>{'x' * 10_000}</body></message>")
    far.send(romeo, "<message to='juliet@far.example' id='2'><body/></message>")
    error, = far.got(romeo)
    assert (error.get("id"), condition(error)) == ("1", "policy-violation")
    assert [m.get("id") for m in read(far.sent(), ROOT)] == ["2"]
    assert not far.peer.put(b"<message>" + b"x" * 10_000)


@pytest.mark.parametrize("managed", [False, True])
def test_what_is_refused_leaves_nothing_in_the_outbox(managed: bool) -> None:
    """Of any size, each larger than the last: what follows is sent, and done with, as if they had not been."""
    far = Far()
    romeo = far.client(ROMEO)
    if managed:
        far.peer.manage()
    for size in (140_000, 200_000):
        far.send(romeo, f"<message to='juliet@far.example' id='{size}'><body>{'x' * size}</body></message>")
    assert [(e.get("id"), condition(e)) for e in far.got(romeo)] == [
        ("140000", "policy-violation"), ("200000", "policy-violation")]
    assert far.counters()["chunks"] == 0
    for number in range(3):
        far.send(romeo, f"<message to='juliet@far.example' id='{number}'><body/></message>")
    assert [e.get("id") for e in read(far.sent(), ROOT) if e.tag == SERVED + "message"] == ["0", "1", "2"]
    if managed:
        far.give("<a xmlns='urn:xmpp:sm:3' h='3'/>")
    assert far.counters()["chunks"] == 0
    far.rig.lose(far.wire)
    assert far.told.said == [("gone", [])]


def test_what_the_peer_just_takes_is_sent() -> None:
    """The bound is of the stanza as it is written, whatever room its escapes might have needed."""
    stanza = f"<message from='{ROMEO}' to='juliet@far.example' id='1'><body>x</body></message>"
    for most, sent in ((len(stanza), 1), (len(stanza) - 1, 0)):
        far = Far()
        romeo = far.client(ROMEO)
        far.peer.most_out = most
        far.send(romeo, stanza)
        assert far.sent() == stanza.encode() * sent
        assert len(far.got(romeo)) == 1 - sent


def test_a_peer_that_reads_nothing_is_full_some_day_and_told_once() -> None:
    far = Far()
    romeo = far.client(ROMEO)
    far.rig.allow(far.wire, 0)
    stanza = f"<message to='juliet@far.example' id='1'><body>{'x' * 100_000}</body></message>"
    for _ in range(17_000_000 // 100_000):
        far.send(romeo, stanza)
    errors = far.got(romeo)
    assert 1 <= len(errors) <= 4
    assert {condition(error) for error in errors} == {"resource-constraint"}
    far.send(romeo, "<presence to='juliet@far.example' type='unavailable'/>")
    assert far.got(romeo) == []
    far.rig.advance(31)
    assert far.told.said[0] == "resource-constraint"
    far.rig.lose(far.wire)
    gone, unsent = far.told.said[-1]
    assert gone == "gone"
    assert len(unsent) + len(errors) == 170


def test_what_was_not_written_comes_back_in_order() -> None:
    far = Far()
    romeo = far.client(ROMEO)
    far.rig.allow(far.wire, 150)
    for number in range(5):
        far.send(romeo, f"<message to='juliet@far.example' id='{number}'><body>{'x' * 50}</body></message>")
    far.rig.lose(far.wire)
    (_, unsent), = far.told.said
    assert [read(raw)[0].get("id") for raw in unsent] == ["1", "2", "3", "4"]
    assert far.counters()["chunks"] == 0


SENDER = "room@far.example/nick"


@pytest.mark.parametrize(("child", "passes"), [
    ("<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='room@far.example'/>", True),
    ("<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='far.example'/>", True),
    ("<stanza-id xmlns='urn:xmpp:sid:0' by='romeo@localhost' id='1'/>", False),
    ("<stanza-id xmlns='urn:xmpp:sid:0' by='room&#64;far.example' id='1'/>", True),
    ("<stanza-id xmlns='urn:xmpp:sid:0' by='ROOM@far.example' id='1'/>", False),
    ("<stanza-id xmlns='urn:xmpp:sid:0' id='1'/>", False),
    ("<x/><s:stanza-id xmlns:s='urn:xmpp:sid:0' id='1' by='romeo@localhost'/>", False),
    ("<delay xmlns='urn:xmpp:delay' from='room@far.example' stamp='2020-01-01T00:00:00Z'/>", True),
    ("<delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>", True),
    ("<delay xmlns='urn:xmpp:delay' from='LocalHost' stamp='2020-01-01T00:00:00Z'/>", False),
    ("<delay xmlns='urn:xmpp:delay' from='@' stamp='2020-01-01T00:00:00Z'/>", False),
    ("<received xmlns='urn:xmpp:carbons:2'/>", False),
    ("<sent xmlns='urn:xmpp:carbons:2'/>", False),
    ("<result xmlns='urn:xmpp:mam:2'/>", True),
    ("<body xmlns='jabber:client'>two</body>", False),
])
def test_judged_children(child: str, passes: bool) -> None:
    """protocol.md 1: the fast road and the slow one (which an unknown attribute leads to) agree."""
    for extra in ("", " extra='1'"):
        far = Far()
        romeo = far.client(ROMEO, presence="0")
        far.give(f"<message from='{SENDER}' to='{ROMEO}' type='groupchat'{extra}>"
                 f"<body>one</body>{child}<subject><a/></subject></message>")
        got, = far.got(romeo)
        names = [element.tag.rpartition("}")[2] for element in got]
        wanted = ["body", child.lstrip("<x/>").partition(":")[2].partition(" ")[0] if child.startswith("<x/>")
                  else child[1:].partition(" ")[0], "subject"]
        if child.startswith("<x/>"):
            wanted.insert(1, "x")
        assert names == (wanted if passes else [*wanted[:-2], "subject"]), (extra, child)
        assert got.findtext(CLIENT + "body") == "one"
        assert got.find(f"{CLIENT}subject/{CLIENT}a") is not None


def test_a_request_that_waits_holds_back_what_follows_to_the_same_account() -> None:
    async def run() -> None:
        far = Far()
        done = asyncio.get_running_loop().create_future()
        far.notes.answer = lambda session, stanza, reason: asyncio.wait_for(done, 10) if stanza.id == "0" else None
        for number, to in enumerate(("romeo", "romeo", "benvolio")):
            far.give(f"<message from='juliet@far.example/j' to='{to}@localhost' id='{number}'><body/></message>")
        assert [stanza.id for _, stanza, _ in far.notes.punted] == ["0", "2"]
        done.set_result(None)
        await breath()
        far.rig.turn()
        assert [stanza.id for _, stanza, _ in far.notes.punted] == ["0", "2", "1"]

    asyncio.run(run())


def test_reading_pauses_while_too_much_waits() -> None:
    async def run() -> None:
        far = Far()
        done = asyncio.get_running_loop().create_future()
        far.notes.answer = lambda session, stanza, reason: None if done.done() else asyncio.wait_for(done, 10)
        many = "".join(f"<message from='juliet@far.example/j' to='romeo@localhost' id='{number}'><body/></message>"
                       for number in range(500))
        far.give(many)
        assert len(far.notes.punted) == 1
        assert far.wire.paused
        done.set_result(None)
        await breath()
        for _ in range(10):
            far.rig.turn()
        assert [stanza.id for _, stanza, _ in far.notes.punted] == [str(number) for number in range(500)]
        assert not far.wire.paused

    asyncio.run(run())


def test_strangers_learn_no_resource() -> None:
    """protocol.md 12, from elsewhere: IQ to a resource as if it were not there, messages in silence."""
    ask = "<iq from='juliet@far.example/j' to='{}' type='get' id='q'><ping xmlns='urn:xmpp:ping'/></iq>"
    far = Far()
    romeo = far.client(ROMEO, presence="0")
    far.sent()
    answers = []
    for to in (ROMEO, "romeo@localhost/none", "nobody@localhost/r"):
        far.give(ask.format(to))
        answers.append(far.sent().replace(to.encode(), b"TO"))
    assert len(set(answers)) == 1
    assert b"service-unavailable" in answers[0]
    far.give("<message from='juliet@far.example/j' to='romeo@localhost/none' id='m'><body/></message>")
    assert far.sent() == b""
    assert far.got(romeo) == []


def test_who_sees_our_presence_may_ask_our_resources() -> None:
    far = Far()
    romeo = far.client(ROMEO, contacts={"juliet@far.example": Subscription.SUB_FROM}, presence="0")
    far.got(romeo)
    far.sent()
    far.give(f"<iq from='juliet@far.example/j' to='{ROMEO}' type='get' id='q'><ping xmlns='urn:xmpp:ping'/></iq>")
    assert [iq.get("id") for iq in far.got(romeo)] == ["q"]
    far.give("<message from='juliet@far.example/j' to='romeo@localhost/none' id='m'><body/></message>")
    assert b"service-unavailable" in far.sent()


def test_silence_and_idleness() -> None:
    far = Far(S2SConfig(idle_seconds=1000, keep_alive_seconds=300))
    far.rig.advance(301)
    assert far.sent() == b" "
    far.rig.advance(301)
    far.rig.advance(301)
    assert far.told.said == []
    far.rig.advance(301)
    assert far.told.said == ["closed", ("gone", [])]


def test_the_time_for_the_negotiation() -> None:
    world = World()
    told = Notes()
    peer = world.rig.federate(told, S2SConfig())
    world.rig.feed(peer, HEADER)
    world.rig.advance(31)
    assert told.said[1:] == ["expired", ("gone", [])]
    assert world.counters()["links"] == 0


def test_the_end() -> None:
    far = Far()
    far.give("</s:stream>")
    assert far.told.said == ["closed", ("gone", [])]
    assert far.peer.ended
    far.peer.carries("localhost", "far.example")
    far.send(far.client(ROMEO), "<message to='juliet@far.example'><body/></message>")
    assert far.notes.reasons() == [Reason.P_REMOTE]
    assert not far.peer.put(b"<message/>")


def managed() -> tuple[Far, Session]:
    far = Far()
    romeo = far.client(ROMEO, presence="0")
    far.sent()
    far.peer.manage()
    return far, romeo


def test_what_is_acknowledged_is_done_with() -> None:
    """XEP-0198: asked for when all is written, once at a time."""
    far, romeo = managed()
    for number in range(3):
        far.send(romeo, f"<message to='juliet@far.example' id='{number}'><body/></message>")
    sent = far.sent()
    assert sent.count(b"<r xmlns='urn:xmpp:sm:3'/>") == 1
    assert [e.get("id") for e in read(sent, ROOT) if e.tag == SERVED + "message"] == ["0", "1", "2"]
    far.give("<a xmlns='urn:xmpp:sm:3' h='1'/>")
    assert far.sent() == b"<r xmlns='urn:xmpp:sm:3'/>"
    far.rig.allow(far.wire, 0)
    far.send(romeo, "<message to='juliet@far.example' id='3'><body/></message>")
    far.rig.lose(far.wire)
    (_, unsent, unsure), = far.told.said
    assert [read(raw)[0].get("id") for raw in unsure] == ["1", "2"]
    assert [read(raw)[0].get("id") for raw in unsent] == ["3"]
    assert far.counters()["chunks"] == 0


def spooling(far: Far) -> Archive:
    far.rig.router.archive = archive = Archive(bytes(16))
    return archive


def left(archive: Archive) -> list[int]:
    """Which have left the spool since this was last asked."""
    group = archive.take()
    assert group is not None
    archive.committed()
    return group.finished


def test_what_is_written_leaves_the_spool() -> None:
    far = Far()
    archive, romeo = spooling(far), far.client(ROMEO)
    far.rig.allow(far.wire, 150)
    numbers = []
    for _ in range(3):
        far.send(romeo, "<message to='juliet@far.example' id='0' type='chat'><body>hi</body></message>")
        numbers.append(archive.last)
    far.send(romeo, "<iq to='juliet@far.example/x' id='0' type='get'><x xmlns='u'/></iq>")
    assert left(archive) == numbers[:1]
    far.rig.lose(far.wire)
    assert far.told.numbers == [*numbers[1:], 0]


def test_what_is_acknowledged_leaves_the_spool() -> None:
    far, romeo = managed()
    archive = spooling(far)
    for number in range(3):
        far.send(romeo, f"<message to='juliet@far.example' id='{number}' type='chat'><body>hi</body></message>")
    assert left(archive) == []
    far.give("<a xmlns='urn:xmpp:sm:3' h='2'/>")
    done = left(archive)
    assert (len(done), archive.last in done) == (2, False)
    far.rig.lose(far.wire)
    assert far.told.numbers == [archive.last]


def test_what_is_refused_leaves_the_spool() -> None:
    far = Far()
    archive, romeo = spooling(far), far.client(ROMEO)
    far.peer.most_out = 1_000
    far.send(romeo, f"<message to='juliet@far.example' id='1' type='chat'><body>{'x' * 1_000}</body></message>")
    error, = far.got(romeo)
    assert condition(error) == "policy-violation"
    assert left(archive) == [archive.last]


def test_a_peer_that_acknowledges_nothing_is_full_some_day() -> None:
    far, romeo = managed()
    stanza = f"<message to='juliet@far.example' id='1'><body>{'x' * 100_000}</body></message>"
    for _ in range(17_000_000 // 100_000):
        far.send(romeo, stanza)
    errors = far.got(romeo)
    assert {condition(error) for error in errors} == {"resource-constraint"}
    far.give("<a xmlns='urn:xmpp:sm:3' h='100'/>")
    far.send(romeo, stanza)
    assert far.got(romeo) == []


def test_what_comes_from_others_for_others_is_kept_before_it_is_acknowledged() -> None:
    """As from a server to a component."""
    far, _ = managed()
    archive = spooling(far)
    far.peer.admit("far.example", "component")
    far.give("<message from='juliet@far.example' to='bot@component' type='chat'><body>hi</body></message>")
    assert archive.waiting == 1


def test_all_acknowledged_nothing_is_left() -> None:
    far, romeo = managed()
    far.send(romeo, "<message to='juliet@far.example' id='0'><body/></message>")
    far.sent()
    far.give("<a xmlns='urn:xmpp:sm:3' h='1'/>")
    assert far.sent() == b""
    assert far.counters()["chunks"] == 0
    far.rig.lose(far.wire)
    assert far.told.said == [("gone", [])]


@pytest.mark.parametrize("nonza", ["<a xmlns='urn:xmpp:sm:3' h='1'/>", "<a xmlns='urn:xmpp:sm:3' h='x'/>",
                                   "<a xmlns='urn:xmpp:sm:3'/>", "<a xmlns='urn:xmpp:sm:3' h='99999999999'/>",
                                   "<a xmlns='urn:xmpp:sm:3' h='9999999999'/>",
                                   "<a xmlns='urn:xmpp:sm:3' h='4294967296'/>"])
def test_more_is_acknowledged_than_was_sent(nonza: str) -> None:
    far, _ = managed()
    far.give(nonza)
    assert far.told.said[0] == "undefined-condition"


def test_what_has_come_is_acknowledged_when_it_is_handled() -> None:
    async def run() -> None:
        far, _ = managed()
        done = asyncio.get_running_loop().create_future()
        far.notes.answer = lambda session, stanza, reason: asyncio.wait_for(done, 10) if stanza.id == "2" else None
        far.give(f"<message from='juliet@far.example/j' to='{ROMEO}' id='1'><body/></message>"
                 "<r xmlns='urn:xmpp:sm:3'/>")
        assert far.sent() == b"<a xmlns='urn:xmpp:sm:3' h='1'/>"
        far.give("<message from='juliet@far.example/j' to='nobody@localhost' id='2'><body/></message>"
                 "<r xmlns='urn:xmpp:sm:3'/>")
        assert far.sent() == b""
        done.set_result(None)
        await breath()
        far.rig.turn()
        assert far.sent() == b"<a xmlns='urn:xmpp:sm:3' h='2'/>"

    asyncio.run(run())


def test_before_it_is_switched_on_it_is_the_negotiators() -> None:
    far = Far()
    far.give("<enable xmlns='urn:xmpp:sm:3'/>")
    assert far.told.said == ["enable"]
