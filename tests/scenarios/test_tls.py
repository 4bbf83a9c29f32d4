"""What the running server agrees to in a TLS handshake (RFC 7590, BCP 195)."""

import ssl
import warnings

import pytest

from support.people import World
from support.rawclient import Client

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
