"""The object graph in this process: two servers side by side, hosts, what a failed start leaves behind."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
import structlog

from headrace.server.app import App, PortError
from headrace.server.certificates import CertificateError
from headrace.server.config import Config, HostConfig, ListenerConfig
from headrace.storage.sqlite import open_sqlite

OPEN = "<stream:stream to='{}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"


def config(folder: Path, *hosts: str, port: int = 0) -> Config:
    return Config(
        data=folder, hosts=tuple(map(HostConfig, hosts)),
        listeners=(ListenerConfig("c2s", "127.0.0.1", port), ListenerConfig("c2s", "127.0.0.1", 0, "direct")))


def app(settings: Config) -> App:
    return App(settings, structlog.wrap_logger(structlog.ReturnLogger(), processors=[structlog.dev.ConsoleRenderer()]))


async def answer(port: int, to: str) -> bytes:
    """What the server says to a stream header, to the end of the features or of the stream."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(OPEN.format(to).encode())
    said = b""
    while not said.endswith((b"</stream:features>", b"</stream:stream>")):
        data = await asyncio.wait_for(reader.read(65536), 20)
        assert data, said
        said += data
    writer.close()
    return said


async def certificate_for(port: int, name: str) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return ssl.DER_cert_to_PEM_cert(certificate).encode()


async def test_two_servers_know_nothing_of_each_other(tmp_path: Path) -> None:
    one, two = app(config(tmp_path / "one", "one.example")), app(config(tmp_path / "two", "two.example"))
    await one.start()
    await two.start()
    for server, own, other in ((one, "one.example", "two.example"), (two, "two.example", "one.example")):
        port = server.listeners[0].port
        assert b"<starttls" in await answer(port, own)
        assert b"<host-unknown" in await answer(port, other)
    await one.stop()
    assert b"<starttls" in await answer(two.listeners[0].port, "two.example")
    await two.stop()
    assert (one.reactor.links, two.reactor.links) == (0, 0)


async def test_each_host_has_its_certificate(tmp_path: Path) -> None:
    server = app(config(tmp_path, "one.example", "münchen.example"))
    await server.start()
    port = server.listeners[1].port
    for asked, host in (("one.example", "one.example"), ("xn--mnchen-3ya.example", "münchen.example"),
                        ("unknown.example", "one.example")):
        assert await certificate_for(port, asked) == (tmp_path / "certificates" / f"{host}.crt").read_bytes()
    await server.stop()


async def test_failed_start_lets_go_of_everything(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = app(config(tmp_path, "one.example", port=taken.getsockname()[1]))
        with pytest.raises(PortError, match="Address already in use"):
            await server.start()
    await open_sqlite(tmp_path / "headrace.db", server=True).close()
    broken = HostConfig("one.example", tmp_path / "no.crt", tmp_path / "no.key")
    server = app(Config(data=tmp_path, listeners=config(tmp_path).listeners, hosts=(broken,)))
    with pytest.raises(CertificateError, match=r"no\.crt"):
        await server.start()
    await open_sqlite(tmp_path / "headrace.db", server=True).close()
