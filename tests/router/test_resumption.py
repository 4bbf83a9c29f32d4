"""XEP-0198: a session that loses its link, gets another one or ends, and what becomes of what it held."""

import asyncio
import random
from xml.etree.ElementTree import Element, fromstring

import pytest

from headrace.router.session import SessionFlag
from headrace.stream.limits import SessionLimits
from support.managed import ID, Pair, R, ack, chat, stanzas, stream_error
from support.routing import CLIENT, World, breath, condition


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_a_lost_link_is_not_the_end(pair: Pair) -> None:
    world, romeo = pair.world, pair.romeo
    watcher = world.client("romeo@localhost/c", contacts={"juliet@localhost": 3}, presence="0")
    pair.lose()
    juliet = pair.juliet
    assert juliet.link is None
    assert juliet.flags & (SessionFlag.S_HIBERNATED | SessionFlag.S_ENDED) == SessionFlag.S_HIBERNATED
    assert world.got(watcher) == []
    assert world.rig.router.sessions("juliet@localhost") == [juliet]
    assert juliet in world.rig.router.everybody()
    assert world.rig.router.resumable("juliet@localhost", ID) is juliet
    pair.say(1)
    pair.say(2, to="juliet@localhost/b")
    world.send(romeo, "<iq type='result' to='juliet@localhost/b' id='3'/>")
    assert (juliet.outbox.unsent, world.notes.went) == (3, [])
    assert pair.resume(0) == 0
    assert stanzas(pair.heard()) == ["1", "2", "3"]
    assert not juliet.flags & SessionFlag.S_HIBERNATED


@pytest.mark.parametrize("h", [0, 1, 2, 3])
def test_what_lies_beyond_h_comes_again_once_and_in_order(pair: Pair, h: int) -> None:
    pair.say(1, 2, 3)
    pair.heard()
    pair.lose()
    pair.say(4)
    pair.resume(h)
    pair.say(5)
    assert stanzas(pair.heard()) == ["1", "2", "3", "4", "5"][h:]
    pair.answer(ack(5))
    assert (pair.juliet.outbox.unacknowledged, pair.chunks()) == (0, 0)


def framed(data: bytes) -> list[Element]:
    """What a link that sends frames (RFC 7395) makes of it: each stanza declares its namespace where its attributes
    begin, and is a document of its own. Nonzas declare theirs already."""
    frames = []
    for stanza in data.replace(R.encode(), b"").split(b"</message>")[:-1]:
        name, _, rest = stanza.partition(b" ")
        frames.append(fromstring(name + b" xmlns='jabber:client' " + rest + b"</message>"))
    return frames


def test_from_a_stream_to_frames_and_back(pair: Pair) -> None:
    """What is queued depends on no stream: it has its own language and its own prefixes, and no namespace."""
    world = pair.world
    nurse = world.client("nurse@localhost/a", lang="it")
    text = "<message to='juliet@localhost/b' id='%s' xmlns:p='urn:p' type='chat'><body>x</body><p:y/></message>"
    world.send(nurse, "".join(text % n for n in (1, 2)))
    assert stanzas(pair.heard()) == ["1", "2"]
    pair.lose()
    pair.resume(1)
    world.send(nurse, text % 3)
    frames = framed(world.raw(pair.juliet))
    assert stanzas(frames) == ["2", "3"]
    assert {f.get("{http://www.w3.org/XML/1998/namespace}lang") for f in frames} == {"it"}
    assert all(f.find("{urn:p}y") is not None for f in frames)
    pair.lose()
    pair.resume(2)
    root = b"<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:client' xmlns:p='urn:other'>"
    [again] = [e for e in world.got(pair.juliet, root) if e.tag == CLIENT + "message"]
    assert (again.get("id"), again.find("{urn:p}y") is not None) == ("3", True)


def test_a_stanza_that_was_half_written_comes_whole(pair: Pair) -> None:
    pair.world.rig.allow(pair.juliet.link, 40)
    pair.say(1, 2)
    assert pair.world.rig.border(pair.link) > 0
    pair.lose()
    pair.resume(0)
    assert stanzas(pair.heard()) == ["1", "2"]
    assert pair.juliet.outbox.unacknowledged == 2


def test_resumption_from_a_link_that_seems_alive(pair: Pair) -> None:
    """It ends with `conflict`, once the new one has taken over."""
    pair.say(1)
    pair.heard()
    old = pair.juliet.link
    pair.resume(0)
    assert stanzas(pair.heard()) == ["1"]
    gone = pair.world.rig.taken(old)
    assert gone.startswith(b"<stream:error><conflict ")
    assert gone.endswith(b"</stream:stream>")
    assert old.closing
    assert pair.world.counters()["links"] == 2
    assert not pair.juliet.flags & (SessionFlag.S_HIBERNATED | SessionFlag.S_ENDED)


def test_resumption_while_a_write_is_pending(pair: Pair) -> None:
    """The old link is in the middle of a stanza: no error can be told there."""
    pair.world.rig.allow(pair.juliet.link, 40)
    pair.say(1, 2)
    old = pair.juliet.link
    written = pair.world.rig.taken(old)
    pair.resume(0)
    assert stanzas(pair.heard()) == ["1", "2"]
    pair.world.rig.allow(old, -1)
    pair.world.rig.turn()
    assert (len(written), pair.world.rig.taken(old), old.closing) == (40, b"", True)


def test_an_h_that_is_too_high_resumes_nothing(pair: Pair) -> None:
    pair.say(1, 2)
    pair.lose()
    with pytest.raises(ValueError, match="handled-count-too-high") as error:
        pair.world.rig.resume(pair.juliet, 3)
    assert b"h='3' send-count='2'" in error.value.args[0]
    assert pair.juliet.flags & SessionFlag.S_HIBERNATED
    pair.resume(2)


def test_a_session_that_has_ended_is_not_resumed(pair: Pair) -> None:
    pair.answer("<presence/>")
    pair.answer("</stream:stream>")
    assert pair.world.rig.router.resumable("juliet@localhost", ID) is None
    assert pair.world.rig.router.last_h("juliet@localhost", ID) == 1
    assert pair.world.rig.router.last_h("romeo@localhost", ID) is None
    assert pair.world.rig.router.last_h("juliet@localhost", bytes(16)) is None
    with pytest.raises(LookupError):
        pair.world.rig.resume(pair.juliet, 0)


def test_only_its_own_account_finds_it(pair: Pair) -> None:
    router = pair.world.rig.router
    assert router.resumable("juliet@localhost", ID) is pair.juliet
    assert router.resumable("romeo@localhost", ID) is None
    assert router.resumable("nobody@localhost", ID) is None
    assert router.resumable("juliet@localhost", ID[:-1] + b"x") is None


def test_management_without_resumption_ends_with_the_link() -> None:
    pair = Pair(seconds=0)
    pair.say(1, 2)
    pair.answer(ack(1))
    assert pair.world.rig.router.resumable("juliet@localhost", ID) is None
    pair.lose()
    assert pair.absent == ["2"]
    assert pair.juliet.flags & SessionFlag.S_ENDED


async def test_a_resumed_client_sends_again_what_was_not_handled(pair: Pair) -> None:
    """What waited its turn is dropped, for the client has it and sends it again."""
    ready = asyncio.Event()
    world = pair.world
    world.notes.answer = lambda session, stanza, reason: ready.wait()
    pair.answer("<presence/>" + chat(1, "x@localhost") + chat(2, "x@localhost") + chat(3, "y@localhost"))
    late = [pair.juliet.hold()]
    assert pair.juliet.h == 2       # the first is routed, the second waits for it, though the third is routed too
    pair.lose()
    assert pair.resume(0) == 2
    pair.answer(chat(2, "x@localhost") + chat(3, "y@localhost"))
    pair.juliet.settle(late[0])
    ready.set()
    await breath()
    world.rig.turn()
    assert [stanza.id for _, stanza, _ in world.notes.punted] == ["1", "3", "2", "3"]
    assert pair.juliet.h == 4


async def test_who_resumes_waits_until_all_is_handled(pair: Pair) -> None:
    tickets = []
    pair.world.notes.answer = lambda session, stanza, reason: tickets.append(session.hold())
    assert pair.juliet.handled().done()
    pair.answer("<message to='x@localhost'><body/></message>")
    waits = pair.juliet.handled(), pair.juliet.handled()
    pair.lose()
    assert not waits[0].done()
    pair.juliet.settle(tickets[0])
    pair.world.rig.turn()
    assert [w.done() for w in waits] == [True, True]
    pair.resume(0)
    pair.answer("<message to='x@localhost'><body/></message>")
    wait = pair.juliet.handled()
    assert not wait.done()
    pair.world.rig.router.end(pair.juliet, "")
    pair.world.rig.turn()
    assert wait.done()


def test_elements_that_had_come_before_the_link_was_lost_count(pair: Pair) -> None:
    world = pair.world
    mib = b"<message><body>" + b"x" * (1 << 20) + b"</body></message>"
    world.notes.answer = lambda session, stanza, reason: world.rig.router.deliver(session, mib)
    world.rig.allow(pair.juliet.link, 0)
    pair.answer("<iq type='get' id='1'><a xmlns='b'/></iq>" * 5)
    assert (pair.juliet.h, pair.juliet.link.paused) == (2, True)
    pair.lose()
    assert pair.juliet.h == 5
    assert pair.resume(0) == 5


def test_silence_is_no_end_either() -> None:
    """Nothing heard for an hour: the link ends, the session may be resumed."""
    pair = Pair(limits=SessionLimits(idle_seconds=100, keep_alive_seconds=0))
    pair.world.rig.advance(101)
    assert stream_error(pair.heard()) == "connection-timeout"
    assert pair.juliet.flags & SessionFlag.S_HIBERNATED
    pair.resume(0)


# Ends

def test_its_time_is_over(pair: Pair) -> None:
    world = pair.world
    watcher = world.client("romeo@localhost/c", contacts={"juliet@localhost": 3}, presence="0")
    pair.say(1)
    pair.lose()
    world.rig.advance(599)
    assert not pair.juliet.flags & SessionFlag.S_ENDED
    world.rig.advance(2)
    assert [e.get("type") for e in world.got(watcher)] == ["unavailable"]
    assert (pair.absent, world.notes.went) == (["1"], [pair.juliet])
    assert (pair.chunks(), world.counters()["sessions"]) == (0, 2)
    [(_, stanza, _)] = world.notes.punted
    [delay] = [e for e in stanza.element() if e.tag == "{urn:xmpp:delay}delay"]
    assert delay.get("from") == "localhost"


def test_a_delay_stays_the_first_one(pair: Pair) -> None:
    early = "<delay xmlns='urn:xmpp:delay' from='x.example' stamp='2000-01-01T00:00:00Z'/>"
    pair.world.send(pair.romeo, chat(1).replace("</message>", early + "</message>"))
    pair.lose()
    pair.world.rig.router.end(pair.juliet, "")
    pair.world.rig.turn()
    [(_, stanza, _)] = pair.world.notes.punted
    assert [e.get("from") for e in stanza.element() if e.tag == "{urn:xmpp:delay}delay"] == ["x.example"]


def test_what_becomes_of_what_an_expired_session_held(pair: Pair) -> None:
    world, romeo = pair.world, pair.romeo
    to = "to='juliet@localhost/b'"
    world.send(romeo, f"<iq {to} type='result' id='result'/><presence {to}/><message {to} type='error' id='e'/>"
                      f"<message {to} type='headline' id='h'><body/></message>"
                      f"<message {to} id='normal'><body/></message>"
                      f"<message {to} type='groupchat' id='room'><body/></message>"
                      f"<message {to} type='groupchat' id='subject'><subject/></message>"
                      f"<message {to} type='chat' id='state'><active xmlns='http://jabber.org/protocol/chatstates'/>"
                      "</message>")
    world.send(romeo, "<presence to='juliet@localhost/b'/>")
    world.rig.router.set_contact("juliet@localhost", "romeo@localhost", 3)
    world.send(romeo, f"<iq {to} type='get' id='get'><query xmlns='a:b'/></iq>")
    world.got(romeo)
    pair.lose()
    world.rig.router.end(pair.juliet, "")
    world.rig.turn()
    answers = {e.get("id"): condition(e) for e in world.got(romeo) if e.get("id")}
    assert answers == {"get": "service-unavailable", "room": "service-unavailable"}
    assert pair.absent == ["normal", "state"]       # the control plane knows what is stored


def test_two_resources_one_hibernated_each_message_once_per_resource(pair: Pair) -> None:
    world = pair.world
    other = world.client("juliet@localhost/c", presence="0")
    pair.heard()
    pair.lose()
    pair.say("both")
    pair.say("full", to="juliet@localhost/b")
    assert stanzas(world.got(other)) == ["both"]
    late = world.client("juliet@localhost/d", presence="0")
    world.got(other)
    world.rig.router.end(pair.juliet, "")
    world.rig.turn()
    for session in (other, late):
        assert [e.get("id") for e in world.got(session) if e.tag == CLIENT + "message"] == ["full"]
    assert pair.absent == []


def test_what_has_a_number_is_in_the_archive_and_needs_no_more(pair: Pair) -> None:
    pair.world.rig.router.lend(pair.juliet, chat(1).encode(), 7)
    pair.lose()
    pair.world.rig.router.end(pair.juliet, "")
    pair.world.rig.turn()
    assert pair.absent == []
    assert pair.world.rig.router.reached("juliet@localhost") == 0


def test_a_number_is_reached_when_it_is_acknowledged(pair: Pair) -> None:
    router = pair.world.rig.router
    for number in (7, 8, 9):
        router.lend(pair.juliet, chat(number).encode(), number)
    pair.world.rig.turn()
    assert router.reached("juliet@localhost") == 0
    pair.answer(ack(2))
    assert router.reached("juliet@localhost") == 8
    pair.lose()
    pair.resume(3)
    assert router.reached("juliet@localhost") == 9


async def test_a_lost_session_answers_for_what_it_has(pair: Pair) -> None:
    """Who hands over messages that are kept need not wait for its client to come back."""
    handed = [chat(n).replace("<message", "<message from='romeo@localhost/a'").encode() for n in range(5)]
    pair.world.rig.allow(pair.juliet.link, 0)
    for stanza in handed[:3]:
        pair.world.rig.router.lend(pair.juliet, stanza)
    written = pair.juliet.written()
    pair.world.rig.turn()
    assert not written.done()
    pair.lose()
    assert await written is True
    pair.resume(0)
    assert stanzas(pair.heard()) == ["0", "1", "2"]
    pair.answer(ack(1))
    pair.world.rig.allow(pair.juliet.link, 0)
    pair.world.rig.router.lend(pair.juliet, handed[3])
    written = pair.juliet.written()
    pair.lose()
    pair.world.rig.router.lend(pair.juliet, handed[4])
    assert (await written, await pair.juliet.written()) == (True, True)
    pair.world.rig.router.end(pair.juliet, "")
    pair.world.rig.turn()
    assert pair.absent == ["1", "2", "3", "4"]


async def test_what_is_not_written_at_the_end_is_still_kept_elsewhere(pair: Pair) -> None:
    handed = [chat(n).replace("<message", "<message from='romeo@localhost/a'").encode() for n in range(2)]
    pair.world.rig.router.lend(pair.juliet, handed[0])
    pair.world.rig.turn()
    pair.world.rig.allow(pair.juliet.link, 0)
    pair.world.rig.router.lend(pair.juliet, handed[1])
    written = pair.juliet.written()
    pair.answer("</stream:stream>")
    assert (await written, pair.absent) == (False, ["0"])


def test_the_same_resource_again_replaces_it(pair: Pair) -> None:
    """As session.binding does: what it held goes to nobody yet, and waits for the new one's presence."""
    pair.say(1)
    pair.lose()
    router = pair.world.rig.router
    older = router.find("juliet@localhost/b")
    assert older is pair.juliet
    router.end(older, "conflict")
    new = pair.world.client("juliet@localhost/b")
    assert router.sessions("juliet@localhost") == [new]
    assert pair.absent == ["1"]


def test_at_most_ten_of_an_account_hibernate() -> None:
    world = World(limits=SessionLimits(hibernated=3))
    sessions = [world.client(f"romeo@localhost/{n}") for n in range(6)]
    for n, session in enumerate(sessions):
        session.manage(bytes(15) + bytes([n]), 600)
    for session in (sessions[1], sessions[0], *sessions[2:5]):
        world.rig.lose(session.link)
        world.rig.advance(1)
    assert [bool(s.flags & SessionFlag.S_ENDED) for s in sessions] == [True, True, False, False, False, False]


@pytest.mark.parametrize("away", [False, True])
def test_five_thousand_unacknowledged_stanzas_are_too_many(pair: Pair, away: bool) -> None:
    if away:
        pair.lose()
    for n in range(50):
        pair.say(*range(100 * n, 100 * n + 100))
    assert not pair.juliet.flags & SessionFlag.S_ENDED
    pair.say(5000)
    assert pair.juliet.flags & SessionFlag.S_ENDED
    if not away:
        assert stream_error(pair.heard()) == "resource-constraint"
    pair.world.rig.turn()
    assert pair.absent == [str(n) for n in range(5001)]
    assert (pair.chunks(), pair.world.counters()["sessions"]) == (0, 1)


def test_sixteen_mebibytes_are_too_much(pair: Pair) -> None:
    body = "x" * 250_000
    for n in range(67):
        pair.world.send(pair.romeo, chat(n).replace(">x<", f">{body}<"))
        pair.heard()
    assert not pair.juliet.flags & SessionFlag.S_ENDED
    pair.world.send(pair.romeo, chat("last").replace(">x<", f">{body}<"))
    assert pair.juliet.flags & SessionFlag.S_ENDED


def test_counters_return_to_zero_after_everything(pair: Pair) -> None:
    pair.say(1, 2)
    pair.lose()
    pair.resume(1)
    pair.lose()
    pair.world.rig.advance(601)
    pair.world.rig.lose(pair.romeo.link)
    counters = pair.world.counters()
    assert [counters[name] for name in ("links", "sessions", "chunks", "deadlines")] == [0, 0, 0, 0]


# Against a model

class Client:
    """A client with stream management that loses its link at any time; what it has shown to its user in `seen`."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.seen: list[str] = []
        self.acked = 0
        self.rest = b""

    def read(self) -> None:
        """Whole stanzas; what is cut is lost with its link."""
        self.rest += self.pair.world.raw(self.pair.juliet)
        *whole, self.rest = self.rest.split(b"</message>")
        for stanza in whole:
            self.seen.append(stanza.partition(b" id='")[2].partition(b"'")[0].decode())

    def cut(self) -> None:
        self.read()
        self.rest = b""
        self.pair.lose()


def test_random_cuts_lose_and_double_nothing(soak: int) -> None:
    for seed in range(40 * soak):
        rng = random.Random(seed)
        pair = Pair()
        client, sent = Client(pair), 0
        for _ in range(150):
            choice = rng.random()
            alive = pair.juliet.link is not None
            if choice < 0.45:
                n = rng.randrange(1, 6)
                size = rng.choice((1, 10, 700, 9000))
                text = "".join(chat(sent + i).replace(">x<", f">{'x' * size}<") for i in range(n))
                pair.world.send(pair.romeo, text)
                sent += n
            elif choice < 0.65 and alive:
                pair.world.rig.allow(pair.juliet.link, rng.choice((0, 1, 100, 3000, -1)))
                pair.world.rig.turn()
            elif choice < 0.85 and alive:
                client.read()
                client.acked = rng.randint(client.acked, len(client.seen))
                pair.answer(ack(client.acked))
            elif alive and choice < 0.93:
                client.cut()
            elif rng.random() < 0.5:
                if alive:
                    client.read()
                    client.rest = b""
                pair.resume(len(client.seen))
        if pair.juliet.link is None:
            pair.resume(len(client.seen))
        pair.world.rig.allow(pair.juliet.link, -1)
        pair.world.rig.turn()
        client.read()
        assert client.seen == [str(n) for n in range(sent)], seed
        pair.answer(ack(sent))
        assert (pair.chunks(), pair.juliet.outbox.unacknowledged) == (0, 0)
