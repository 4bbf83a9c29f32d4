"""What the running server agrees to in a TLS handshake (RFC 7590, BCP 195)."""

import re
import ssl
import subprocess
import warnings

import pytest

from support.people import World
from support.rawclient import HEADER, PATIENCE, Client

SUITES = ["AES128-SHA", "AES256-SHA256", "AES128-GCM-SHA256", "NULL-SHA256", "ECDHE-ECDSA-NULL-SHA", "AECDH-AES256-SHA",
          "ECDHE-ECDSA-AES128-SHA"]


def context(world: World) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(world.server.certificate))


def connected(world: World, tls: ssl.SSLContext) -> ssl.SSLSocket:
    client = Client(world.server.direct, tls)
    world.clients.append(client)
    assert isinstance(client.socket, ssl.SSLSocket)
    client.open()
    return client.socket


@pytest.mark.parametrize(("most", "version"), [
    (ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")])
def test_versions_on_offer(world: World, most: ssl.TLSVersion, version: str) -> None:
    tls = context(world)
    tls.maximum_version = most
    assert connected(world, tls).version() == version


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(world: World, version: ssl.TLSVersion) -> None:
    tls = context(world)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        tls.minimum_version = tls.maximum_version = version
    tls.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError) as refused:
        connected(world, tls)
    assert "ALERT" in refused.value.reason      # said by the server


@pytest.mark.parametrize("suite", SUITES)
def test_weak_suites_are_refused(world: World, suite: str) -> None:
    """No encryption, nobody's certificate, static RSA; nor CBC, which BCP 195 leaves to be chosen."""
    tls = context(world)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        tls.set_ciphers(f"{suite}:@SECLEVEL=0")
    except ssl.SSLError:
        pytest.skip(f"this OpenSSL has no {suite}")
    with pytest.raises(ssl.SSLError) as refused:
        connected(world, tls)
    assert "ALERT" in refused.value.reason      # said by the server


@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                                   "ECDHE-ECDSA-CHACHA20-POLY1305"])
def test_suites_have_forward_secrecy(world: World, suite: str) -> None:
    tls = context(world)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers(suite)
    assert (connected(world, tls).cipher() or ("",))[0] == suite


def test_nothing_is_compressed(world: World) -> None:
    tls = context(world)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.options &= ~ssl.OP_NO_COMPRESSION
    assert connected(world, tls).compression() is None


def s_client(world: World, *options: str, said: str) -> str:
    """What OpenSSL's client tells of a connection on which that is said."""
    where = ["-connect", f"127.0.0.1:{world.server.direct}", "-servername", "localhost"]
    done = subprocess.run(["openssl", "s_client", *where, *options], input=said, capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    return done.stdout + done.stderr


def test_one_ticket_a_connection_and_none_for_early_data(world: World) -> None:
    """Each ticket is written, sent and read by a phone: one will do. 0-RTT data could be played again (RFC 8446 8)."""
    told = s_client(world, "-tls1_3", "-ign_eof", said=HEADER.format(host="localhost") + "</stream:stream>")
    assert "</stream:stream>" in told
    assert told.count("New Session Ticket arrived") == 1
    assert re.findall("Max Early Data: (.*)", told) == ["0"]


def test_renegotiation_is_refused(world: World) -> None:
    """A line that begins with R has this client ask for it."""
    told = s_client(world, "-tls1_2", said="R\n")
    assert "RENEGOTIATING" in told
    assert "no renegotiation" in told
