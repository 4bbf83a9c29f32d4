"""Whom a certificate names."""

import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from headrace.session.trust import proves
from support.federated import Authority


def other(oid: str, value: bytes) -> x509.OtherName:
    return x509.OtherName(x509.ObjectIdentifier(oid), value)


def xmpp_address(text: str) -> x509.OtherName:
    return other("1.3.6.1.5.5.7.8.5", bytes([0x0C, len(text.encode())]) + text.encode())


def service(text: str) -> x509.OtherName:
    return other("1.3.6.1.5.5.7.8.7", bytes([0x16, len(text)]) + text.encode())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize(("name", "domain", "proven"), [
    ("a.example", "a.example", True),
    ("A.Example", "a.example", True),
    ("a.example", "b.example", False),
    ("a.example", "sub.a.example", False),
    ("*.a.example", "sub.a.example", True),
    ("*.a.example", "a.example", False),
    ("*.a.example", "x.sub.a.example", False),
    ("*.example", "example", False),
    ("*.com", "a.com", False),
    ("s*.a.example", "sub.a.example", False),
    ("xn--bcher-kva.example", "bücher.example", True),
    (xmpp_address("a.example"), "a.example", True),
    (xmpp_address("bücher.example"), "bücher.example", True),
    (xmpp_address("*.a.example"), "sub.a.example", False),
    (xmpp_address("romeo@a.example"), "a.example", False),
    (service("_xmpp-server.a.example"), "a.example", True),
    (service("_xmpp-server.*.a.example"), "sub.a.example", True),
    (service("_xmpp-client.a.example"), "a.example", False),
    (other("1.3.6.1.5.5.7.8.5", b"\x16\x03abc"), "abc", False),
    (other("1.2.3.4", b"\x0c\x03abc"), "abc", False),
    (x509.IPAddress(ipaddress.ip_address("192.0.2.1")), "192.0.2.1", True),
    (x509.IPAddress(ipaddress.ip_address("2001:db8::1")), "[2001:db8::1]", True),
    (x509.IPAddress(ipaddress.ip_address("192.0.2.1")), "a.example", False),
    (x509.RFC822Name("a@a.example"), "a.example", False),
])
def test_names(authority: Authority, name: str | x509.GeneralName, domain: str, proven: bool) -> None:
    """RFC 6125 6.4; the common name counts for nothing."""
    chain, _ = authority.issue(domain.strip("[]"), ["elsewhere.example", name])
    der = x509.load_pem_x509_certificate(chain.read_bytes()).public_bytes(Encoding.DER)
    assert proves(der, domain) is proven


def test_none() -> None:
    assert not proves(None, "a.example")
    assert not proves(b"no certificate", "a.example")
