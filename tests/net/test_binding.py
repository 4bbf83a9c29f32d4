"""What TLS tells SASL: channel bindings as others compute them, client certificates; TLS or not by the first byte."""

import asyncio
import datetime
import hashlib
import hmac
import re
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from headrace.net.tls import TlsContext, TlsError

NO_EXTENDED_MASTER_SECRET = 1   # SSL_OP_NO_EXTENDED_MASTER_SECRET, which Python does not name
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


async def connect(port, context, name="localhost"):
    """A client that has heard from the server: both ends have finished their handshake."""
    streams = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    streams[1].write(b"x")
    assert await streams[0].readexactly(1) == b"x"
    return streams


def last_tls(bench):
    return bench.sinks[-1].link.tls


# bindings

async def test_exporter_as_openssl_s_client_has_it(bench, server_tls, authority):
    listener = bench.listen(tls=server_tls, echo=True)
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", f"127.0.0.1:{listener.port}", "-servername", "localhost",
        "-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen", "32",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
    try:
        report = await asyncio.wait_for(process.stdout.readuntil(b"Keying material: "), 20)
        exported = await process.stdout.readexactly(64)
        assert b"TLSv1.3" in report
        assert last_tls(bench).binding("tls-exporter") == bytes.fromhex(exported.decode())
    finally:
        process.stdin.close()
        await process.wait()


def prf(secret, seed, length):
    """The PRF of TLS 1.2 with SHA-256 (RFC 5246 5)."""
    out, link = b"", seed
    while len(out) < length:
        link = hmac.digest(secret, link, "sha256")
        out += hmac.digest(secret, link + seed, "sha256")
    return out[:length]


def exported_in_tls_1_2(port, context, key_log):
    """RFC 5705 4 with an empty context (RFC 9266 2), from the key log and the randoms on the wire."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    secure = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        while True:
            try:
                secure.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                piece = plain.recv(65536)
                heard += piece
                incoming.write(piece)
        plain.sendall(outgoing.read())
        secure.write(b"x")
        plain.sendall(outgoing.read())
        plain.recv(65536)
    client_random, master = re.search(r"CLIENT_RANDOM (\w+) (\w+)", key_log.read_text()).groups()
    server_random = heard[11:43]    # record header 5, handshake header 4, version 2
    seed = b"EXPORTER-Channel-Binding" + bytes.fromhex(client_random) + server_random + b"\0\0"
    return prf(bytes.fromhex(master), seed, 32)


async def test_exporter_in_tls_1_2_as_computed_by_hand(bench, server_tls, authority, tmp_path):
    context = authority.client(maximum_version=ssl.TLSVersion.TLSv1_2, keylog_filename=str(tmp_path / "keys"))
    context.set_ciphers("ECDHE+AES128+AESGCM")
    listener = bench.listen(tls=server_tls, echo=True)
    bindings = []
    listener.on_link = noting(listener.on_link, bindings)
    expected = await bench.call(exported_in_tls_1_2, listener.port, context, tmp_path / "keys")
    assert bindings == [expected]


def noting(on_link, bindings):
    """Asks the engine as the first byte arrives: later it may be gone."""
    def make(link):
        sink = on_link(link)
        sink.on_data = lambda sink, data: bindings.append(sink.link.tls.binding("tls-exporter"))
        return sink
    return make


async def test_tls_1_2_without_extended_master_secret_exports_nothing(bench, server_tls, authority):
    context = authority.client(maximum_version=ssl.TLSVersion.TLSv1_2)
    context.options |= NO_EXTENDED_MASTER_SECRET
    _, writer = await connect(bench.listen(tls=server_tls, echo=True).port, context)
    assert last_tls(bench).binding("tls-exporter") is None
    assert last_tls(bench).bindings() == ("tls-server-end-point",)
    writer.close()


def self_signed(folder, key, algorithm):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
            .sign(key, algorithm))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption())
    (folder / "key").write_bytes(pem)
    (folder / "crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return folder / "crt", folder / "key"


@pytest.mark.parametrize(("signed_by", "hashed_by"), [
    (hashes.SHA256(), "sha256"), (hashes.SHA384(), "sha384"), (hashes.SHA512(), "sha512"), (None, None),
], ids=lambda value: getattr(value, "name", value) or "none")
@pytest.mark.parametrize("version", VERSIONS)
async def test_end_point_is_the_certificates_hash_by_its_own_algorithm(bench, tmp_path, version, signed_by, hashed_by):
    key = ec.generate_private_key(ec.SECP256R1()) if signed_by else ed25519.Ed25519PrivateKey.generate()
    certificate, key_file = self_signed(tmp_path, key, signed_by)
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    context.maximum_version = version
    _, writer = await connect(bench.listen(tls=TlsContext(certificate, key_file), echo=True).port, context)
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    expected = hashlib.new(hashed_by, der).digest() if hashed_by else None
    assert last_tls(bench).binding("tls-server-end-point") == expected
    assert ("tls-server-end-point" in last_tls(bench).bindings()) == bool(hashed_by)
    writer.close()


async def test_end_point_is_of_the_certificate_that_was_asked_for(bench, authority):
    context = TlsContext(*authority.issue("localhost"))
    context.add_host("other.example", *authority.issue("other.example"))
    _, writer = await connect(bench.listen(tls=context, echo=True).port, authority.client(), "other.example")
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    assert last_tls(bench).binding("tls-server-end-point") == hashlib.sha256(der).digest()
    assert last_tls(bench).bindings() == ("tls-exporter", "tls-server-end-point")
    writer.close()


async def test_what_has_no_binding(bench, server_tls, authority):
    server, client = bench.secure_pair(server_tls, TlsContext.client(ca_file=authority.file))
    assert server.link.tls is None
    await bench.until(lambda: client.events and server.events)
    assert server.link.tls.binding("tls-unique") is None
    assert client.link.tls.binding("tls-server-end-point") is None
    assert client.link.tls.binding("tls-exporter") == server.link.tls.binding("tls-exporter")
    engine = server.link.tls
    server.link.abort()
    await bench.until(lambda: ("gone", False) in server.events)
    assert engine.binding("tls-exporter") is engine.binding("tls-server-end-point") is engine.certificate is None
    assert engine.bindings() == ()


# client certificates

def client_certificate(authority, context, name="romeo@localhost", **options):
    issued = authority.ca.issue_cert(name, **options)
    with issued.private_key_and_cert_chain_pem.tempfile() as pem:
        context.load_cert_chain(pem)
    return ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())


@pytest.fixture
def asking(authority):
    """A server that asks for certificates, and a virtual host that does not."""
    context = TlsContext(*authority.issue("localhost"), client_ca=authority.file)
    context.add_host("other.example", *authority.issue("other.example"))
    return context


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_good_client_certificate_is_told(bench, authority, asking, version):
    context = authority.client(maximum_version=version)
    der = client_certificate(authority, context)
    _, writer = await connect(bench.listen(tls=asking, echo=True).port, context)
    assert last_tls(bench).certificate == der
    writer.close()


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_client_without_certificate_is_served(bench, authority, asking, version):
    _, writer = await connect(bench.listen(tls=asking, echo=True).port, authority.client(maximum_version=version))
    assert last_tls(bench).certificate is None
    writer.close()


@pytest.mark.parametrize("name", ["localhost", "other.example"])
async def test_a_host_that_asks_says_whose_certificates_it_takes(bench, authority, asking, name):
    listener = bench.listen(tls=asking)
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", f"127.0.0.1:{listener.port}", "-servername", name,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
    report, _ = await process.communicate()
    assert (b"Acceptable client certificate CA names" in report) == (name == "localhost")


async def test_a_host_that_has_no_use_for_certificates_gets_none(bench, authority, asking):
    context = authority.client()
    client_certificate(authority, context)
    _, writer = await connect(bench.listen(tls=asking, echo=True).port, context, "other.example")
    assert last_tls(bench).certificate is None
    writer.close()


@pytest.mark.parametrize("flaw", ["authority", "expired", "purpose"])
async def test_a_bad_client_certificate_is_none(bench, authority, asking, flaw, tmp_path):
    context = authority.client()
    if flaw == "authority":
        client_certificate(type(authority)(tmp_path), context)
    elif flaw == "expired":
        client_certificate(authority, context, not_before=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
                           not_after=datetime.datetime(2020, 2, 1, tzinfo=datetime.UTC))
    else:
        for_servers = self_signed_for_servers(authority, tmp_path)
        context.load_cert_chain(*for_servers)
    _, writer = await connect(bench.listen(tls=asking, echo=True).port, context)
    assert last_tls(bench).certificate is None
    writer.close()


def self_signed_for_servers(authority, folder):
    """A certificate of our authority that is good for servers alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    ca = x509.load_pem_x509_certificate(authority.ca.cert_pem.bytes())
    now = datetime.datetime.now(datetime.UTC)
    made = (x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(ca.subject)
            .public_key(key.public_key()).serial_number(7).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(serialization.load_pem_private_key(authority.ca.private_key_pem.bytes(), None), hashes.SHA256()))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption())
    (folder / "s.key").write_bytes(pem)
    (folder / "s.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return folder / "s.crt", folder / "s.key"


@pytest.mark.parametrize("version", VERSIONS)
async def test_no_ticket_carries_a_certificate_elsewhere(bench, authority, asking, version):
    """Where certificates are asked for, sessions are not resumed, neither there nor under another name."""
    context = authority.client(maximum_version=version)
    client_certificate(authority, context)
    port = bench.listen(tls=asking, echo=True).port
    sessions = {name: await bench.call(session_of, port, context, name) for name in ("localhost", "other.example")}
    assert await bench.call(session_of, port, context, "other.example", sessions["other.example"])
    assert not await bench.call(session_of, port, context, "localhost", sessions["localhost"])
    assert not await bench.call(session_of, port, context, "other.example", sessions["localhost"])
    await bench.call(session_of, port, context, "localhost", sessions["other.example"])
    assert all(sink.link.tls.certificate is None for sink in bench.sinks if sink.link.tls.resumed)


def session_of(port, context, name, session=None):
    """A session to resume; where one is given, whether it was."""
    with (socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
          context.wrap_socket(plain, server_hostname=name, session=session) as secure):
        secure.sendall(b"x")
        assert secure.recv(1) == b"x"
        return secure.session_reused if session else secure.session


def test_an_unusable_authority_file_is_named(authority, tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        TlsContext(*authority.issue("localhost"), client_ca=tmp_path / "nowhere")
    (tmp_path / "empty").touch()
    with pytest.raises(TlsError, match="empty: no usable certificates"):
        TlsContext(*authority.issue("localhost"), client_ca=tmp_path / "empty")


# TLS from the first byte, or not

async def test_each_client_chooses_by_its_first_byte(bench, server_tls, authority):
    listener = bench.listen(tls=server_tls, either=True, echo=True)
    _, secure = await connect(listener.port, authority.client())
    plain_reader, plain = await asyncio.open_connection("127.0.0.1", listener.port)
    plain.write(b"<stream>")
    assert await plain_reader.readexactly(8) == b"<stream>"
    assert [bool(sink.link.tls) for sink in bench.sinks] == [True, False]
    assert bench.sinks[0].link.tls.alpn is None
    secure.close()
    plain.close()


async def test_starttls_is_still_to_be_had(bench, server_tls, authority):
    def upgrade(sink, data):
        sink.link.send(b"proceed")
        sink.link.start_tls(server_tls)

    listener = bench.listen(tls=server_tls, either=True, on_data=upgrade)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(b"starttls")
    assert await reader.readexactly(7) == b"proceed"
    await writer.start_tls(authority.client(), server_hostname="localhost")
    await bench.until(lambda: "secure" in bench.sinks[0].events)
    writer.close()


@pytest.mark.parametrize("said", [b"", b"\x16"])
async def test_who_goes_before_the_choice_leaves_nothing(bench, server_tls, said):
    listener = bench.listen(tls=server_tls, either=True)
    _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(said)
    await bench.until(lambda: bench.sinks)
    writer.close()
    await bench.until(lambda: bench.sinks[0].events[-1:] in ([("gone", True)], [("gone", False)]))
