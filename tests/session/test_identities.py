"""XMPP addresses in certificates that cryptography made."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from headrace.session.identities import addresses
from support.certificates import XMPP_ADDR, utf8_string, xmpp


def certificate(*names):
    """DER of a self-signed certificate with these names."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    builder = (x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(x509.Name([]))
               .public_key(key.public_key()).serial_number(1).not_valid_before(now)
               .not_valid_after(now + datetime.timedelta(days=1)))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(("names", "found"), [
    ([], []),
    ([x509.DNSName("localhost"), x509.RFC822Name("romeo@localhost")], []),
    ([xmpp("romeo@localhost")], ["romeo@localhost"]),
    ([xmpp("Romeo@Localhost"), xmpp("romeo@localhost")], ["romeo@localhost"]),
    ([xmpp("romeo@localhost"), x509.DNSName("x"), xmpp("juliet@localhost")], ["romeo@localhost", "juliet@localhost"]),
    ([xmpp("romeo@elsewhere")], []),
    ([xmpp("localhost"), xmpp("romeo@localhost/orchard"), xmpp("@localhost"), xmpp("")], []),
    ([xmpp("r" * 300 + "@localhost")], ["r" * 300 + "@localhost"]),
    ([x509.OtherName(x509.ObjectIdentifier("1.2.3"), utf8_string("romeo@localhost"))], []),
    ([x509.OtherName(XMPP_ADDR, b"\x16" + utf8_string("romeo@localhost")[1:])], []),    # IA5String
])
def test_addresses(names, found):
    assert [jid.full for jid in addresses(certificate(*names), "localhost")] == found


@pytest.mark.parametrize("der", [None, b"", b"\x30\x00", b"no certificate"])
def test_no_certificate(der):
    assert addresses(der, "localhost") == []
