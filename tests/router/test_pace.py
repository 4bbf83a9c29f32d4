"""Who sends too fast is not read from, and loses nothing (protocol.md 8)."""

import pytest

from headrace.router.federation import Peer
from headrace.session.domains import S2SConfig
from support.far import HEADER, ROMEO, ROOT, Far, Notes
from support.routing import read

TEN = S2SConfig(bytes_per_second=0, stanzas_per_second=10)     # forty at once
SLOW = S2SConfig(bytes_per_second=10_000, stanzas_per_second=0)
MUCH = "x" * 100_000        # ten seconds' worth


def say(number: int, body: str = "", domain: str = "far.example") -> str:
    return f"<message from='juliet@{domain}/j' to='{ROMEO}' id='{number}'><body>{body}</body></message>"


def another(far: Far, domain: str) -> Peer:
    """One more stream."""
    told = Notes()
    peer = told.peer = far.rig.federate(told, SLOW)
    far.rig.feed(peer, HEADER)
    peer.admit(domain, "localhost")
    peer.settle()
    return peer


def paused(peer: Peer) -> bool:
    assert peer.link is not None
    return peer.link.paused


@pytest.mark.parametrize(("config", "body", "at_once"), [
    (TEN, "", 41), (SLOW, "x" * 2_000, 20)])
def test_what_comes_too_fast_waits_and_comes(config: S2SConfig, body: str, at_once: int) -> None:
    """The stanza with which it passes its bound is the last one."""
    far = Far(config)
    romeo = far.client(ROMEO, presence="0")
    far.give("".join(say(number, body) for number in range(60)))
    assert paused(far.peer)
    ids = [e.get("id") for e in far.got(romeo)]
    assert ids == [str(number) for number in range(at_once)]
    for _ in range(100):
        far.rig.advance(0.5)
        ids += [e.get("id") for e in far.got(romeo)]
        if not paused(far.peer):
            break
    assert ids == [str(number) for number in range(60)]
    assert far.told.said == []


def test_at_a_steady_pace_nobody_waits() -> None:
    far = Far(TEN)
    romeo = far.client(ROMEO, presence="0")
    for number in range(200):
        far.give(say(number))
        assert not paused(far.peer)
        far.rig.advance(0.1)
    assert len(far.got(romeo)) == 200


def test_without_bounds() -> None:
    far = Far(S2SConfig(bytes_per_second=0, stanzas_per_second=0))
    romeo = far.client(ROMEO, presence="0")
    far.give("".join(map(say, range(1_000))))
    assert not paused(far.peer)
    assert len(far.got(romeo)) == 1_000


def test_a_domain_has_one_pace_on_all_its_streams_and_others_have_theirs() -> None:
    far = Far(SLOW)
    romeo = far.client(ROMEO, presence="0")
    same, other = another(far, "far.example"), another(far, "other.example")
    far.give(say(0, MUCH))
    far.rig.feed(same, say(1).encode() + say(2).encode())
    far.rig.feed(other, say(3, domain="other.example").encode())
    far.rig.turn()
    assert [paused(peer) for peer in (far.peer, same, other)] == [True, True, False]
    assert [e.get("id") for e in far.got(romeo)] == ["0", "1", "3"]
    far.rig.advance(10)
    assert [paused(peer) for peer in (far.peer, same)] == [False, False]
    assert [e.get("id") for e in far.got(romeo)] == ["2"]


def test_domains_on_one_stream_are_counted_apart() -> None:
    far = Far(SLOW, ("far.example", "localhost"), ("other.example", "localhost"))
    for domain in ("far.example", "other.example"):
        far.give(say(0, MUCH[:35_000], domain))
    assert not paused(far.peer)
    far.give(say(1, MUCH))
    assert paused(far.peer)


def test_nonzas_count_too() -> None:
    far = Far(TEN)
    far.give("<a xmlns='urn:what'/>" * 50)
    assert paused(far.peer)
    assert len(far.told.said) == 41


def test_a_new_stream_is_no_new_start() -> None:
    far = Far(SLOW)
    romeo = far.client(ROMEO, presence="0")
    far.give(say(0, MUCH))
    far.rig.lose(far.wire)
    deadlines = far.rig.reactor.counters()["deadlines"]
    same = another(far, "far.example")
    far.rig.feed(same, say(1).encode() + say(2).encode())
    assert paused(same)
    far.rig.advance(10)
    assert not paused(same)
    assert [e.get("id") for e in far.got(romeo)] == ["0", "1", "2"]
    far.rig.lose(same.link)     # type: ignore[arg-type]
    far.rig.advance(10)
    assert far.rig.reactor.counters()["deadlines"] == deadlines - 1     # the buckets are full, and forgotten


def test_the_other_way_is_open_meanwhile() -> None:
    far = Far(TEN)
    romeo = far.client(ROMEO, presence="0")
    far.give("".join(map(say, range(60))))
    assert paused(far.peer)
    far.send(romeo, "<message to='juliet@far.example' id='back'><body/></message>")
    assert [e.get("id") for e in read(far.sent(), ROOT)] == ["back"]


def test_a_stream_may_end_while_it_waits() -> None:
    far = Far(TEN)
    romeo = far.client(ROMEO, presence="0")
    far.give("".join(map(say, range(60))))
    far.rig.lose(far.wire)
    far.rig.advance(10)
    assert len(far.got(romeo)) == 41        # what it could send again, for it is not acknowledged
