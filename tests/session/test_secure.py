"""Logins over real TLS: bound to it, by certificate, by token on a resumed session, all in one flight."""

import asyncio
import hashlib
import hmac
import re
import socket
import ssl
from base64 import b64decode, b64encode

import pytest
from cryptography import x509
from tests.session.conftest import OPEN

from headrace.sasl.ht import MECHANISMS
from headrace.session.config import C2SConfig
from support.certificates import client_certificate, xmpp
from support.negotiating import PLAIN, auth, authenticate, bind, response

DIRECT, ANY = C2SConfig(tls="direct"), C2SConfig(tls="any")
STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
AGENT = "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/>"
BIND2 = "<bind xmlns='urn:xmpp:bind:0'><tag>t</tag></bind>"
FAST = "<fast xmlns='urn:xmpp:fast:0'/>"


def b64(data):
    return b64encode(data).decode()


def scram_final(first, challenge, header, data, password=b"pencil"):
    """client-final-message of SCRAM-SHA-256."""
    parts = dict(part.split("=", 1) for part in challenge.split(","))
    salted = hashlib.pbkdf2_hmac("sha256", password, b64decode(parts["s"]), int(parts["i"]))
    key = hmac.digest(salted, b"Client Key", "sha256")
    unproven = f"c={b64(header + data)},r={parts['r']}"
    signed = f"{first},{challenge},{unproven}".encode()
    signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
    return f"{unproven},p={b64(bytes(a ^ b for a, b in zip(key, signature, strict=True)))}".encode()


def end_point(client):
    """RFC 5929 4, for a certificate signed with SHA-256."""
    der = client.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    assert x509.load_der_x509_certificate(der).signature_hash_algorithm.name == "sha256"
    return hashlib.sha256(der).digest()


@pytest.mark.parametrize(("real", "outcome"), [(True, "<success"), (False, "<not-authorized/>")])
async def test_scram_bound_to_the_servers_certificate(serve, connect, trusting, real, outcome):
    client = await connect(serve(DIRECT), trusting)
    assert "<mechanism>SCRAM-SHA-256-PLUS</mechanism>" in await client.open()
    header, first = b"p=tls-server-end-point,,", "n=alice,r=abc"
    client.send(auth("SCRAM-SHA-256-PLUS", b64(header + first.encode())))
    challenge = b64decode((await client.until("</challenge>")).split(">")[1].split("<")[0]).decode()
    assert challenge.endswith(",t=0304")
    data = end_point(client) if real else bytes(32)     # somebody in between has another certificate
    client.send(response(b64(scram_final(first, challenge, header, data))))
    assert outcome in await client.until("</success>" if real else "</failure>")


# one port for both

async def test_direct_tls_and_starttls_on_one_port(serve, connect, trusting):
    server = serve(ANY)
    direct = await connect(server, trusting)
    answer = await direct.open()
    assert "<mechanism>" in answer
    assert "starttls" not in answer
    plain = await connect(server)
    answer = await plain.open()
    assert "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>" in answer
    assert "<mechanism>" not in answer
    plain.send(STARTTLS)
    await plain.until("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    await plain.secure(trusting)
    assert "<jid>alice@localhost/r</jid>" in await plain.login()


async def test_starttls_over_direct_tls_is_refused(serve, connect, trusting):
    client = await connect(serve(ANY), trusting)
    await client.open()
    client.send(STARTTLS)
    assert (await client.rest()).startswith("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")


# certificates of clients

@pytest.fixture
def certified(authority, tmp_path, trusting):
    """A client's TLS context with alice's certificate."""
    trusting.load_cert_chain(client_certificate(authority, tmp_path, xmpp("alice@localhost")))
    return trusting


@pytest.fixture
def authority_file(authority, tmp_path):
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_login_by_certificate(serve, connect, certified, authority_file, version):
    certified.maximum_version = version
    client = await connect(serve(DIRECT, client_ca=authority_file), certified)
    assert "<mechanism>EXTERNAL</mechanism>" in await client.open()
    client.send(auth("EXTERNAL", "="), OPEN, bind("r"))
    assert "<jid>alice@localhost/r</jid>" in await client.until("</iq>")


async def test_without_certificate_by_password(serve, connect, trusting, authority_file):
    client = await connect(serve(DIRECT, client_ca=authority_file), trusting)
    assert "EXTERNAL" not in await client.open()
    client.send(auth("EXTERNAL", "="))
    assert "<invalid-mechanism/>" in await client.until("</failure>")
    client.send(auth("PLAIN", PLAIN))
    await client.until("</success>")


# tokens

def token_login(token, mechanism="HT-SHA-256-NONE", data=b"", *inside):
    assert mechanism in MECHANISMS
    message = b"alice\0" + hmac.digest(token.encode(), b"Initiator" + data, "sha256")
    return authenticate(mechanism, b64(message), AGENT, FAST, BIND2, *inside)


async def test_a_token_bound_to_the_servers_certificate(serve, connect, trusting):
    server = serve(DIRECT)
    client = await connect(server, trusting)
    await client.open()
    wish = "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-ENDP'/>"
    client.send(authenticate("PLAIN", PLAIN, AGENT, wish))
    token = re.search(" token='([^']*)'", await client.until("</success>"))[1]
    for data, outcome in ((bytes(32), "failure"), (end_point(client), "success")):
        again = await connect(server, trusting)
        again.send(OPEN, token_login(token, "HT-SHA-256-ENDP", data))
        await again.until(f"</{outcome}>")


async def test_everything_in_one_flight(serve, connect, trusting):
    """Header, login, bind and the first stanza before anything was heard (XEP-0509); the answers come in order."""
    server = serve(DIRECT)
    client = await connect(server, trusting)
    version = re.search("<config-version [^>]*/>", await client.open())[0]
    for known in (version, version.replace("value='", "value='x")):
        client = await connect(server, trusting)
        client.send(OPEN, authenticate("PLAIN", PLAIN, BIND2, version if known == version else known))
        if known == version:
            client.send("<presence/><iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>",
                        "</stream:stream>")
            answer = await client.rest()
            order = "<stream:stream .*<authentication .*<success .*<bound .*<stream:features>.*</stream:stream>$"
            assert re.search(order, answer)
            assert server.control.punted[-1].id == "p"
        else:
            assert "<config-version-mismatch " in await client.until("</failure>")
            client.send(authenticate("PLAIN", PLAIN, BIND2))
            assert "<bound " in await client.until("</success>")


def visit(port, context, said, session=None):
    """One flight over a TLS session that may be resumed; what is answered, and the session."""
    with (socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
          context.wrap_socket(plain, server_hostname="localhost", session=session) as secure):
        secure.sendall(said.encode())
        answer = b""
        while not re.search(b"</(success|failure)>", answer):
            answer += secure.recv(65536)
        return answer.decode(), secure.session, secure.session_reused


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_token_on_a_resumed_session(serve, trusting, version):
    server, loop = serve(DIRECT), asyncio.get_running_loop()
    trusting.maximum_version = version
    wish = "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>"
    answer, session, reused = await loop.run_in_executor(
        None, visit, server.listener.port, trusting, OPEN + authenticate("PLAIN", PLAIN, AGENT, wish, BIND2))
    assert not reused
    token = re.search(" token='([^']*)'", answer)[1]
    answer, _, reused = await loop.run_in_executor(
        None, visit, server.listener.port, trusting, OPEN + token_login(token), session)
    assert reused
    assert "<authorization-identifier>alice@localhost/t/" in answer
