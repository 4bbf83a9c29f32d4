"""TLS against Python's own client: direct and STARTTLS, certificates by name, ALPN, versions, reload, resumption."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass

import pytest

from headrace.net.tls import TlsContext, TlsEngine, TlsError


@dataclass
class Seen:
    """What a client saw of one connection."""

    answer: bytes
    name: str
    serial: str
    alpn: str | None
    session: ssl.SSLSession
    resumed: bool


def talk(port, context, data=b"hello", *, name="localhost", session=None):
    """Connect, send, read as much, end with close_notify both ways."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        secure = context.wrap_socket(plain, server_hostname=name, session=session, suppress_ragged_eofs=False)
        secure.sendall(data)
        answer = b""
        while len(answer) < len(data):
            answer += secure.recv(65536)
        peer = secure.getpeercert()
        seen = Seen(answer, dict(peer["subjectAltName"])["DNS"], peer["serialNumber"],
                    secure.selected_alpn_protocol(), secure.session, secure.session_reused)
        secure.unwrap()
        return seen


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("size", [1, 16384, 16385, 700_000])
async def test_echo(bench, server_tls, authority, size, version):
    """The certificates are P-256 ones: TLS 1.2 needs that group named."""
    listener = bench.listen(tls=server_tls, echo=True)
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", listener.port, ssl=authority.client(maximum_version=version), server_hostname="localhost")
    data = bytes(i % 251 for i in range(size))
    writer.write(data)
    assert await reader.readexactly(size) == data
    assert bench.sinks[0].link.tls.version == version.name.replace("_", ".")
    assert bench.sinks[0].link.tls.server_name == "localhost"
    writer.close()
    await bench.until(lambda: bench.sinks[0].events == ["secure", ("gone", True)])


async def test_older_versions_are_refused(bench, server_tls, authority):
    listener = bench.listen(tls=server_tls)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old = authority.client(minimum_version=ssl.TLSVersion.TLSv1_1, maximum_version=ssl.TLSVersion.TLSv1_1)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="alert protocol version"):
        await bench.call(talk, listener.port, old)
    await bench.until(lambda: bench.sinks[0].events == [("gone", False)])
    assert "unsupported protocol" in bench.sinks[0].link.error


async def test_close_notify_is_sent_once_and_ends_the_stream(bench, server_tls, authority):
    listener = bench.listen(tls=server_tls, on_data=lambda sink, data: (sink.link.send(b"bye"), sink.link.finish()))

    def client():
        with socket.create_connection(("127.0.0.1", listener.port), timeout=20) as plain:
            secure = authority.client().wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)
            secure.sendall(b"quit")
            return secure.recv(10), secure.recv(10)

    assert await bench.call(client) == (b"bye", b"")
    await bench.until(lambda: bench.sinks[0].events == ["secure", ("gone", True)])


async def test_the_end_without_close_notify_is_an_end(bench, server_tls, authority):
    listener = bench.listen(tls=server_tls)
    plain = socket.create_connection(("127.0.0.1", listener.port), timeout=20)
    secure = await bench.call(lambda: authority.client().wrap_socket(plain, server_hostname="localhost"))
    with socket.socket(fileno=secure.detach()) as raw:
        raw.shutdown(socket.SHUT_WR)
        await bench.until(lambda: bench.sinks[0].events == ["secure", ("gone", True)])
    await bench.until(lambda: bench.sinks[0].events == ["secure", ("gone", True)])


@pytest.mark.parametrize(("asked", "given"), [
    ("localhost", "localhost"), ("one.example", "one.example"), ("ONE.Example", "one.example"),
    ("xn--bcher-kva.example", "xn--bcher-kva.example"), ("unknown.example", "localhost"), (None, "localhost"),
])
async def test_the_name_asked_for_chooses_the_certificate(bench, authority, asked, given):
    context = TlsContext(*authority.issue("localhost"))
    context.add_host("one.example", *authority.issue("one.example"))
    context.add_host("Bücher.example.", *authority.issue("xn--bcher-kva.example"))
    listener = bench.listen(tls=context, echo=True)
    client = authority.client(check_hostname=False)
    seen = await bench.call(lambda: talk(listener.port, client, name=asked))
    assert (seen.answer, seen.name) == (b"hello", given)
    assert bench.sinks[0].link.tls.server_name == asked


@pytest.mark.parametrize(("name", "asked", "given"), [
    ("One.example", None, "one.example"), ("three.example", None, "localhost"), (None, None, "localhost"),
    ("one.example", "two.example", "two.example"), ("one.example", "localhost", "localhost"),
    ("one.example", "three.example", "one.example"),
])
async def test_the_name_asked_for_before_tls_chooses_where_tls_names_none_of_ours(bench, authority, name, asked, given):
    context = TlsContext(*authority.issue("localhost"), name="localhost")
    for host in ("one.example", "two.example"):
        context.add_host(host, *authority.issue(host))
    listener = starttls(bench, context, name)

    def client():
        with socket.create_connection(("127.0.0.1", listener.port), timeout=20) as plain:
            plain.sendall(b"<starttls/>")
            assert plain.recv(100) == b"<proceed/>"
            secure = authority.client(check_hostname=False).wrap_socket(plain, server_hostname=asked)
            secure.sendall(b"hello")
            return secure.recv(100), dict(secure.getpeercert()["subjectAltName"])["DNS"]

    assert await bench.call(client) == (b"hello", given)
    assert bench.sinks[0].link.tls.server_name == asked


@pytest.mark.parametrize("name", ["localhost", "one.example"])
@pytest.mark.parametrize(("offered", "chosen"), [
    (["xmpp-client"], "xmpp-client"), (["h2", "xmpp-server", "xmpp-client"], "xmpp-client"),
    (["xmpp-server"], "xmpp-server"), ([], None),
])
async def test_alpn_by_our_preference(bench, authority, offered, chosen, name):
    context = TlsContext(*authority.issue("localhost"), alpn=("xmpp-client", "xmpp-server"))
    context.add_host("one.example", *authority.issue("one.example"))
    listener = bench.listen(tls=context, echo=True)
    client = authority.client()
    if offered:
        client.set_alpn_protocols(offered)
    seen = await bench.call(lambda: talk(listener.port, client, name=name))
    assert (seen.alpn, seen.name) == (chosen, name)
    assert bench.sinks[0].link.tls.alpn == chosen


async def test_alpn_without_a_match_is_refused(bench, server_tls, authority):
    """RFC 7301 3.2; what follows would be another protocol's bytes (XEP-0368 on shared ports)."""
    listener = bench.listen(tls=server_tls)
    client = authority.client()
    client.set_alpn_protocols(["h2"])
    with pytest.raises(ssl.SSLError, match="no application protocol"):
        await bench.call(talk, listener.port, client)
    await bench.until(lambda: bench.sinks[0].events == [("gone", False)])


def read_to_end(plain):
    return b"".join(iter(lambda: plain.recv(1000), b""))


def starttls(bench, context, name=None):
    def on_data(sink, data):
        if b"<starttls/>" in data:
            sink.link.send(b"<proceed/>")
            sink.link.start_tls(context, name)
        elif sink.link.tls is not None:
            sink.queue(data)

    return bench.listen(on_data=on_data)


async def test_starttls(bench, server_tls, authority):
    listener = starttls(bench, server_tls)

    def client():
        with socket.create_connection(("127.0.0.1", listener.port), timeout=20) as plain:
            plain.sendall(b"<starttls/>")
            assert plain.recv(100) == b"<proceed/>"
            secure = authority.client().wrap_socket(plain, server_hostname="localhost")
            secure.sendall(b"hello")
            return secure.recv(100)

    assert await bench.call(client) == b"hello"
    assert bytes(bench.sinks[0].received) == b"<starttls/>hello"


async def test_plain_bytes_behind_starttls_never_count_as_secure(bench, server_tls):
    """CVE-2011-0411: what an attacker injects before the handshake must not be read after it."""
    listener = starttls(bench, server_tls)
    with socket.create_connection(("127.0.0.1", listener.port), timeout=20) as plain:
        plain.sendall(b"<starttls/>")
        assert await bench.call(plain.recv, 100) == b"<proceed/>"
        plain.sendall(b"<message>injected</message>")
        await bench.call(read_to_end, plain)
    await bench.until(lambda: bench.sinks[0].events == [("gone", False)])
    assert bytes(bench.sinks[0].received) == b"<starttls/>"


async def test_tls_starts_once(bench, server_tls):
    sink, peer = bench.pair()
    sink.link.start_tls(server_tls)
    with pytest.raises(RuntimeError):
        sink.link.start_tls(server_tls)
    peer.close()


async def test_reload_serves_new_files_and_keeps_old_connections(bench, authority):
    files = authority.issue("localhost", "reloaded")
    host = authority.issue("one.example", "host")
    context = TlsContext(*files)
    context.add_host("one.example", *host)
    listener = bench.listen(tls=context, echo=True)
    client = authority.client(check_hostname=False)
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", listener.port, ssl=client, server_hostname="localhost")
    fresh = (*authority.issue("localhost", "newer"), *authority.issue("two.example", "newest"))
    for old, new in zip((*files, *host), fresh, strict=True):
        shutil.copy(new, old)
    before = await bench.call(talk, listener.port, client)
    context.reload()
    after = await bench.call(talk, listener.port, client)
    other = await bench.call(lambda: talk(listener.port, client, name="one.example"))
    assert before.serial != after.serial
    assert other.name == "two.example"
    writer.write(b"still here")
    assert await reader.readexactly(10) == b"still here"
    writer.close()


async def test_a_reload_that_fails_changes_nothing(bench, authority):
    context = TlsContext(*authority.issue("localhost", "kept"))
    broken, key = authority.issue("one.example", "broken")
    context.add_host("one.example", broken, key)
    listener = bench.listen(tls=context, echo=True)
    broken.write_text("no certificate")
    with pytest.raises(TlsError, match=str(broken)):
        context.reload()
    for name in ("localhost", "one.example"):
        seen = await bench.call(lambda name=name: talk(listener.port, authority.client(), name=name))
        assert seen.name == name


def test_unusable_files_are_named(authority, tmp_path):
    certificate, key = authority.issue("localhost", "good")
    with pytest.raises(FileNotFoundError, match="absent"):
        TlsContext(tmp_path / "absent.crt", key)
    with pytest.raises(TlsError, match=r"good\.key: no usable certificate chain"):
        TlsContext(key, key)
    with pytest.raises(TlsError, match="not the key of"):
        TlsContext(certificate, authority.issue("other.example")[1])
    locked = tmp_path / "locked.key"
    subprocess.run(["openssl", "ec", "-in", key, "-aes128", "-passout", "pass:x", "-out", locked],
                   check=True, capture_output=True)
    with pytest.raises(TlsError, match="unencrypted private key"):
        TlsContext(certificate, locked)
    with pytest.raises(TypeError):
        TlsEngine()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tickets_resume_until_their_key_is_replaced(bench, authority, version):
    context = TlsContext(*authority.issue("localhost"))
    listener = bench.listen(tls=context, echo=True)
    client = authority.client(maximum_version=version)
    first = await bench.call(talk, listener.port, client)
    second = await bench.call(lambda: talk(listener.port, client, session=first.session))
    context.set_ticket_key(bytes(80))
    third = await bench.call(lambda: talk(listener.port, client, session=second.session))
    context.reload()
    fourth = await bench.call(lambda: talk(listener.port, client, session=third.session))
    assert [seen.resumed for seen in (first, second, third, fourth)] == [False, True, False, True]
    assert [sink.link.tls.resumed for sink in bench.sinks] == [False, True, False, True]
    with pytest.raises(ValueError, match="80 bytes"):
        context.set_ticket_key(b"short")


async def test_ticket_keys_are_replaced_by_themselves(bench, authority):
    """Every day; here every second, on the reactor's clock."""
    context = TlsContext(*authority.issue("localhost"), ticket_seconds=1)
    listener = bench.listen(tls=context, echo=True)
    client = authority.client()
    first = await bench.call(talk, listener.port, client)
    made = bench.reactor.time
    await bench.until(lambda: time.time() >= made + 2)
    late = await bench.call(lambda: talk(listener.port, client, session=first.session))
    assert (first.resumed, late.resumed) == (False, False)


async def test_a_ticket_key_given_from_outside_stays(bench, authority):
    """Several workers share it; who gives it replaces it."""
    context = TlsContext(*authority.issue("localhost"), ticket_seconds=1)
    context.set_ticket_key(bytes(80))
    listener = bench.listen(tls=context, echo=True)
    client = authority.client()
    first = await bench.call(talk, listener.port, client)
    made = bench.reactor.time
    await bench.until(lambda: time.time() >= made + 2)
    assert (await bench.call(lambda: talk(listener.port, client, session=first.session))).resumed
    other = bench.listen(tls=TlsContext(*authority.issue("localhost")), echo=True)
    assert not (await bench.call(lambda: talk(other.port, client, session=first.session))).resumed
    shared = TlsContext(*authority.issue("localhost"))
    shared.set_ticket_key(bytes(80))
    again = bench.listen(tls=shared, echo=True)
    assert (await bench.call(lambda: talk(again.port, client, session=first.session))).resumed


@pytest.mark.parametrize(("name", "trusted", "error"), [
    ("localhost", True, None), ("other.example", True, "hostname mismatch"),
    ("localhost", False, "unable to get local issuer"),
])
async def test_a_client_of_ours_verifies_chain_and_name(bench, authority, name, trusted, error):
    client = TlsContext.client(ca_file=authority.file if trusted else None, alpn=("xmpp-client",))
    server, sink = bench.secure_pair(TlsContext(*authority.issue("localhost")), client, name)
    await bench.until(lambda: sink.events and server.events)
    if error is None:
        sink.queue(b"hello")
        await bench.until(lambda: server.received == b"hello")
        assert (sink.link.tls.alpn, server.link.tls.alpn) == ("xmpp-client", "xmpp-client")
    else:
        await bench.until(lambda: sink.events == [("gone", False)])
        assert error in sink.link.error
        await bench.until(lambda: server.events[-1] == ("gone", False))


async def test_a_client_of_ours_says_whom_it_expects(bench, authority, server_tls):
    _, sink = bench.secure_pair(server_tls, TlsContext.client(ca_file=authority.file), None)
    await bench.until(lambda: sink.events == [("gone", False)])
    assert [type(error["exception"]) for error in bench.errors] == [TlsError]
    bench.errors.clear()


async def test_unverified_only_when_asked_for(bench, server_tls):
    server, sink = bench.secure_pair(server_tls, TlsContext.client(verify=False), None)
    await bench.until(lambda: sink.events == server.events == ["secure"])
    assert server.link.tls.server_name is None


@pytest.mark.parametrize(("garbage", "alert"), [
    (b"GET / HTTP/1.1\r\n\r\n", b""), (b"<stream:stream>" * 10, b""), (b"\x16\x03\x01\xff\xff" + b"x" * 70000, b"\x15"),
    (b"\x16\x03\x01\x00\x40\x01" + b"\xff" * 63, b"\x15"),
], ids=["HTTP", "XMPP", "long record", "long hello"])
async def test_what_is_no_client_hello_ends_the_link(bench, server_tls, garbage, alert):
    listener = bench.listen(tls=server_tls)
    with socket.create_connection(("127.0.0.1", listener.port), timeout=20) as plain:
        plain.sendall(garbage)
        answer = await bench.call(read_to_end, plain)
    await bench.until(lambda: bench.sinks[0].events == [("gone", False)])
    assert bench.sinks[0].link.error
    assert answer[:1] == alert


async def test_a_forged_record_ends_the_link(bench, authority, server_tls):
    listener = bench.listen(tls=server_tls, echo=True)
    with socket.create_connection(("127.0.0.1", listener.port), timeout=20) as plain:
        secure = await bench.call(lambda: authority.client().wrap_socket(plain, server_hostname="localhost"))
        await bench.until(lambda: bench.sinks[0].events == ["secure"])
        with socket.socket(fileno=secure.detach()) as raw:
            raw.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
            await bench.until(lambda: bench.sinks[0].events == ["secure", ("gone", False)])
    assert "bad record mac" in bench.sinks[0].link.error


async def test_a_write_that_openssl_refuses_ends_the_link(bench, authority, server_tls):
    server, client = bench.secure_pair(server_tls, TlsContext.client(ca_file=authority.file))
    await bench.until(lambda: client.events and server.events)
    server.shut_behind_the_engine()
    server.queue(b"too late")
    await bench.until(lambda: server.events == ["secure", ("gone", False)])
    assert "shutdown" in server.link.error


async def test_openssl_s_client(bench, server_tls, authority):
    listener = bench.listen(tls=server_tls, echo=True)
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", f"127.0.0.1:{listener.port}", "-servername", "localhost",
        "-CAfile", str(authority.file), "-alpn", "xmpp-client", "-verify_return_error", "-quiet", "-no_ign_eof",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
    try:
        process.stdin.write(b"one\n")
        assert await process.stdout.readline() == b"one\n"
        process.stdin.write(b"two\n")
        assert await process.stdout.readline() == b"two\n"
        process.stdin.close()
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    await bench.until(lambda: bench.sinks[0].events == ["secure", ("gone", True)])


async def test_keys_change_while_the_peer_takes_nothing(bench, authority, server_tls):
    """The answer to a KeyUpdate needs writing while a stanza is stuck half written; input is still read."""
    server, client = bench.secure_pair(server_tls, TlsContext.client(ca_file=authority.file))
    await bench.until(lambda: client.events and server.events)
    client.link.pause()
    stanza = bytes(i % 251 for i in range(2_000_000))
    server.queue(stanza)
    await bench.until(lambda: 0 < server.unsent() < len(stanza))
    for round_ in range(5):
        client.key_update()
        client.queue(b"ack%d" % round_)
        await bench.until(lambda round_=round_: server.received.endswith(b"ack%d" % round_))
    client.link.resume()
    await bench.until(lambda: len(client.received) == len(stanza))
    assert client.received == stanza
    assert server.events == ["secure", "writable"]


async def test_a_flood_of_key_updates_to_a_peer_that_takes_nothing_is_bounded(bench, authority, server_tls):
    server, client = bench.secure_pair(server_tls, TlsContext.client(ca_file=authority.file))
    await bench.until(lambda: client.events and server.events)
    client.link.pause()
    server.queue(b"x" * 2_000_000)
    await bench.until(lambda: 0 < server.unsent() < 2_000_000)
    for _ in range(20_000):
        if server.events != ["secure"]:
            break
        client.key_update()
        client.queue(b"x")
        await asyncio.sleep(0)
    await bench.until(lambda: server.events[-1] == ("gone", False))


async def test_a_receiver_that_stops_in_the_middle_of_a_stanza_while_acks_arrive(bench, authority, server_tls):
    server, client = bench.secure_pair(server_tls, TlsContext.client(ca_file=authority.file))
    await bench.until(lambda: client.events and server.events)
    client.link.pause()
    stanzas = [b"<message>" + bytes([65 + i % 26]) * 60_000 + b"</message>" for i in range(30)]
    for stanza in stanzas:
        server.queue(stanza)
    await bench.until(lambda: 0 < server.unsent() < sum(map(len, stanzas)))
    server.link.send(b"<r/>")
    client.queue(b"<a h='1'/>")
    await bench.until(lambda: server.received == b"<a h='1'/>")
    stuck = server.unsent()
    await bench.turns(20)
    assert server.unsent() == stuck
    client.link.resume()
    await bench.until(lambda: len(client.received) == sum(map(len, stanzas)) + len(b"<r/>"))
    before, _, after = bytes(client.received).partition(b"<r/>")
    assert before + after == b"".join(stanzas)
    assert before == b"" or before.endswith(b"</message>")


async def test_an_idle_link_keeps_no_cipher_text(bench, authority, server_tls):
    """What was blocked and then went out gives its memory back: 200 rounds cost nothing."""
    server, client = bench.secure_pair(server_tls, TlsContext.client(ca_file=authority.file))
    await bench.until(lambda: client.events and server.events)
    for _ in range(200):
        server.queue(b"x" * 100_000)
        client.queue(b"x" * 100_000)
        await asyncio.sleep(0)
    await bench.until(lambda: len(client.received) == len(server.received) == 20_000_000)
    assert client.received == server.received
