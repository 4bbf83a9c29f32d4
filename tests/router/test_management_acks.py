"""XEP-0198 between a session and its client: acknowledgements, both ways, and what is none."""

from xml.etree.ElementTree import Element

import pytest

from headrace.router.session import Reason, SessionFlag
from support.managed import ID, SM, Pair, R, ack, chat, stanzas, stream_error


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_stanzas_stay_until_they_are_acknowledged(pair: Pair) -> None:
    pair.say(1, 2, 3)
    assert stanzas(pair.heard()) == ["1", "2", "3"]
    assert (pair.juliet.outbox.unacknowledged, pair.chunks()) == (3, 1)
    pair.answer(ack(2))
    assert (pair.juliet.outbox.unacknowledged, pair.juliet.outbox.acknowledged, pair.chunks()) == (1, 2, 1)
    pair.answer(ack(2))
    pair.answer(ack(3))
    assert (pair.juliet.outbox.unacknowledged, pair.juliet.outbox.unacknowledged_bytes, pair.chunks()) == (0, 0, 0)


def test_only_whole_chunks_are_given_back(pair: Pair) -> None:
    for n in range(200):
        pair.say(n)
    chunks = pair.chunks()
    assert chunks > 1
    h = 0
    while chunks:
        h += 10
        pair.answer(ack(h))
        assert pair.chunks() <= chunks
        chunks = pair.chunks()
    assert h == 200


@pytest.mark.parametrize("h", [4, 5, 2**31])
def test_an_h_that_is_too_high_ends_the_stream(pair: Pair, h: int) -> None:
    pair.say(1, 2, 3)
    pair.heard()
    pair.answer(ack(h))
    *_, error = pair.heard()
    if h == 2**31:
        h = 2147483648
    assert stream_error([error]) == "undefined-condition"
    found = error.find(SM + "handled-count-too-high")
    assert found is not None
    assert (found.get("h"), found.get("send-count")) == (str(h), "3")
    assert pair.absent == ["1", "2", "3"]       # it is no session to be resumed
    assert pair.world.counters()["sessions"] == 1


def test_what_is_not_written_whole_cannot_be_acknowledged(pair: Pair) -> None:
    pair.world.rig.allow(pair.juliet.link, 0)
    pair.say(1, 2)
    pair.world.rig.allow(pair.juliet.link, pair.juliet.outbox.unsent_bytes - 1)
    pair.world.rig.turn()
    pair.answer(ack(1))
    assert not pair.juliet.flags & SessionFlag.S_ENDED
    pair.answer(ack(2))
    assert pair.juliet.flags & SessionFlag.S_ENDED


def test_an_h_that_goes_back_is_no_news(pair: Pair) -> None:
    pair.say(1, 2, 3)
    for h in (3, 2, 3):
        pair.answer(ack(h))
    assert (pair.juliet.outbox.acknowledged, pair.juliet.flags & SessionFlag.S_ENDED) == (3, 0)


@pytest.mark.parametrize("h", ["", " 1", "-1", "x", "4294967296", "99999999999", "1.0"])
def test_h_is_a_number_of_32_bits(pair: Pair, h: str) -> None:
    pair.say(1)
    pair.heard()
    pair.answer(ack(h))
    assert stream_error(pair.heard()) == "invalid-xml"


def test_h_wraps_at_32_bits(pair: Pair) -> None:
    """In both directions."""
    pair.world.rig.count_from(pair.juliet, 2**32 - 2)
    pair.answer("<presence id='p'/>" + R + "<message to='x@localhost'/>" + R + "<message to='x@localhost'/>" + R)
    assert [e.get("h") for e in pair.heard() if e.tag == SM + "a"] == ["4294967295", "0", "1"]
    pair.say(1, 2)
    pair.answer(ack(2**32 - 1))
    pair.answer(ack(0))
    assert pair.juliet.outbox.unacknowledged == 1
    pair.answer(ack(1))
    assert (pair.juliet.outbox.unacknowledged, pair.juliet.flags & SessionFlag.S_ENDED) == (0, 0)
    pair.answer(ack(2))
    assert pair.juliet.flags & SessionFlag.S_ENDED


def test_nothing_counts_before_enabled(pair: Pair) -> None:
    world = pair.world
    nurse = world.client("nurse@localhost/c", presence="0")
    world.send(nurse, "<presence/>")
    world.send(pair.romeo, chat(1, "nurse@localhost/c"))
    nurse.manage(ID, 600)
    world.send(nurse, R)
    assert [e.get("h") for e in world.got(nurse) if e.tag == SM + "a"] == ["0"]
    world.send(pair.romeo, chat(2, "nurse@localhost/c"))
    world.send(nurse, ack(1))
    assert nurse.outbox.unacknowledged == 0
    world.send(nurse, ack(2))
    assert nurse.flags & SessionFlag.S_ENDED


# Requests

def test_a_request_is_answered_at_once(pair: Pair) -> None:
    pair.answer("<presence/>" + R + R)
    assert [e.get("h") for e in pair.heard() if e.tag == SM + "a"] == ["1", "1"]


def test_an_answer_waits_for_what_is_being_handled_but_not_for_long(pair: Pair) -> None:
    tickets = []
    pair.world.notes.answer = lambda session, stanza, reason: tickets.append(session.hold())
    pair.answer("<presence/><message to='x@localhost'><body/></message><message to='y@localhost'><body/></message>" + R)
    pair.heard()
    pair.juliet.settle(tickets[0])
    pair.world.rig.turn()
    assert pair.heard() == []
    pair.world.rig.advance(0.05)
    assert [e.get("h") for e in pair.heard()] == ["2"]
    pair.world.rig.advance(0.05)
    assert pair.heard() == []
    pair.juliet.settle(tickets[1])
    pair.world.rig.turn()
    assert [e.get("h") for e in pair.heard()] == ["3"]      # unrequested


def test_an_answer_that_did_not_have_to_wait_long_comes_once(pair: Pair) -> None:
    tickets = []
    pair.world.notes.answer = lambda session, stanza, reason: tickets.append(session.hold())
    pair.answer("<message to='x@localhost'><body/></message>" + R)
    pair.juliet.settle(tickets[0])
    pair.world.rig.turn()
    assert [e.get("h") for e in pair.heard()] == ["1"]
    pair.world.rig.advance(1)
    assert pair.heard() == []


def test_answers_come_in_the_middle_of_no_stanza(pair: Pair) -> None:
    pair.world.rig.allow(pair.juliet.link, 5)
    pair.say(1, 2)
    pair.answer(R)
    pair.world.rig.allow(pair.juliet.link, -1)
    pair.world.rig.turn()
    assert [e.tag.rpartition("}")[2] for e in pair.heard()][:3] == ["message", "a", "message"]


def requests(elements: list[Element]) -> int:
    return sum(e.tag == SM + "r" for e in elements)


def test_we_ask_behind_a_burst_and_not_again_before_the_answer(pair: Pair) -> None:
    pair.say(1, 2, 3)
    assert [e.tag.rpartition("}")[2] for e in pair.heard()] == ["message"] * 3 + ["r"]
    pair.world.rig.advance(5)
    for n in range(100):
        pair.say(n)
    pair.world.rig.advance(5)
    assert requests(pair.heard()) == 0


def test_we_ask_every_so_many_stanzas_and_for_the_rest_a_little_later(pair: Pair) -> None:
    h = asked = 0
    for n in range(100):
        pair.say(n)
        h += 1
        if requests(pair.heard()):
            asked += 1
            pair.answer(ack(h))
    assert asked == 1 + 99 // 32
    pair.world.rig.advance(3)
    assert requests(pair.heard()) == 1
    pair.answer(ack(h))
    pair.world.rig.advance(1000)
    assert requests(pair.heard()) == 0


def test_the_rest_of_a_burst_is_asked_about_after_a_resumption(pair: Pair) -> None:
    """Though the link was lost while the time ran after which it would have been asked about before."""
    pair.say(1)
    pair.answer(ack(1))
    pair.say(2)
    assert requests(pair.heard()) == 1
    pair.lose()
    pair.resume(2)
    pair.say(3)
    pair.answer(ack(3))
    pair.say(4)
    assert requests(pair.heard()) == 1
    pair.world.rig.advance(3)
    assert requests(pair.heard()) == 1


def test_who_acknowledges_unasked_is_not_asked(pair: Pair) -> None:
    pair.say(1)
    pair.answer(ack(1))
    assert requests(pair.heard()) == 1
    for n in range(2, 100):
        pair.say(n)
        pair.answer(ack(n))
    assert requests(pair.heard()) <= 4


# Misuse

@pytest.mark.parametrize("element", [R, ack(0), "<resume xmlns='urn:xmpp:sm:3' h='0' previd='x'/>",
                                     "<enabled xmlns='urn:xmpp:sm:3'/>"])
def test_without_management_it_is_unexpected(pair: Pair, element: str) -> None:
    pair.world.send(pair.romeo, element + "<message to='juliet@localhost'/>")
    failed, = pair.world.got(pair.romeo)
    assert (failed.tag, failed[0].tag.rpartition("}")[2]) == (SM + "failed", "unexpected-request")
    assert pair.romeo.h == 0
    assert len(stanzas(pair.heard())) == 1


@pytest.mark.parametrize("element", ["<enable xmlns='urn:xmpp:sm:3'/>", "<failed xmlns='urn:xmpp:sm:3'/>",
                                     "<resume xmlns='urn:xmpp:sm:3' h='0' previd='x'/>"])
def test_with_management_it_ends_the_stream(pair: Pair, element: str) -> None:
    pair.answer(element)
    failed, error = pair.heard()
    assert failed[0].tag.rpartition("}")[2] == "unexpected-request"
    assert stream_error([error]) == "policy-violation"


def test_enable_goes_to_the_control_plane_at_once(pair: Pair) -> None:
    pair.world.send(pair.romeo, "<enable xmlns='urn:xmpp:sm:3' max='1'/>")
    [(session, stanza, reason)] = pair.world.notes.punted
    assert (session, stanza.name, reason) == (pair.romeo, "enable", Reason.P_NONZA)
