"""How much is too much: sizes before and after login; who don't read, who don't stop (protocol.md 7 to 9)."""

import socket
import time
import xml.etree.ElementTree as ET
from contextlib import suppress

import pytest

from support.people import PASSWORD, World
from support.rawclient import STREAMS, Client, Closed, bodies, body, condition

KIB, MIB = 1 << 10, 1 << 20
LIMITS = "{urn:xmpp:stream-limits:0}"


def message(to: str, size: int, text: str = "x") -> str:
    return f"<message to='{to}' type='chat'><body>{(text * size)[:size]}</body></message>"


def test_10000_bytes_are_always_taken(world: World) -> None:
    """RFC 6120 13.12, before and after login."""
    client = world.connection()
    client.open()
    client.send(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{'A' * 9800}</auth>")
    assert client.next().tag.endswith("failure")
    sender, receiver = world.friends()
    sender.send(message(receiver.jid, 9900))
    sender.sync()
    assert [len(text or "") for text in bodies(receiver.sync())] == [9900]


def test_the_limit_is_announced(world: World) -> None:
    """XEP-0478, in both states, and it is true."""
    client = world.connection()
    small = client.open().findtext(f"{LIMITS}limits/{LIMITS}max-bytes")
    assert int(small or 0) >= 10_000
    name = world.account().partition("@")[0]
    client.plain(name, PASSWORD)
    large = int(client.open().findtext(f"{LIMITS}limits/{LIMITS}max-bytes") or 0)
    assert large >= 10_000
    client.bind()
    receiver = world.online()
    overhead = len(message(receiver.bare, 0))
    client.send(message(receiver.bare, large - overhead))
    client.sync()
    assert len(body(receiver.next()) or "") == large - overhead
    client.send(message(receiver.bare, large + 1 - overhead))
    assert client.stream_error() == "policy-violation"
    assert receiver.sync() == []


@pytest.mark.parametrize("piece", [b"<a>", b"<a/>", b"<x a='", b"x" * 1000, b" " * 1000, b"<!--", b"\n"])
def test_endless_before_login(world: World, piece: bytes) -> None:
    """However it goes on, the negotiation ends at a bound that is small."""
    client = world.connection()
    client.open()
    sent = 0
    with suppress(OSError):     # hung up
        while sent < 16 * MIB and b"</stream:stream>" not in peek(client):
            client.send(piece * (KIB // len(piece) + 1))
            sent += KIB
    assert sent <= 4 * MIB


def peek(client: Client) -> bytes:
    """What waits to be read, without taking it."""
    client.socket.setblocking(False)
    try:
        return client.socket.recv(MIB, socket.MSG_PEEK)
    except BlockingIOError:
        return b""
    finally:
        client.socket.settimeout(30)


def test_many_nonzas_before_login(world: World) -> None:
    client = world.connection()
    client.open()
    client.send("<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>" * 1000)
    answers = 0
    with suppress(Closed, OSError):
        while client.next().tag != STREAMS + "error":
            answers += 1
    assert answers <= 128


def test_who_does_not_read_slows_nobody(world: World) -> None:
    """A flood to one who reads nothing: bounded memory, the sender and others go on, the one is let go in the end."""
    sender, deaf, other = world.online(), world.online(), world.online()
    before = world.memory()
    for _ in range(30):
        sender.send(*[message(deaf.bare, 100 * KIB)] * 10, message(other.jid, 10, "hello "))
        sender.sync()
        assert bodies(other.sync()) == ["hello hell"]
    assert world.memory() - before < 64 * MIB
    kept = deaf.ended()
    assert len(kept) < 30 * MIB
    assert b"<body>" in kept


def test_who_does_not_read_its_own_answers(world: World) -> None:
    """Answers are not piled up without end: reading from that client pauses, or its stream ends."""
    greedy, other = world.online(), world.online()
    for number in range(300):
        greedy.ask("set", "<query xmlns='jabber:iq:roster'><item jid='" + f"c{number}@localhost' name='{'n' * 500}'/>"
                   "</query>")
    before = world.memory()
    greedy.socket.settimeout(1)
    request = b"<iq type='get' id='g'><query xmlns='jabber:iq:roster'/></iq>" * 100
    with suppress(OSError):     # it is not read any more
        for _ in range(1000):
            greedy.send(request)
    other.sync()
    assert world.memory() - before < 64 * MIB


def test_a_flood_is_carried(world: World) -> None:
    """20 MiB through one session, in order, while others are served."""
    sender, receiver, other = world.online(), world.online(), world.online()
    before = world.memory()
    for first in range(0, 20_000, 500):
        sender.send("".join(f"<message to='{receiver.jid}' type='chat'><body>{n} {'x' * 1000}</body></message>"
                            for n in range(first, first + 500)))
        assert sender.sync() == other.sync() == []
        assert [int((text or "").split()[0]) for text in bodies(receiver.sync())] == list(range(first, first + 500))
    assert world.memory() - before < 64 * MIB


def test_a_deep_stanza_at_the_limit(world: World) -> None:
    """Depth that is allowed arrives; one more is refused, and others never see it."""
    sender, receiver = world.friends()
    for depth in range(2, 70):
        client = world.online(sender.bare)
        client.send(f"<message to='{receiver.jid}' type='chat'>{'<a>' * depth}{'</a>' * depth}</message>")
        client.send("<iq type='get' id='alive' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
        answer = client.until(lambda e: e.get("id") == "alive" or e.tag == STREAMS + "error")[-1]
        if answer.tag == STREAMS + "error":
            assert answer[0].tag.endswith("policy-violation")
            break
        client.log_out()
    assert 40 <= depth <= 66
    assert len([s for s in receiver.sync() if s.tag.endswith("message")]) == depth - 2


def test_many_unauthenticated_connections(world: World) -> None:
    """Those beyond the bound are turned away; who is logged in does not notice; soon all may come again."""
    served = world.online()
    waiting = []
    for _ in range(200):
        waiting.append(world.connection())
    served.sync()
    for client in waiting:
        client.close()
    deadline = time.monotonic() + 30
    while True:
        try:
            world.connected().sync()
            return
        except (OSError, Closed, AssertionError):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_error_for_many_letters_to_nobody(world: World) -> None:
    client = world.online()
    client.send(message("nobody@localhost", 10) * 2000)
    assert {condition(answer) for answer in client.sync()} == {"service-unavailable"}


def letters(first: int, last: int, to: str, size: int = 20_000) -> str:
    return "".join(f"<message to='{to}' type='chat' id='{n}'><body>{n} {'x' * size}</body></message>"
                   for n in range(first, last))


def numbers(stanzas: list[ET.Element]) -> list[int]:
    return [int((text or "").split()[0]) for text in bodies(stanzas)]


def test_what_a_session_held_when_it_had_to_end_is_kept(world: World) -> None:
    """24 MiB to one who reads nothing: its session ends (protocol.md 7), nothing is lost that it did not read."""
    sender, account, count = world.online(), world.account(), 600     # fewer than an account's store takes
    receiver, refused = world.online(account), []
    for first in range(0, count, 50):
        sender.send(letters(first, first + 50, account, 40_000))
        refused += [int(stanza.get("id", "")) for stanza in sender.sync()]
    heard = []
    with suppress(Closed, OSError):
        while True:
            heard.append(receiver.next())
    assert sorted(numbers(heard) + numbers(world.arrive(account)) + refused) == list(range(count))


def test_what_a_lost_connection_held_is_kept(world: World) -> None:
    """8 MiB to one who reads nothing and is cut off: what was never written to the socket goes to the next."""
    sender, account, count = world.online(), world.account(), 400
    receiver = world.online(account)
    sender.send(letters(0, count, account))
    sender.sync()
    receiver.reset()
    kept = numbers(world.arrive(account))
    assert kept
    assert kept == list(range(count - len(kept), count))
