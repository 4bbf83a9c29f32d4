"""A component (XEP-0114) that says to the server exactly what a test tells it to, and servers that know some.

    with placed(tmp_path, {"echo.localhost": ""}) as place:
        echo = place.component("echo.localhost")
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

from support.ports import unused_port
from support.rawclient import Client
from support.server import USERS, Server, running

ACCEPT = "{jabber:component:accept}"
HEADER = ("<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept'"
          " xmlns:stream='http://etherx.jabber.org/streams' to='{domain}'>")
SECRET = "s3cret"       # of all
LISTENER = """
[[listener]]
kind = "component"
address = "127.0.0.1"
port = {port}
tls = "optional"
"""
ENTRY = """
[[component]]
domain = "{domain}"
secret = "{secret}"
{options}
"""


class Component(Client):
    def __init__(self, port: int, domain: str) -> None:
        super().__init__(port, host=domain)
        self.domain = domain
        self.told: list[ET.Element] = []    # what it has heard first, where a fixture has waited for that

    def shake(self, secret: str) -> ET.Element:
        """The answer to its handshake, or what comes instead of a stream."""
        self.send(HEADER.format(domain=self.domain))
        while not self.head:
            self._receive()
            if (raw := self._cut()) is not None:    # a stream error came at once
                return ET.fromstring(self.head + raw + b"</stream:stream>")[0]
        stream = ET.fromstring(self.head + b"</stream:stream>").get("id", "")
        digest = sha1((stream + secret).encode()).hexdigest()
        self.send(f"<handshake>{digest}</handshake>")
        return self.next()

    def connect(self, secret: str = SECRET) -> "Component":
        assert self.shake(secret).tag == ACCEPT + "handshake", self.raw
        return self


def configuration(port: int, components: Mapping[str, str]) -> str:
    """components: by domain, what else its table has, in TOML."""
    return LISTENER.format(port=port) + "".join(
        ENTRY.format(domain=domain, secret=SECRET, options=options) for domain, options in components.items())


@dataclass
class Place:
    """A server that knows some components."""

    server: Server
    port: int       # for components

    def component(self, domain: str) -> Component:
        """Connected."""
        return Component(self.port, domain).connect()


@contextmanager
def placed(folder: Path, components: Mapping[str, str], *, users: Mapping[str, str] = USERS,
           twins: bool = False) -> Iterator[Place]:
    """In the end the server has had nothing to complain of. users, twins: of support.server.running()."""
    port = unused_port()
    with running(folder, users=users, twins=twins, more=configuration(port, components)) as server:
        yield Place(server, port)
        assert not server.complaints
