"""README's echo server and logging proxy, run as a reader would run them."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import headrace
from headrace import aio
from headrace.core.ns import SASL
from headrace.stream import Stanza, StreamError, StreamOpen
from support.ports import unused_port
from support.readme import script
from support.streams import HEADER

SOURCE = str(Path(headrace.__file__).parents[1])
CLOSE = b"</stream:stream>"


@contextmanager
def running(name: str, folder: Path, *arguments: int) -> Iterator[subprocess.Popen[str]]:
    path = folder / name
    path.write_text(script(name))
    process = subprocess.Popen([sys.executable, path, *map(str, arguments)], stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": SOURCE})
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


async def reached(port: int) -> aio.Stream:
    """A connection, once somebody listens."""
    began = time.monotonic()
    while True:
        try:
            return await aio.connect("127.0.0.1", port)
        except ConnectionRefusedError:
            assert time.monotonic() - began < 30
            await asyncio.sleep(0.05)


async def test_the_echo_server(tmp_path: Path) -> None:
    port = unused_port()
    with running("echo.py", tmp_path, port):
        stream = await reached(port)
        stream.write(HEADER.replace(b" version", b" to='echo.example' version"))
        opened, features = await anext(stream), await anext(stream)
        assert isinstance(opened, StreamOpen)
        assert opened.from_ == "echo.example"
        assert isinstance(features, Stanza)
        assert features.name == "features"
        stream.write(b"<presence/><message from='a@b' to='c@d' id='1'><body>hi</body></message>")
        echoed = await anext(stream)
        assert isinstance(echoed, Stanza)
        assert (echoed.from_, echoed.to, echoed.id) == ("c@d", "a@b", "1")
        assert echoed.element()[0].text == "hi"
        stream.write(b"<message></iq>")
        error = await anext(stream)
        assert isinstance(error, Stanza)
        assert error.child_name == "not-well-formed"


async def test_the_logging_proxy(tmp_path: Path) -> None:
    """A login of two documents, a stanza each way, and a bad one."""
    server_port, port = unused_port(), unused_port()

    async def server(stream: aio.Stream) -> None:
        async for event in stream:
            if isinstance(event, StreamOpen):
                stream.write(HEADER)
            elif isinstance(event, Stanza) and event.name == "auth":
                stream.write(f"<success xmlns='{SASL}'/>".encode())
                stream.reset()
            elif isinstance(event, Stanza):
                stream.write(event.raw)

    async with await aio.serve(server, "127.0.0.1", server_port):
        with running("proxy.py", tmp_path, port, server_port) as process:
            stream = await reached(port)
            stream.write(HEADER + f"<auth xmlns='{SASL}'/>".encode())
            opened, success = await anext(stream), await anext(stream)
            assert isinstance(opened, StreamOpen)
            assert isinstance(success, Stanza)
            stream.reset()
            stream.write(HEADER + b"<message to='a@b'/>")
            again, message = await anext(stream), await anext(stream)
            assert isinstance(again, StreamOpen)
            assert isinstance(message, Stanza)
            assert message.raw == b"<message to='a@b'/>"
            stream.write(b"<message><!-- -->")
            assert [event async for event in stream] == []
            process.terminate()
            log, _ = await asyncio.to_thread(process.communicate)
    lines = log.splitlines()
    assert [line[0] for line in lines[:-1]] == [">", ">", "<", "<", ">", ">", "<", "<"]
    assert "> <message to='a@b'/>" in lines
    assert "< <message to='a@b'/>" in lines
    assert "restricted-xml" in lines[-1]
    assert StreamError.__name__ not in log
