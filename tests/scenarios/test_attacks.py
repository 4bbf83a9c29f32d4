"""Trying to break the server for others: random bytes and cuts, half-open connections, resets, crowds, odd names.

After each attack a person who was there all along is still served, newcomers can log in, and the server has grown by
no more than it may keep. Everything random is seeded; HEADRACE_SOAK does more of it.
"""

import base64
import random
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from support.people import PASSWORD, World
from support.rawclient import HEADER, SASL, STREAMS, Client, bodies, without_our_id

MIB = 1 << 20
CHAT = ("<message to='{to}' type='chat' id='{n}'><body>{n} caf\u00e9 &amp; \u4e2d</body><x xmlns='urn:x' a=\"'\"/>"
        "</message>")


@pytest.fixture(autouse=True)
def bystander(world: World) -> Iterator[Client]:
    """Sees nothing of the attack, and is served in the end like a newcomer."""
    client = world.online()
    before = world.memory()
    yield client
    assert client.sync() == []
    newcomer = world.online(kind="direct")
    newcomer.send(f"<message to='{client.jid}' type='chat'><body>all well?</body></message>")
    newcomer.sync()
    assert bodies(client.sync()) == ["all well?"]
    assert world.memory() - before < 64 * MIB


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def dialogue(name: str, to: str) -> bytes:
    """What a client says from its first byte to its last, with no waiting."""
    plain = base64.b64encode(f"\0{name}\0{PASSWORD}".encode()).decode()
    return (HEADER.format(host="localhost") + f"<auth xmlns='{SASL[1:-1]}' mechanism='PLAIN'>"
            + plain + "</auth>" + HEADER.format(host="localhost")
            + "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
            + "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>"
            + f"<presence to='{to}' type='subscribe'/>" + CHAT.format(to=to, n=1)
            + "<iq type='get' id='d' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
            + "</stream:stream>").encode()


def say(world: World, data: bytes, secure: bool, end: str, cuts: list[int]) -> None:
    """Sends it in segments, then hangs up in some manner."""
    raw = socket.create_connection(("127.0.0.1", world.server.direct if secure else world.server.plain), 30)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock = world.trust.wrap_socket(raw, server_hostname="localhost") if secure else raw
    with suppress(OSError):
        for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True):
            sock.sendall(data[start:stop])
        if end == "read":
            while sock.recv(65536):
                pass
    if end == "reset":
        reset(sock)
    sock.close()


@pytest.mark.parametrize("secure", [False, True])
def test_the_dialogue_broken_off_anywhere(world: World, secure: bool, soak: int) -> None:
    """Cut at random places, ended by reset, hang-up or patience, at any byte."""
    dice, friend = random.Random(1), world.account()
    for _ in range((60 if secure else 150) * soak):
        data = dialogue(world.anybody().partition("@")[0], friend)
        data = data[:dice.randrange(len(data))] if dice.random() < 0.8 else data
        cuts = sorted(dice.randrange(len(data) + 1) for _ in range(dice.choice([0, 1, 5, 40])))
        say(world, data, secure, dice.choice(["reset", "hang up", "read"] if data.endswith(b"stream>") else
                                             ["reset", "hang up"]), cuts)


@pytest.mark.parametrize("stage", ["raw", "opened", "bound"])
def test_garbage(world: World, stage: str, soak: int) -> None:
    """Random bytes, and legal bytes with some changed, at each stage of a stream."""
    dice = random.Random(2)
    for turn in range(60 * soak):
        client = world.connection()
        if stage == "opened":
            client.open()
        elif stage == "bound":
            client.authenticate(world.anybody().partition("@")[0], PASSWORD)
            client.bind()
        data = bytearray(dialogue("p0", "p1@localhost") if turn % 2 else dice.randbytes(dice.randrange(1, 2000)))
        for _ in range(dice.randrange(1, 4)):
            data[dice.randrange(len(data))] = dice.choice(b"<>/&;'\"= \0\xff\xc3ax!?-[]" + dice.randbytes(4))
        with suppress(OSError):
            client.send(bytes(data))
            client.socket.shutdown(socket.SHUT_WR)
            while client.socket.recv(65536):
                pass
        client.close()


def test_half_open_tls(world: World, soak: int) -> None:
    """Handshakes begun and left: nothing sent, half a hello, garbage, a plain stream; on both kinds of listener."""
    dice, hello = random.Random(3), client_hello(world.trust)
    for _ in range(soak):
        left = []
        for turn in range(60):
            left.append(socket.create_connection(("127.0.0.1", world.server.direct), 30))
            data = [b"", hello[:dice.randrange(len(hello))], dice.randbytes(600), hello[:5] + dice.randbytes(400),
                    HEADER.format(host="localhost").encode(), hello * 3][turn % 6]
            with suppress(OSError):
                left[-1].sendall(data)
        world.connected(kind="direct").sync()
        for sock in left:
            reset(sock) if dice.random() < 0.5 else sock.close()
    for data in (b"", hello[:100], dice.randbytes(300)):
        client = world.connection("starttls")
        client.open()
        client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        client.next()
        client.send(data)
        client.reset()


def client_hello(context: ssl.SSLContext) -> bytes:
    """The first flight of a handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


def test_records_broken_inside_tls(world: World, soak: int) -> None:
    """Bytes of an established TLS connection changed, cut or repeated below TLS."""
    dice = random.Random(4)
    for _ in range(20 * soak):
        raw = socket.create_connection(("127.0.0.1", world.server.direct), 30)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = world.trust.wrap_bio(incoming, outgoing, server_hostname="localhost")
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                raw.sendall(outgoing.read())
                incoming.write(raw.recv(65536))
        tls.write(HEADER.format(host="localhost").encode())
        record = bytearray(outgoing.read())
        record[dice.randrange(len(record))] ^= 1 << dice.randrange(8)
        with suppress(OSError):
            raw.sendall(bytes(record) * dice.choice([1, 2]))
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(65536):
                pass
        raw.close()


def test_a_crowd_that_only_connects(world: World, soak: int) -> None:
    """2,000 connections, 100 at a time, closed in each manner: none stays behind in the server."""
    descriptors = Path(f"/proc/{world.server.process.pid}/fd")
    before = len(list(descriptors.iterdir()))
    for _ in range(soak):
        for _ in range(20):
            crowd = [socket.create_connection(("127.0.0.1", (world.server.plain, world.server.direct)[n % 2]), 30)
                     for n in range(100)]
            for number, sock in enumerate(crowd):
                with suppress(OSError):
                    sock.sendall(HEADER.format(host="localhost").encode() if number % 3 == 0 else b"")
            for number, sock in enumerate(crowd):
                reset(sock) if number % 2 else sock.close()
        deadline = time.monotonic() + 30
        while len(list(descriptors.iterdir())) > before + 10:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_resets_in_mid_stanza(world: World, soak: int) -> None:
    """Half a stanza never takes effect, and its sender is seen to leave."""
    receiver = world.online()
    for turn in range(8 * soak):
        sender = world.online(world.anybody())
        sender.send(f"<presence to='{receiver.jid}'/>", CHAT.format(to=receiver.jid, n=turn))
        stanza = CHAT.format(to=receiver.jid, n="half").encode()
        sender.send(stanza[:1 + turn * (len(stanza) - 2) // (8 * soak)])
        sender.reset()
        heard = receiver.until(lambda e, jid=sender.jid: (e.get("type"), e.get("from")) == ("unavailable", jid))
        assert [text.split()[0] for text in bodies(heard) if text] == [str(turn)]


def test_leaving_while_being_written_to(world: World, soak: int) -> None:
    """Sessions that end in the middle of a flood to them, in each manner; the flood's sender goes on."""
    sender = world.online()
    for turn in range(20 * soak):
        account = world.anybody()
        receiver = world.online(account, kind="direct" if turn % 2 else "plain")
        sender.send(CHAT.format(to=receiver.jid, n=turn) * 300)
        [receiver.reset, receiver.close, lambda c=receiver: c.send("</stream:stream>"),
         lambda c=receiver: c.send("<a></b>")][turn % 4]()
        sender.send(CHAT.format(to=receiver.jid, n=turn) * 300)
        sender.sync()


def test_a_huge_roster(world: World) -> None:
    """500 contacts at least, then as many as are allowed; it still comes in one piece."""
    client = world.online()
    client.send(*(f"<iq type='set' id='{n}'><query xmlns='jabber:iq:roster'><item jid='c{n}@localhost' "
                  f"name='{'n' * 200}'><group>{'g' * 100}</group></item></query></iq>" for n in range(600)))
    answers = [stanza for stanza in client.sync() if stanza.get("type") in ("result", "error")]
    assert len(answers) == 600
    kept = sum(answer.get("type") == "result" for answer in answers)
    assert kept >= 500
    answer = client.ask("get", "<query xmlns='jabber:iq:roster'/>")
    assert len(answer[0]) == kept


def test_deep_and_wide_within_the_limits(world: World) -> None:
    """The largest legal stanzas of each shape, carried and cleaned, without a stack or a clock giving way."""
    sender, receiver = world.friends()
    forged = "<stanza-id xmlns='urn:xmpp:sid:0' id='x' by='localhost'/>"
    shapes = ["<a xmlns='urn:a'>" * 50 + "</a>" * 50, "<a/>" * 4000, "<a/>x" * 4000, "&lt;" * 50_000, "\u4e2d" * 80_000,
              "<a " + " ".join(f"a{n}='{'v' * 4000}'" for n in range(60)) + "/>", "<![CDATA[]]>" * 10_000,
              "<a " + " ".join(f"xmlns:p{n}='urn:{n}'" for n in range(30)) + "><p7:b p3:c=''/></a>", forged * 2000]
    for shape in shapes:
        for extra in ("", forged):
            sender.send(f"<message to='{receiver.jid}' type='chat'>{extra}{shape}</message>")
            sender.sync()
            [got] = receiver.sync()
            assert without_our_id(got).find("{urn:xmpp:sid:0}stanza-id") is None


def test_a_flood_of_names(world: World, soak: int) -> None:
    """Names, namespaces, resources and ids that nobody used before: none is kept (measured by the fixture)."""
    sender, receiver = world.friends()
    for turn in range(20 * soak):
        sender.send(*(f"<message to='{receiver.jid}' type='chat' id='{'i' * 200}{turn}-{n}'><n{turn}-{n}{'x' * 500} "
                      f"xmlns='urn:{turn}:{n}:{'u' * 300}' a{turn}-{n}{'y' * 300}=''/></message>" for n in range(100)))
        sender.send(*(f"<message to='q{turn}-{n}@localhost/{'r' * 500}' type='error'/>" for n in range(100)))
        assert sender.sync() == []
        assert len(receiver.sync()) == 100


def test_names_made_to_collide(world: World) -> None:
    """Many attributes and children whose names differ little: time stays linear."""
    sender, receiver = world.friends()
    wide = "".join(f"<x{'a' * 40}{n:04}/>" for n in range(4000))
    tags = "".join("<x " + " ".join(f"a{n:02}{m}=''" for m in range(60)) + "/>" for n in range(90))
    for _ in range(20):
        sender.send(f"<message to='{receiver.jid}'>{wide}</message><message to='{receiver.jid}'>{tags}</message>")
    sender.sync()
    assert len(receiver.sync()) == 40


def test_the_account_of_another(world: World, soak: int) -> None:
    """Sessions of one account come and go by dozens; a session of another, its friend, sees each once."""
    friend, account = world.online(), world.account()
    for _ in range(3 * soak):
        crowd = [world.online(account, f"r{n}") for n in range(12)]
        for client in crowd:
            client.send(f"<presence to='{friend.bare}'/>")
            client.sync()
        assert {stanza.get("from") for stanza in friend.sync()} == {client.jid for client in crowd}
        for number, client in enumerate(crowd):
            [client.reset, client.close, client.log_out][number % 3]()
        gone = {client.jid for client in crowd}
        while gone:
            stanza = friend.next()
            assert stanza.get("type") == "unavailable"
            gone.remove(str(stanza.get("from")))
        assert friend.sync() == []


def test_the_same_resource_fought_over(world: World, soak: int) -> None:
    """Each new session takes the resource from the last, in the middle of its traffic."""
    account, witness = world.account(), world.online()
    last = None
    for turn in range(30 * soak):
        client = world.connected(account, "phone")
        client.send("<presence/>", CHAT.format(to=witness.jid, n=turn), CHAT.format(to=account, n=turn))
        if last is not None and turn % 2:
            with suppress(OSError):
                last.send(CHAT.format(to=witness.jid, n="late") * 50)
        last = client
    assert last is not None
    last.sync()
    heard = [str(text).split()[0] for text in bodies(witness.sync()) if "late" not in str(text)]
    assert heard == sorted(heard, key=int)


def test_slow_bytes(world: World) -> None:
    """A large stanza in tiny segments, from many at once: linear, and the others don't wait."""
    senders, receiver = [world.connected() for _ in range(10)], world.online()
    data = f"<message to='{receiver.jid}' type='headline'><body a='{'v' * 3000}'>{'x' * 3000}</body></message>".encode()
    for start in range(0, len(data), 7):
        for sender in senders:
            sender.send(data[start:start + 7])
    for sender in senders:
        sender.sync()
    assert len(receiver.sync()) == 10


def test_a_storm_of_errors(world: World) -> None:
    """Errors about errors, to oneself and back: nothing goes round in circles."""
    one, other = world.friends()
    addresses = one.jid, one.bare, other.jid, other.bare, "localhost", "nobody@localhost"
    one.send(*(f"<{kind} to='{to}' type='error' id='{n}'/>" for n in range(200) for to in addresses
               for kind in ("message", "iq", "presence")))
    assert len(one.sync()) <= 200 * 6
    assert len(other.sync()) <= 200 * 6
    assert one.sync() == other.sync() == []


def test_stream_errors_of_their_own(world: World) -> None:
    """A client may end with an error of its own; it gets the end of the stream, not an argument."""
    client = world.online()
    client.send("<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
                "</stream:stream>")
    assert STREAMS not in client.ended().decode()
