"""A proxy of bytestreams (XEP-0065) on the wire: who is refused, and what is too much."""

import socket
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path

import pytest

from support.federated import Authority, route, site
from support.ports import unused_port
from support.rawclient import Client, condition
from support.server import Server, running

PROXY, STREAMS = "proxy.localhost", "http://jabber.org/protocol/bytestreams"
CONFIG = """
[[proxy]]
domain = "proxy.localhost"
address = "127.0.0.1"
port = {port}
allow = ["romeo@localhost"]
streams = 1
size = 1000
[[proxy]]
domain = "hasty.localhost"
address = "127.0.0.1"
port = {hasty}
wait_seconds = 1
"""
ADDRESS = f"<query xmlns='{STREAMS}'/>"


class Place:
    server: Server
    port: int
    hasty: int

    def connect(self, sid: str, port: int = 0) -> tuple[socket.socket, bytes]:
        """The connection, and how it was answered."""
        peer = socket.create_connection(("127.0.0.1", port or self.port), 20)
        key = sha1(f"{sid}romeo@localhost/rjuliet@localhost/r".encode()).hexdigest().encode()
        peer.sendall(b"\x05\x01\x00" + b"\x05\x01\x00\x03\x28" + key + b"\0\0")
        answer = b""
        while len(answer) < (49 if answer[3:4] == b"\x00" else 12) and (more := peer.recv(49)):
            answer += more
        return peer, answer[3:4]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place()
    made.port, made.hasty = unused_port(), unused_port()
    more = CONFIG.format(port=made.port, hasty=made.hasty)
    with running(tmp_path_factory.mktemp("server"), more=more) as made.server:
        yield made
        assert not made.server.complaints


@pytest.fixture
def romeo(place: Place) -> Iterator[Client]:
    client = place.server.client("romeo")
    yield client
    client.close()


def activate(sid: str, target: str = "juliet@localhost/r") -> str:
    return f"<query xmlns='{STREAMS}' sid='{sid}'><activate>{target}</activate></query>"


def rest(peer: socket.socket) -> bytes:
    with peer:
        data = b""
        try:
            while more := peer.recv(65536):
                data += more
        except ConnectionResetError:
            pass
        return data


def test_a_stream(place: Place, romeo: Client) -> None:
    (one, first), (other, second) = place.connect("a"), place.connect("a")
    assert (first, second) == (b"\x00", b"\x00")
    assert romeo.ask("set", activate("a"), to=PROXY).get("type") == "result"
    one.sendall(b"to juliet")
    one.shutdown(socket.SHUT_WR)
    assert rest(other) == b"to juliet"
    one.close()


def test_who_may_not(place: Place) -> None:
    juliet = place.server.client("juliet")
    for type, payload in ("get", ADDRESS), ("set", activate("x")):
        assert condition(juliet.ask(type, payload, to=PROXY)) == "forbidden"
    items = juliet.ask("get", "<query xmlns='http://jabber.org/protocol/disco#items'/>", to="localhost")
    assert [item.get("jid") for item in items[0]] == [PROXY, "hasty.localhost"]
    juliet.close()


def test_no_such_stream_and_one_party_alone(place: Place, romeo: Client) -> None:
    assert condition(romeo.ask("set", activate("b"), to=PROXY)) == "item-not-found"
    peer, _ = place.connect("b")
    assert condition(romeo.ask("set", activate("b"), to=PROXY)) == "not-allowed"
    for sid, target in ("B", "juliet@localhost/r"), ("b", "juliet@localhost"):     # other hashes
        assert condition(romeo.ask("set", activate(sid, target), to=PROXY)) == "item-not-found"
    assert condition(romeo.ask("get", ADDRESS, to=f"x@{PROXY}")) == "service-unavailable"
    peer.close()


def test_a_third_connection(place: Place, romeo: Client) -> None:
    peers = [place.connect("c") for _ in range(3)]
    assert [answer for _, answer in peers] == [b"\x00", b"\x00", b"\x02"]
    assert romeo.ask("set", activate("c"), to=PROXY).get("type") == "result"
    late, answer = place.connect("c")
    assert answer == b"\x02"
    peers[0][0].sendall(b"x")
    assert peers[1][0].recv(100) == b"x"
    for peer, _ in [*peers, (late, b"")]:
        peer.close()


def test_not_activated_in_time(place: Place) -> None:
    peer, answer = place.connect("d", place.hasty)
    assert answer == b"\x00"
    rest(peer)      # comes to an end


def test_streams_and_bytes_are_bounded(place: Place, romeo: Client) -> None:
    peers = [place.connect(sid)[0] for sid in "eeff"]
    assert romeo.ask("set", activate("e"), to=PROXY).get("type") == "result"
    assert condition(romeo.ask("set", activate("f"), to=PROXY)) == "resource-constraint"
    peers[0].sendall(b"x" * 1001)
    assert rest(peers[1]) == b""
    rest(peers[0])
    for peer in peers[2:]:
        peer.close()


def test_users_of_other_servers(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    here, there, port = unused_port(), unused_port(), unused_port()
    names = authority.issue("a.example", ["a.example", "*.a.example"])
    more = f"[[proxy]]\ndomain = 'proxy.a.example'\naddress = '127.0.0.1'\nport = {port}\n"
    with (site(tmp_path / "a", "a.example", here, authority, pair=names, routes=more),
          site(tmp_path / "b", "b.example", there, authority, routes=route("proxy.a.example", here)) as b):
        juliet = b.client("juliet")
        assert condition(juliet.ask("get", ADDRESS, to="proxy.a.example")) == "forbidden"
        juliet.close()
