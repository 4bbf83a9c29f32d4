"""Servers that talk to each other, on loopback: certificates of an authority that they share, places by configuration.

    with federated(tmp_path, "a.example", "b.example") as (a, b):
        romeo, juliet = a.client("romeo"), b.client("juliet")
"""

import contextlib
import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from support.ports import unused_port
from support.rawclient import Client
from support.server import Server, running

PASSWORD = "secret"
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


def common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """Issues what a test wants, in files of its folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.file = folder / "authority.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        made = self._builder("tests", self._key, NOW + 30 * DAY).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(self._key, hashes.SHA256())
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject: str, key: ec.EllipticCurvePrivateKey,
                 ends: datetime.datetime) -> x509.CertificateBuilder:
        return (x509.CertificateBuilder().subject_name(common_name(subject)).issuer_name(common_name("tests"))
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(NOW - 3 * DAY).not_valid_after(ends))

    def issue(self, stem: str, names: Sequence[str | x509.GeneralName], *,
              purposes: Sequence[x509.ObjectIdentifier] = (SERVER,),
              ends: datetime.datetime = NOW + 30 * DAY) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [x509.DNSName(name) if isinstance(name, str) else name for name in names]
        made = self._builder(stem, key, ends).add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        if purposes:
            made = made.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        chain, private = self.folder / f"{stem}.crt", self.folder / f"{stem}.key"
        chain.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        private.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return chain, private


def route(domain: str, port: int, tls: str = "starttls") -> str:
    return f'[[s2s.route]]\ndomain = "{domain}"\naddress = "127.0.0.1"\nport = {port}\ntls = "{tls}"\n'


def host(domain: str, pair: tuple[Path, Path]) -> str:
    return f'[[host]]\nname = "{domain}"\ncertificate = "{pair[0]}"\nkey = "{pair[1]}"\n'


@dataclass
class Site:
    """One of our servers and its domain."""

    domain: str
    server: Server
    port: int       # for other servers

    def client(self, user: str, resource: str = "r", *, domain: str = "") -> Client:
        """domain: another one of the same server's."""
        client = Client(self.server.plain, host=domain or self.domain)
        client.log_in(user, PASSWORD, resource)
        return client


def configuration(domain: str, port: int, authority: Authority, pair: tuple[Path, Path], *,
                  tls: str = "starttls", s2s: str = "", routes: str = "") -> str:
    return f"""
[[listener]]
kind = "s2s"
address = "127.0.0.1"
port = {port}
tls = "{tls}"
{host(domain, pair)}
[s2s]
authorities = "{authority.file}"
{s2s}
{routes}
"""


@contextlib.contextmanager
def site(folder: Path, domain: str, port: int, authority: Authority, *, users: Sequence[str] = ("romeo", "juliet"),
         pair: tuple[Path, Path] | None = None, tls: str = "starttls", s2s: str = "",
         routes: str = "", fragile: str = "") -> Iterator[Site]:
    """users: of that domain, or whole addresses. fragile: when it dies (support/fragile.py)."""
    folder.mkdir(exist_ok=True)
    more = configuration(domain, port, authority, pair or authority.issue(domain, [domain]), tls=tls, s2s=s2s,
                         routes=routes)
    accounts = {user if "@" in user else f"{user}@{domain}": PASSWORD for user in users}
    with running(folder, users=accounts, more=more, fragile=fragile) as server:
        yield Site(domain, server, port)


@contextlib.contextmanager
def federated(folder: Path, *domains: str, tls: str = "starttls", s2s: str = "") -> Iterator[list[Site]]:
    """One of our servers for each domain."""
    authority = Authority(folder / "authority")
    ports = {domain: unused_port() for domain in domains}
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(site(
            folder / domain, domain, ports[domain], authority, tls=tls, s2s=s2s, routes="".join(
                route(other, ports[other], "direct" if tls == "direct" else "starttls")
                for other in domains if other != domain))) for domain in domains]
