"""TLS between servers: both sides show who they are, and what is wrong with a certificate is told, not fatal."""

import asyncio
import datetime
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from headrace.net.tls import TlsContext, TlsError

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Issuer:
    """An authority whose certificates say what a test wants."""

    def __init__(self, folder):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / "authority.pem"
        made = self._builder("authority", self.key, NOW + DAY).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(self.key, hashes.SHA256())
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject, key, ends):
        return (x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name("authority"))
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(NOW - 3 * DAY).not_valid_after(ends))

    def issue(self, domain, purposes=(SERVER,), ends=NOW + DAY):
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._builder(domain, key, ends).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        if purposes:
            made = made.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        chain, private = self.folder / "peer.crt", self.folder / "peer.key"
        chain.write_bytes(made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        private.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return chain, private


@pytest.fixture
def issuer(tmp_path):
    return Issuer(tmp_path)


async def secured(bench, server, client, name="b.example"):
    ours, theirs = bench.secure_pair(server, client, name)
    await bench.until(lambda: ours.events and theirs.events)
    return ours.link.tls, theirs.link.tls


CASES = [
    ((SERVER,), NOW + DAY, None),
    ((SERVER, CLIENT), NOW + DAY, None),
    ((), NOW + DAY, None),
    ((CLIENT,), NOW + DAY, "unsuitable certificate purpose"),
    ((SERVER,), NOW - DAY, "certificate has expired"),
]


@pytest.mark.parametrize("case", CASES)
async def test_who_connects_needs_a_server_certificate_too(bench, authority, issuer, case):
    purposes, ends, problem = case
    server = TlsContext(*authority.issue("b.example"), alpn=("xmpp-server",), client_ca=issuer.file, servers=True)
    chain, key = issuer.issue("a.example", purposes, ends)
    client = TlsContext.client(ca_file=authority.file, certificate=chain, key=key, alpn=("xmpp-server",))
    ours, theirs = await secured(bench, server, client)
    presented = x509.load_pem_x509_certificate(chain.read_bytes()).public_bytes(serialization.Encoding.DER)
    assert ours.presented == presented
    assert ours.problem == problem
    assert ours.certificate == (presented if problem is None else None)
    assert theirs.problem is None
    assert ours.alpn == theirs.alpn == "xmpp-server"


@pytest.mark.parametrize("case", CASES)
async def test_what_is_wrong_with_the_one_called_is_judged_later(bench, issuer, case):
    purposes, ends, problem = case
    server = TlsContext(*issuer.issue("b.example", purposes, ends))
    client = TlsContext.client(ca_file=issuer.file, judge_later=True)
    _, theirs = await secured(bench, server, client)
    assert theirs.problem == problem
    assert (theirs.certificate is None) == (problem is not None)
    assert theirs.presented is not None


async def test_the_name_is_the_callers_to_judge(bench, issuer):
    server = TlsContext(*issuer.issue("other.example"))
    _, theirs = await secured(bench, server, TlsContext.client(ca_file=issuer.file, judge_later=True))
    assert theirs.problem is None


async def test_an_unknown_authority_and_no_certificate(bench, authority, issuer):
    server = TlsContext(*authority.issue("b.example"), client_ca=authority.file, servers=True)
    chain, key = issuer.issue("a.example")
    ours, theirs = await secured(bench, server, TlsContext.client(judge_later=True, certificate=chain, key=key))
    assert "certificate" in ours.problem
    assert "certificate" in theirs.problem
    assert ours.certificate is theirs.certificate is None
    ours, _ = await secured(bench, server, TlsContext.client(judge_later=True))
    assert ours.problem == "no certificate"
    assert ours.presented is None


async def test_a_server_that_verifies_refuses_a_client_certificate(bench, issuer):
    """Without judge_later the handshake fails, for the purpose as for the chain."""
    server = TlsContext(*issuer.issue("b.example", (CLIENT,)))
    _, client = bench.secure_pair(server, TlsContext.client(ca_file=issuer.file), "b.example")
    await bench.until(lambda: client.events)
    assert client.events == [("gone", False)]
    assert "unsuitable certificate purpose" in client.link.error


async def test_each_host_asks(bench, authority, issuer):
    server = TlsContext(*authority.issue("a.example"), client_ca=issuer.file, servers=True)
    server.add_host("b.example", *authority.issue("b.example"), client_ca=issuer.file)
    chain, key = issuer.issue("c.example")
    ours, theirs = await secured(
        bench, server, TlsContext.client(ca_file=authority.file, certificate=chain, key=key), "b.example")
    assert ours.problem is None
    assert ours.server_name == "b.example"
    assert theirs.problem is None


async def test_a_stranger_is_sent_no_names_of_authorities(bench, authority):
    """Python's ssl sends its certificate whatever the server knows; the names would be for choosing one."""
    server = TlsContext(*authority.issue("localhost"), client_ca=authority.file, servers=True)
    listener = bench.listen(tls=server)
    context = authority.client()
    context.load_cert_chain(*authority.issue("a.example"))
    _, writer = await ssl_connection(listener.port, context)
    await bench.until(lambda: bench.sinks[0].events)
    assert bench.sinks[0].link.tls.problem is None
    writer.close()


async def ssl_connection(port: int, context: ssl.SSLContext):
    return await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")


def test_a_key_of_another_is_named(authority):
    chain, _ = authority.issue("a.example")
    _, key = authority.issue("b.example")
    with pytest.raises(TlsError, match="not the key of"):
        TlsContext.client(certificate=chain, key=key)
