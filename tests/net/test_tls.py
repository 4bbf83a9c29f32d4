"""TLS against Python's own client: direct and STARTTLS, choice of certificate, ALPN, versions, reload, resumption."""

import asyncio
import ssl

import pytest

from headrace.net.tls import TlsContext, TlsError


async def connect(bench, port, context, name="localhost"):
    return await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)


@pytest.mark.parametrize("size", [1, 16384, 16385, 700_000])
async def test_echo_over_direct_tls(bench, server_tls, authority, size):
    listener = bench.listen(tls=server_tls, echo=True)
    reader, writer = await connect(bench, listener.port, authority.client())
    data = bytes(i % 251 for i in range(size))
    writer.write(data)
    assert await reader.readexactly(size) == data
    assert bench.sinks[0].events == ["secure"]
    assert bench.sinks[0].link.tls.version == "TLSv1.3"
    assert bench.sinks[0].link.tls.server_name == "localhost"
    writer.close()
    await bench.until(lambda: bench.sinks[0].events == ["secure", ("gone", True)])
