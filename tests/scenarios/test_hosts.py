"""Several hosts on one server: each has its own certificate and its own accounts; one has moved away."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.server.certificates import pair_of
from headrace.server.config import HostConfig, default
from support.people import PASSWORD
from support.rawclient import STREAM_ERRORS, STREAMS, TLS, Client, bodies, condition
from support.server import Server, running

OTHER, IDN, MOVED = "example.org", "b\u00fccher.example", "moved.example"
HOSTS = ["localhost", OTHER, IDN, MOVED]
USERS = {f"romeo@{host}": PASSWORD for host in HOSTS} | {f"juliet@{OTHER}": PASSWORD}
CONFIG = """
[[host]]
name = "{name}"
certificate = "{certificate}"
key = "{key}"
{more}
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Certificate and key of each host but the first, which gets one from the server."""
    config = default(tmp_path_factory.mktemp("certificates"))
    return {host: pair_of(HostConfig(host), config)[:2] for host in HOSTS[1:]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, certificates: dict[str, tuple[Path, Path]]) -> Iterator[Server]:
    more = "".join(
        CONFIG.format(name=host, certificate=certificate, key=key,
                      more='see_other_host = "[2001:db8::1]:5299"' if host == MOVED else "")
        for host, (certificate, key) in certificates.items())
    with running(tmp_path_factory.mktemp("server"), users=USERS, more=more) as server:
        yield server


@pytest.fixture
def trust(server: Server, certificates: dict[str, tuple[Path, Path]]) -> ssl.SSLContext:
    """Every host's certificate; which one comes for a name is checked by the handshake."""
    context = ssl.create_default_context(cafile=str(server.certificate))
    for certificate, _ in certificates.values():
        context.load_verify_locations(str(certificate))
    return context


def presented(client: Client) -> bytes:
    assert isinstance(client.socket, ssl.SSLSocket)
    return client.socket.getpeercert(binary_form=True) or b""


def kept(server: Server, host: str, certificates: dict[str, tuple[Path, Path]]) -> bytes:
    path = certificates[host][0] if host in certificates else server.certificate
    return ssl.PEM_cert_to_DER_cert(path.read_text())


@pytest.mark.parametrize("kind", ["direct", "starttls"])
@pytest.mark.parametrize("host", HOSTS[:3])
def test_each_host_has_its_certificate_and_accounts(server: Server, trust: ssl.SSLContext, host: str, kind: str,
                                                    certificates: dict[str, tuple[Path, Path]]) -> None:
    client = Client(getattr(server, kind), trust if kind == "direct" else None, host)
    if kind == "starttls":
        client.open()
        client.send(f"<starttls xmlns='{TLS[1:-1]}'/>")
        assert client.next().tag == TLS + "proceed"
        client.secure(trust)
    assert presented(client) == kept(server, host, certificates)
    client.log_in("romeo", PASSWORD)
    assert client.bare == f"romeo@{host}"
    assert client.header.get("from") == host
    assert client.sync() == []
    client.log_out()


@pytest.mark.parametrize("name", ["nowhere.example", ""])
def test_another_name_gets_the_first_hosts_certificate(server: Server, name: str,
                                                       certificates: dict[str, tuple[Path, Path]]) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = Client(server.direct)
    client.socket = context.wrap_socket(client.socket, server_hostname=name or None)
    assert presented(client) == kept(server, "localhost", certificates)
    client.send(f"<stream:stream xmlns='jabber:client' xmlns:stream='{STREAMS[1:-1]}'"
                " to='nowhere.example' version='1.0'>")
    assert client.stream_error() == "host-unknown"


@pytest.mark.parametrize("asked", [None, IDN, "localhost"])
def test_who_names_none_in_tls_gets_the_certificate_of_whom_the_header_names(
        server: Server, trust: ssl.SSLContext, certificates: dict[str, tuple[Path, Path]], asked: str | None) -> None:
    """Many clients send no SNI with STARTTLS; where one does, that is whom it means."""
    trust.check_hostname = False
    client = Client(server.starttls, host=OTHER)
    client.open()
    client.send(f"<starttls xmlns='{TLS[1:-1]}'/>")
    assert client.next().tag == TLS + "proceed"
    client.socket = trust.wrap_socket(client.socket, server_hostname=asked)
    assert presented(client) == kept(server, asked or OTHER, certificates)
    client.log_in("romeo", PASSWORD)
    assert client.bare == f"romeo@{OTHER}"
    client.log_out()


def test_accounts_of_one_name_are_two(server: Server) -> None:
    """`juliet` is known at one host only."""
    client = Client(server.plain)
    client.open()
    assert client.plain("juliet", PASSWORD).tag.endswith("failure")
    client.close()


def test_chats_cross_from_host_to_host(server: Server) -> None:
    romeo, juliet = Client(server.plain), Client(server.plain, host=OTHER)
    romeo.log_in("romeo", PASSWORD)
    juliet.log_in("juliet", PASSWORD, "balcony")
    juliet.send("<presence/>")
    juliet.sync()
    romeo.send(f"<message to='{juliet.bare}' type='chat'><body>by name</body></message>",
               f"<message to='{juliet.jid}' type='chat'><body>by resource</body></message>")
    assert romeo.sync() == []
    got = juliet.sync()
    assert bodies(got) == ["by name", "by resource"]
    assert {message.get("from") for message in got} == {romeo.jid}
    juliet.send(f"<message to='{romeo.jid}' type='chat'><body>back</body></message>")
    juliet.sync()
    assert bodies(romeo.sync()) == ["back"]
    romeo.log_out()
    juliet.log_out()


def test_subscriptions_cross_from_host_to_host(server: Server) -> None:
    romeo, juliet = Client(server.plain), Client(server.plain, host=OTHER)
    for client, name in ((romeo, "romeo"), (juliet, "juliet")):
        client.log_in(name, PASSWORD)
        client.ask("get", "<query xmlns='jabber:iq:roster'/>")
        client.send("<presence/>")
        client.sync()
    romeo.send(f"<presence to='{juliet.bare}' type='subscribe'/>")
    juliet.until(lambda e: e.get("type") == "subscribe" and e.get("from") == romeo.bare)
    juliet.send(f"<presence to='{romeo.bare}' type='subscribed'/>")
    romeo.until(lambda e: e.get("from") == juliet.jid and e.get("type") is None)
    juliet.send("</stream:stream>")
    romeo.until(lambda e: e.get("from") == juliet.jid and e.get("type") == "unavailable")
    romeo.log_out()


@pytest.mark.parametrize("kind", ["direct", "plain"])
def test_clients_of_a_moved_host_are_sent_on(server: Server, trust: ssl.SSLContext, kind: str) -> None:
    client = Client(getattr(server, kind), trust if kind == "direct" else None, MOVED)
    client.send(f"<stream:stream xmlns='jabber:client' xmlns:stream='{STREAMS[1:-1]}' to='{MOVED}' version='1.0'>")
    error = client.next()
    assert error.findtext(f"{STREAM_ERRORS}see-other-host") == "[2001:db8::1]:5299"
    assert client.header.get("from") == MOVED
    assert client.ended() == b"</stream:stream>"


def test_a_moved_host_says_so_inside_tls(server: Server, trust: ssl.SSLContext) -> None:
    """Where to go is said by who has shown that host's certificate."""
    client = Client(server.starttls, host=MOVED)
    features = client.open()
    assert features[0].tag == TLS + "starttls"
    client.send(f"<starttls xmlns='{TLS[1:-1]}'/>")
    assert client.next().tag == TLS + "proceed"
    client.secure(trust)
    client.restart()
    client.send(f"<stream:stream xmlns='jabber:client' xmlns:stream='{STREAMS[1:-1]}' to='{MOVED}' version='1.0'>")
    assert client.stream_error() == "see-other-host"


def test_a_moved_host_is_another_server(server: Server) -> None:
    romeo = Client(server.plain)
    romeo.log_in("romeo", PASSWORD)
    romeo.send(f"<message to='romeo@{MOVED}' type='chat'><body>x</body></message>")
    assert [condition(stanza) for stanza in romeo.sync()] == ["remote-server-not-found"]
    romeo.log_out()
