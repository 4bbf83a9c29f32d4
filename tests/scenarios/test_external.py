"""Logins by certificate (XEP-0178), on a host that takes those of an authority."""

import base64
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import trustme
from cryptography.x509 import DNSName, GeneralName

from support.certificates import client_certificate, xmpp
from support.rawclient import SASL, Client
from support.server import Server, running

Connect = Callable[..., tuple[Client, list[str]]]

ROMEO = xmpp("romeo@localhost")
HOSTS = """
client_certificates = "clients.pem"
[[host]]
name = "other.example"
"""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    authority.cert_pem.write_to_path(folder / "clients.pem")
    with running(folder, more=HOSTS) as server:
        yield server


@pytest.fixture
def connect(server: Server, tmp_path: Path, authority: trustme.CA) -> Connect:
    return partial(connected, server, tmp_path, authority)


def connected(server: Server, folder: Path, authority: trustme.CA, *names: GeneralName) -> tuple[Client, list[str]]:
    """Inside TLS, with a certificate of these names if there are any; the mechanisms that are offered."""
    trust = ssl.create_default_context(cafile=str(server.certificate))
    if names:
        trust.load_cert_chain(client_certificate(authority, folder, *names))
    client = Client(server.direct, trust)
    offered = client.open()
    return client, [str(mechanism.text) for mechanism in offered.iter(SASL + "mechanism")]


@pytest.mark.parametrize("authzid", [None, b"", b"romeo@localhost", b"Romeo@LOCALHOST"])
def test_by_certificate(connect: Connect, authzid: bytes | None) -> None:
    client, offered = connect(ROMEO)
    assert offered[0] == "EXTERNAL"
    if authzid is None:
        assert client.auth("EXTERNAL").tag == SASL + "challenge"
        client.send(f"<response xmlns='{SASL[1:-1]}'/>")
        assert client.next().tag == SASL + "success"
    else:
        assert client.auth("EXTERNAL", authzid).tag == SASL + "success"
    client.open()
    assert client.bind("here").findtext(".//{urn:ietf:params:xml:ns:xmpp-bind}jid") == "romeo@localhost/here"


@pytest.mark.parametrize("names", [(), (DNSName("localhost"),), (xmpp("romeo@other.example"),), (xmpp("localhost"),)])
def test_not_offered_to_who_is_nobody_here(connect: Connect, names: tuple[GeneralName, ...]) -> None:
    client, offered = connect(*names)
    assert "EXTERNAL" not in offered
    assert client.auth("EXTERNAL", b"romeo@localhost")[0].tag == SASL + "invalid-mechanism"
    assert client.plain("romeo", "montague").tag == SASL + "success"    # a password is as good as ever


@pytest.mark.parametrize(("names", "authzid", "condition"), [
    ((ROMEO,), b"juliet@localhost", "invalid-authzid"), ((ROMEO,), b"romeo", "invalid-authzid"),
    ((ROMEO, xmpp("juliet@localhost")), b"", "invalid-authzid"), ((xmpp("nobody@localhost"),), b"", "not-authorized")])
def test_refused(connect: Connect, names: tuple[GeneralName, ...], authzid: bytes, condition: str) -> None:
    client, _ = connect(*names)
    assert client.auth("EXTERNAL", authzid)[0].tag == SASL + condition


def test_one_of_several_addresses_is_chosen(connect: Connect) -> None:
    client, _ = connect(ROMEO, xmpp("juliet@localhost"))
    assert client.auth("EXTERNAL", b"juliet@localhost").tag == SASL + "success"


def test_another_authoritys_certificate_counts_for_nothing(server: Server, tmp_path: Path) -> None:
    _, offered = connected(server, tmp_path, trustme.CA(), ROMEO)
    assert "EXTERNAL" not in offered


def test_also_by_sasl2(connect: Connect) -> None:
    client, _ = connect(ROMEO)
    claim = base64.b64encode(b"romeo@localhost").decode()
    client.send(f"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='EXTERNAL'><initial-response>{claim}"
                "</initial-response><bind xmlns='urn:xmpp:bind:0'/></authenticate>")
    jid = client.next().findtext("{urn:xmpp:sasl:2}authorization-identifier") or ""
    assert jid.startswith("romeo@localhost/")
