"""Who waits for whom on a proxy of bytestreams; connections are stand-ins (tests/net/test_socks.py has real ones)."""

import pytest

from headrace.session.bytestreams import Activation, Proxy, Relay, StreamLimits

ROMEO, JULIET = "romeo@example.org", "juliet@example.org"


class Connection:
    """headrace.net.socks.Socks."""

    carried, why, link = 7, None, None

    def __init__(self, relay, key):
        self.relay, self.key = relay, key
        self.admitted = relay.asked(self)

    def join(self, other, **limits):
        self.other, self.limits = other, limits

    def end(self, why):
        self.why = why


class Log:
    def __init__(self):
        self.lines = []

    def info(self, event, **fields):
        self.lines.append(fields)


@pytest.fixture
def relay():
    return Relay(StreamLimits(streams=1, size=100, rate=10, idle_seconds=5.0), Log())


def test_two_of_a_kind_are_joined(relay):
    assert relay.activate("k", ROMEO) is Activation.UNKNOWN
    one = Connection(relay, "k")
    assert relay.activate("k", ROMEO) is Activation.LONELY
    two, three = Connection(relay, "k"), Connection(relay, "k")
    assert (one.admitted, two.admitted, three.admitted) == (True, True, False)
    assert relay.activate("k", ROMEO) is Activation.DONE
    assert (one.other, one.limits) == (two, {"most": 100, "rate": 10, "idle_seconds": 5.0})
    assert relay.activate("k", ROMEO) is Activation.UNKNOWN
    assert not Connection(relay, "k").admitted      # while it lasts, nobody takes its name


def test_an_ended_stream_leaves_nothing(relay):
    connections = [Connection(relay, "k") for _ in range(3)]
    relay.activate("k", ROMEO)
    for each in (connections[2], connections[0], connections[1]):     # the one that was refused is none of it
        relay.gone(each)
    assert relay._log.lines == [{"user": ROMEO, "bytes": 14, "reason": "closed"}]
    assert (relay._streams, relay._waiting, relay._users, relay._open) == ({}, {}, {}, set())


def test_streams_at_once_are_counted_by_user(relay):
    for key in "ab":
        for _ in range(2):
            Connection(relay, key)
    assert relay.activate("a", ROMEO) is Activation.DONE
    assert relay.activate("b", ROMEO) is Activation.TOO_MANY
    assert relay.activate("b", JULIET) is Activation.DONE


def test_one_that_leaves_before_it_is_joined(relay):
    one, two = Connection(relay, "k"), Connection(relay, "k")
    relay.gone(one)
    assert relay.activate("k", ROMEO) is Activation.LONELY
    assert Connection(relay, "k").admitted
    relay.gone(two)
    assert relay.activate("k", ROMEO) is Activation.LONELY


def test_who_may_use_it(relay):
    proxy = Proxy("192.0.2.1", 1080, frozenset({"example.org", "friend@other.example"}), relay)
    assert proxy.admits(ROMEO)
    assert proxy.admits("friend@other.example")
    assert not proxy.admits("foe@other.example")
    assert not proxy.admits("x@sub.example.org")
