"""Certificates of clients, with XMPP addresses (RFC 6120 13.7.1.4), which trustme cannot make."""

from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

XMPP_ADDR = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5")


def utf8_string(text: str) -> bytes:
    value = text.encode()
    size = bytes([len(value)]) if len(value) < 128 else b"\x82" + len(value).to_bytes(2, "big")
    return b"\x0c" + size + value


def xmpp(address: str) -> x509.OtherName:
    return x509.OtherName(XMPP_ADDR, utf8_string(address))


def client_certificate(authority: trustme.CA, folder: Path, *names: x509.GeneralName) -> Path:
    """A file with a certificate of the authority that has these names, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    ca = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    signer = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    made = (x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(ca.subject)
            .public_key(key.public_key()).serial_number(2).not_valid_before(ca.not_valid_before_utc)
            .not_valid_after(ca.not_valid_after_utc)
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
            .sign(signer, hashes.SHA256()))
    file = folder / "client.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return file
