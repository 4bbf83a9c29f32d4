"""Certificates for hosts that have none configured: self-signed, P-256 (native.md, "TLS"), kept in the data folder."""

import datetime
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from headrace.net.resolve import a_labels, literal
from headrace.net.tls import TlsContext
from headrace.server.config import Config, HostConfig
from headrace.session.domains import Contexts

LIFETIME = datetime.timedelta(days=365)
RENEW_BEFORE = datetime.timedelta(days=30)


class CertificateError(Exception):
    """A certificate or key cannot be used; says which file and why."""


class Pair(NamedTuple):
    certificate: Path
    key: Path
    made: bool      # self-signed, just now


def pair_of(host: HostConfig, config: Config) -> Pair:
    """The host's certificate and key, readable and belonging together. Raises CertificateError, also for a host's
    authorities of clients that can't be used."""
    if host.client_certificates is not None:
        check_authorities(host.client_certificates)
    if host.certificate is not None and host.key is not None:
        check(host.certificate, host.key)
        return Pair(host.certificate, host.key, made=False)
    folder = config.data / "certificates"
    certificate, key = folder / f"{host.name}.crt", folder / f"{host.name}.key"
    made = not _still_good(certificate, key)
    if made:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(host.name, certificate, key)
    return Pair(certificate, key, made)


Pairs = Sequence[tuple[HostConfig, Path, Path]]
"""Each host, its certificate and its key."""


def clients_context(pairs: Pairs) -> TlsContext:
    """The first host's certificate is also for clients that name no host."""
    (first, certificate, key), *others = pairs
    tls = TlsContext(certificate, key, name=a_labels(first.name), client_ca=first.client_certificates)
    for host, certificate, key in others:
        tls.add_host(a_labels(host.name), certificate, key, client_ca=host.client_certificates)
    return tls


def federated_pairs(pairs: Pairs, config: Config) -> list[tuple[str, Path, Path]]:
    """What other servers reach here: hosts, and components and proxies, which borrow the certificate of the host whose
    name theirs ends in. Raises CertificateError."""
    found = [(host.name, certificate, key) for host, certificate, key in pairs if host.see_other_host is None]
    borrowers = [proxy.domain for proxy in config.proxies]
    for component in config.components:
        if component.certificate is not None and component.key is not None:
            check(component.certificate, component.key)
            found.append((component.domain, component.certificate, component.key))
        else:
            borrowers.append(component.domain)
    for domain in borrowers:
        below = [pair for pair in found if domain.endswith(f".{pair[0]}")]
        _, certificate, key = (below or found)[0]
        found.append((domain, certificate, key))
    return found


def servers_context(pairs: Sequence[tuple[str, Path, Path]], authorities: Path | None) -> TlsContext:
    """For other servers that connect; authorities: who vouches for them, the system's if None."""
    if authorities is not None:
        check_authorities(authorities)
    (first, certificate, key), *others = pairs
    tls = TlsContext(certificate, key, name=a_labels(first), alpn=("xmpp-server",), client_ca=authorities, servers=True)
    for domain, certificate, key in others:
        tls.add_host(a_labels(domain), certificate, key, client_ca=authorities)
    return tls


def dialling_contexts(certificate: Path, key: Path, authorities: Path | None) -> Contexts:
    """For connections to other servers in the name of one host. ALPN is for direct TLS alone (XEP-0368)."""

    def make(*alpn: str) -> TlsContext:
        return TlsContext.client(ca_file=authorities, certificate=certificate, key=key, judge_later=True, alpn=alpn)

    presented = check(certificate, key).public_bytes(serialization.Encoding.DER)
    return Contexts(make(), make("xmpp-server"), presented)


def check(certificate: Path, key: Path) -> x509.Certificate:
    """Raises CertificateError if they can't be read or don't belong together."""
    try:
        chain = x509.load_pem_x509_certificates(_read(certificate))
    except ValueError as error:
        raise CertificateError(f"{certificate}: no certificate in PEM form: {error}") from error
    try:
        private = serialization.load_pem_private_key(_read(key), None)
    except (ValueError, TypeError) as error:    # TypeError: a passphrase is needed
        raise CertificateError(f"{key}: no usable private key in PEM form: {error}") from error
    if private.public_key() != chain[0].public_key():
        raise CertificateError(f"{key} is not the key of {certificate}")
    return chain[0]


def check_authorities(path: Path) -> None:
    """Raises CertificateError if there is no certificate in it."""
    try:
        x509.load_pem_x509_certificates(_read(path))
    except ValueError as error:
        raise CertificateError(f"{path}: no certificate in PEM form: {error}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateError(f"{path}: {error.strerror}") from error


def _still_good(certificate: Path, key: Path) -> bool:
    if not (certificate.exists() and key.exists()):
        return False
    ends = check(certificate, key).not_valid_after_utc
    return ends - RENEW_BEFORE > datetime.datetime.now(datetime.UTC)


def _make(host: str, certificate: Path, key: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        # Both purposes: other servers ask for either on server-to-server streams (protocol.md 14).
        .add_extension(x509.ExtendedKeyUsage(
            [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key.unlink(missing_ok=True)
    with open(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))


def _general_name(host: str) -> x509.GeneralName:
    address = literal(host)
    return x509.DNSName(a_labels(host)) if address is None else x509.IPAddress(address)
