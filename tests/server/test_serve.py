"""`headrace serve` as a process: what stops it from starting, how it stops, what it reads again."""

import base64
import signal
import socket
import ssl
import time
from pathlib import Path

import pytest

from headrace.server.cli.main import Exit
from headrace.storage.connection import Connection
from support.server import Server, headrace, running

OPEN = b"<stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"

CONFIG = """
[[listener]]
kind = "c2s"
address = "127.0.0.1"
port = {port}
[[host]]
name = "localhost"
"""


class Client:
    """Just enough of a client: sends bytes, reads until something comes."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.read = b""
        self.features = b""  # those after login

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def until(self, mark: bytes) -> bytes:
        """What came up to and including the mark."""
        while mark not in self.read:
            data = self.socket.recv(65536)
            assert data, f"closed before {mark!r}: {self.read!r}"
            self.read += data
        found, _, self.read = self.read.partition(mark)
        return found + mark

    def rest(self) -> bytes:
        """What comes until the other side closes."""
        while data := self.socket.recv(65536):
            self.read += data
        return self.read

    def log_in(self, user: str, password: str, resource: str) -> bool:
        self.send(OPEN)
        self.until(b"</stream:features>")
        plain = base64.b64encode(f"\0{user}\0{password}".encode())
        self.send(b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + plain + b"</auth>")
        if b"<success" not in self.until(b">"):
            return False
        self.send(OPEN)
        self.features = self.until(b"</stream:features>")
        self.send(f"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>{resource}"
                  "</resource></bind></iq>".encode())
        self.until(b"</iq>")
        return True


def logged_in(server: Server, user: str = "romeo", password: str = "montague") -> Client:
    client = Client(server.plain)
    assert client.log_in(user, password, "phone")
    return client


def fingerprint(port: int) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain, context.wrap_socket(plain) as secure:
        certificate = secure.getpeercert(binary_form=True)
    assert certificate
    return certificate


def test_direct_tls_with_the_certificate_it_made(server: Server) -> None:
    client = Client(server.direct, ssl.create_default_context(cafile=str(server.certificate)))
    assert client.log_in("romeo", "montague", "phone")
    assert any("self-signed" in entry["event"] for entry in server.log)


def test_features_of_modules_are_announced_after_login(server: Server) -> None:
    assert b"<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>" in logged_in(server).features


def test_login_without_tls_is_warned_about(server: Server) -> None:
    [warning] = [entry for entry in server.log if entry["event"] == "login without TLS is allowed"]
    assert (warning["level"], warning["port"]) == ("warning", server.plain)


def test_silent_sessions_are_kept_alive_and_given_up_in_the_end(tmp_path: Path) -> None:
    limits = "[limits.session]\nidle_seconds = 2.0\nkeep_alive_seconds = 0.5"
    with running(tmp_path, more=limits) as server:
        client = logged_in(server)
        assert b"<idle-seconds>2</idle-seconds>" in client.features
        space, _, end = client.rest().partition(b"<stream:error>")
        assert space.strip() == b""
        assert space
        assert end.startswith(b"<connection-timeout ")
        assert end.endswith(b"</stream:stream>")
        client.socket.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_says_good_bye_to_every_stream(server: Server, number: signal.Signals) -> None:
    bound, negotiating, silent = logged_in(server), Client(server.starttls), Client(server.starttls)
    negotiating.send(OPEN)
    negotiating.until(b"</stream:features>")
    server.process.send_signal(number)
    for client in (bound, negotiating, silent):
        end = client.rest()
        assert b"<system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>" in end
        assert end.endswith(b"</stream:stream>")
        client.socket.close()
    assert server.process.wait(20) == 0
    assert server.log[-1]["event"] == "stopped"


def test_stop_does_not_wait_for_who_does_not_read(server: Server) -> None:
    stuck = logged_in(server)
    assert server.terminate() == 0
    stuck.socket.close()


def test_messages_outlive_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        romeo = logged_in(server)
        for n in range(100):
            romeo.send(b"<message to='juliet@localhost' type='chat'><body>%d</body></message>" % n)
        romeo.send(b"<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
        romeo.until(b"id='p'")
        assert server.terminate() == 0
    with running(tmp_path) as server:
        juliet = logged_in(server, "juliet", "capulet")
        juliet.send(b"<presence/>")
        got = juliet.until(b"<body>99</body>")
        assert [got.count(b"<body>%d</body>" % n) for n in range(100)] == [1] * 100


def test_sighup_reads_certificates_again_and_keeps_the_old_if_it_cannot(server: Server) -> None:
    before, stays = fingerprint(server.direct), logged_in(server)
    server.certificate.write_text("no certificate")
    server.process.send_signal(signal.SIGHUP)
    wait_for(server, "certificates not reloaded")
    assert fingerprint(server.direct) == before
    server.certificate.unlink()
    server.process.send_signal(signal.SIGHUP)
    wait_for(server, "certificates reloaded")
    assert fingerprint(server.direct) != before
    stays.send(b"<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
    assert b"type='result'" in stays.until(b"id='p'") + stays.until(b">")


def wait_for(server: Server, event: str) -> None:
    deadline = time.monotonic() + 20
    while all(entry["event"] != event for entry in server.log):
        assert time.monotonic() < deadline, server.log
        time.sleep(0.01)


def test_accounts_change_while_it_runs(server: Server) -> None:
    assert not Client(server.plain).log_in("mercutio", "first", "phone")
    assert server.command("user", "add", "mercutio@localhost", "--stdin", input="first\n").returncode == 0
    assert Client(server.plain).log_in("mercutio", "first", "phone")
    assert server.command("user", "passwd", "mercutio@localhost", "--stdin", input="second\n").returncode == 0
    assert not Client(server.plain).log_in("mercutio", "first", "phone")
    assert Client(server.plain).log_in("mercutio", "second", "phone")
    assert server.command("user", "delete", "mercutio@localhost", "--yes").returncode == 0
    assert not Client(server.plain).log_in("mercutio", "second", "phone")
    assert "second" not in server.log_file.read_text()


def test_second_server_on_the_same_data(server: Server) -> None:
    second = server.command("serve")
    assert second.returncode == Exit.LOCKED
    assert f"a headrace server uses it (process {server.process.pid})" in second.stderr


def test_database_locked_by_something_else(tmp_path: Path, free_port: int) -> None:
    (tmp_path / "headrace.toml").write_text(CONFIG.format(port=free_port))
    (tmp_path / "var").mkdir()
    somebody = Connection(tmp_path / "var" / "headrace.db")
    somebody.script("PRAGMA journal_mode = WAL")
    somebody.execute("BEGIN IMMEDIATE")
    result = headrace("serve", cwd=tmp_path)
    somebody.close()
    assert result.returncode == Exit.LOCKED
    assert "headrace.db is locked: another process writes to it" in result.stderr


def test_used_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "headrace.toml").write_text(CONFIG.format(port=port))
        result = headrace("serve", cwd=tmp_path)
    assert result.returncode == Exit.PORT
    assert f"cannot listen on c2s 127.0.0.1:{port} (starttls): Address already in use" in result.stderr
    assert "Traceback" not in result.stderr


def test_certificate_that_cannot_be_read(tmp_path: Path, free_port: int) -> None:
    (tmp_path / "headrace.toml").write_text(
        CONFIG.format(port=free_port) + "certificate = 'x.crt'\nkey = 'x.key'")
    result = headrace("serve", cwd=tmp_path)
    assert result.returncode == Exit.CERTIFICATE
    assert f"{tmp_path}/x.crt: No such file or directory" in result.stderr
    assert "Traceback" not in result.stderr


def test_wrong_configuration(tmp_path: Path, free_port: int) -> None:
    (tmp_path / "headrace.toml").write_text(CONFIG.format(port=free_port) + "nam = 1")
    result = headrace("serve", cwd=tmp_path)
    assert result.returncode == Exit.CONFIG
    assert "[[host]] number 1: unknown key 'nam': did you mean 'name'?" in result.stderr


def test_data_folder_that_cannot_be_made(tmp_path: Path, free_port: int) -> None:
    (tmp_path / "headrace.toml").write_text("data = '/proc/nowhere'" + CONFIG.format(port=free_port))
    result = headrace("serve", cwd=tmp_path)
    assert result.returncode == Exit.STORAGE
