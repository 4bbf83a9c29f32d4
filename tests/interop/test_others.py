"""Clients that others wrote log in by every mechanism that they have, and say and hear one thing each.

Each runs in a process of its own, called with JSON: jid, password, mechanism, binding, tls (`starttls` or `direct`),
port, ca and certificate (files), peer, what to `say`. It prints lines of JSON: its full `jid`, what it `heard`, or an
`error`.
"""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from slixmpp import ClientXMPP

from support.certificates import client_certificate, xmpp
from support.rawclient import Client, body
from support.server import PATIENCE, USERS, Server, running
from support.slix import Client as Slixmpp
from support.slix import Queues

CLIENTS = Path(__file__).parent / "clients"
DEBIAN = "/usr/bin/python3"  # its packages have both libraries
COMMANDS = {
    "aioxmpp": [DEBIAN, str(CLIENTS / "talk_aioxmpp.py")],
    "nbxmpp": [DEBIAN, str(CLIENTS / "talk_nbxmpp.py")],
    "xmpp.js": [str(Path(sys.executable).parent / "node"), str(CLIENTS / "xmppjs" / "talk.js")],
}
HOST = """
certificate = "host.pem"
key = "host.key"
client_certificates = "ca.pem"
[[host]]
name = "guests.example"
anonymous = true
certificate = "host.pem"
key = "host.key"
"""
PROFILES = {"SASL": "urn:ietf:params:xml:ns:xmpp-sasl", "SASL2": "urn:xmpp:sasl:2"}
TLS = pytest.mark.parametrize("tls", ["starttls", "direct"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Its certificate is RSA's: aiosasl cannot read the hash of another one's signature."""
    folder, authority = tmp_path_factory.mktemp("server"), trustme.CA(key_type=trustme.KeyType.RSA)
    issued = authority.issue_cert("localhost", "guests.example", key_type=trustme.KeyType.RSA)
    issued.private_key_pem.write_to_path(folder / "host.key")
    for pem in issued.cert_chain_pems:
        pem.write_to_path(folder / "host.pem", append=True)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    client_certificate(authority, folder, xmpp("romeo@localhost"))
    with running(folder, more=HOST) as server:
        yield server


@pytest.fixture
def juliet(server: Server) -> Iterator[Client]:
    client = Client(server.direct, ssl.create_default_context(cafile=str(server.folder / "ca.pem")))
    client.log_in("juliet", USERS["juliet@localhost"])
    client.send("<presence/>")
    client.sync()
    yield client
    client.close()


class Talk:
    """One of them at work."""

    def __init__(self, library: str, server: Server, tls: str, **what: Any) -> None:
        ca = server.folder / "ca.pem"
        asked = {"jid": "romeo@localhost", "password": USERS["romeo@localhost"], "port": getattr(server, tls),
                 "tls": tls, "ca": str(ca), "certificate": str(server.folder / "host.pem"), "say": "a & b",
                 "logins": 1, **what}
        self.process = subprocess.Popen(
            [*COMMANDS[library], json.dumps(asked)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "NODE_EXTRA_CA_CERTS": str(ca)})

    def told(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        told: dict[str, Any] = json.loads(line)
        assert "error" not in told, told
        return told

    def ended(self) -> None:
        assert self.process.wait(PATIENCE) == 0, self.process.stderr.read()

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def converse(talk: Talk, juliet: Client, account: str = "romeo@localhost") -> dict[str, Any]:
    """It says something to Juliet, who answers; what it told when it was online."""
    online = talk.told()
    assert online["jid"].partition("/")[0].endswith(account)
    letter = juliet.until(lambda e: body(e) is not None)[-1]
    assert (letter.get("from"), body(letter)) == (online["jid"], "a & b")
    juliet.send(f"<message to='{online['jid']}' type='chat'><body>c &lt; d</body></message>")
    assert talk.told() == {"heard": "c < d"}
    return online


def mechanism_used(server: Server) -> str:
    """By the last login of Romeo's."""
    return [str(entry["mechanism"]) for entry in server.log
            if entry["event"] == "logged in" and entry["account"] != "juliet@localhost"][-1]


@TLS
@pytest.mark.parametrize(("mechanism", "binding"), [
    ("PLAIN", None), ("SCRAM-SHA-1", None), ("SCRAM-SHA-256", None), ("SCRAM-SHA-1-PLUS", "tls-exporter"),
    ("SCRAM-SHA-256-PLUS", "tls-exporter"), ("SCRAM-SHA-1-PLUS", "tls-server-end-point"),
    ("SCRAM-SHA-256-PLUS", "tls-server-end-point")])
def test_aioxmpp(server: Server, juliet: Client, mechanism: str, binding: str | None, tls: str) -> None:
    with Talk("aioxmpp", server, tls, mechanism=mechanism, binding=binding, peer=juliet.jid) as talk:
        converse(talk, juliet)
        assert mechanism_used(server) == mechanism
        talk.ended()


@TLS
def test_aioxmpp_anonymous(server: Server, juliet: Client, tls: str) -> None:
    """A guest and Juliet are of different hosts of one server."""
    with Talk("aioxmpp", server, tls, jid="guests.example", mechanism="ANONYMOUS", peer=juliet.jid) as talk:
        converse(talk, juliet, "@guests.example")
        assert mechanism_used(server) == "ANONYMOUS"
        talk.ended()


@TLS
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_nbxmpp(server: Server, juliet: Client, mechanism: str, tls: str) -> None:
    """It has no channel binding, and an older SASL2 than the XEP's."""
    with Talk("nbxmpp", server, tls, mechanism=mechanism, peer=juliet.jid) as talk:
        converse(talk, juliet)
        assert mechanism_used(server) == mechanism
        talk.ended()


@TLS
@pytest.mark.parametrize("profile", ["SASL", "SASL2"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-1"])
def test_xmpp_js(server: Server, juliet: Client, mechanism: str, profile: str, tls: str) -> None:
    with Talk("xmpp.js", server, tls, mechanism=mechanism, profile=profile, peer=juliet.jid) as talk:
        online = converse(talk, juliet)
        assert {"PLAIN", "SCRAM-SHA-1"} <= set(online["offered"])
        assert online["used"] == f"{mechanism} by {PROFILES[profile]}"
        assert mechanism_used(server) == mechanism
        talk.ended()


def test_xmpp_js_anonymous(server: Server, juliet: Client) -> None:
    with Talk("xmpp.js", server, "starttls", jid="@guests.example", mechanism="ANONYMOUS", profile="SASL",
                peer=juliet.jid) as talk:
        converse(talk, juliet, "@guests.example")
        talk.ended()


@TLS
def test_xmpp_js_comes_back_by_its_token(server: Server, juliet: Client, tls: str) -> None:
    """FAST (XEP-0484): with the token that the first login brought."""
    with Talk("xmpp.js", server, tls, mechanism="SCRAM-SHA-1", profile="SASL2", peer=juliet.jid, logins=2) as talk:
        first = converse(talk, juliet)
        assert mechanism_used(server) == "SCRAM-SHA-1"
        second = converse(talk, juliet)
        assert mechanism_used(server) == "HT-SHA-256-NONE"
        assert first["jid"] == second["jid"]    # of the same user agent
        talk.ended()


@TLS
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_slixmpp(server: Server, mechanism: str, tls: str) -> None:
    """Its channel binding is tls-unique, which RFC 9266 puts out of use."""
    romeo, juliet = slixmpp(server, "romeo", mechanism), slixmpp(server, "juliet", mechanism)
    for client in (romeo, juliet):
        client.enable_starttls, client.enable_direct_tls = tls == "starttls", tls == "direct"
        client.connect("127.0.0.1", getattr(server, tls))
        await client.next("session_start")
        client.send_presence()
    romeo.send_message(mto=juliet.boundjid, mbody="a & b", mtype="chat")
    letter = await juliet.next("message")
    letter.reply("c < d").send()
    assert (letter["body"], (await romeo.next("message"))["body"]) == ("a & b", "c < d")
    assert mechanism_used(server) == mechanism
    for client in (romeo, juliet):
        await client.log_out()


def slixmpp(server: Server, name: str, mechanism: str) -> Slixmpp:
    client = Slixmpp(name, server)
    client.plugin["feature_mechanisms"].use_mech = mechanism
    client.ca_certs = str(server.folder / "ca.pem")
    return client


class Guest(Queues, ClientXMPP):
    """Without a user name it chooses ANONYMOUS by itself."""


@TLS
async def test_slixmpp_anonymous(server: Server, tls: str) -> None:
    guest, juliet = Guest("guests.example", ""), slixmpp(server, "juliet", "PLAIN")
    guest.ca_certs = str(server.folder / "ca.pem")
    for client in (guest, juliet):
        client.enable_starttls, client.enable_direct_tls = tls == "starttls", tls == "direct"
        client.connect("127.0.0.1", getattr(server, tls))
        await client.next("session_start")
        client.send_presence()
    assert guest.boundjid.domain == "guests.example"
    guest.send_message(mto=juliet.boundjid, mbody="a & b", mtype="chat")
    letter = await juliet.next("message")
    letter.reply("c < d").send()
    assert (letter["body"], (await guest.next("message"))["body"]) == ("a & b", "c < d")
    assert mechanism_used(server) == "ANONYMOUS"
    for client in (guest, juliet):
        await client.log_out()


async def test_slixmpp_by_certificate(server: Server) -> None:
    romeo = slixmpp(server, "romeo", "EXTERNAL")
    romeo.certfile = romeo.keyfile = str(server.folder / "client.pem")
    await romeo.log_in()
    assert mechanism_used(server) == "EXTERNAL"
    await romeo.log_out()


async def test_slixmpp_over_tls_1_2(server: Server) -> None:
    """There it tries the bound mechanisms first, by tls-unique, which is refused; it gets in all the same."""
    romeo = slixmpp(server, "romeo", "")
    original = romeo.get_ssl_context

    def older() -> ssl.SSLContext:
        context = original()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    romeo.get_ssl_context = older
    romeo.connect("127.0.0.1", server.starttls)
    await romeo.next("session_start")
    assert romeo.socket.version() == "TLSv1.2"
    assert mechanism_used(server) == "SCRAM-SHA-512"
    await romeo.log_out()
