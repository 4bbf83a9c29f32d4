"""A component (XEP-0114) that says to the server exactly what a test tells it to."""

import xml.etree.ElementTree as ET
from hashlib import sha1

from support.rawclient import Client

ACCEPT = "{jabber:component:accept}"
HEADER = ("<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept'"
          " xmlns:stream='http://etherx.jabber.org/streams' to='{domain}'>")


class Component(Client):
    def __init__(self, port: int, domain: str) -> None:
        super().__init__(port, host=domain)
        self.domain = domain

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

    def connect(self, secret: str) -> "Component":
        assert self.shake(secret).tag == ACCEPT + "handshake", self.raw
        return self
