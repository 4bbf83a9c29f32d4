"""Another server, that says to ours exactly what a test tells it to.

    there = Stranger(site, "b.example", authority, authority.issue("b.example", ["b.example"]))
    features = there.secured()
"""

import base64
import ssl
import xml.etree.ElementTree as ET
from pathlib import Path

from support.federated import Authority, Site
from support.rawclient import SASL, TLS, Client

SERVED = "{jabber:server}"
DIALBACK = "{jabber:server:dialback}"
HEADER = ("<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'"
          " xmlns:db='jabber:server:dialback'{addresses} version='1.0'>")


class Stranger(Client):
    def __init__(self, site: Site, domain: str, authority: Authority, pair: tuple[Path, Path] | None = None) -> None:
        self.domain = domain
        self.context = ssl.create_default_context(cafile=str(authority.file))
        if pair is not None:
            self.context.load_cert_chain(*pair)
        super().__init__(site.port, host=site.domain)

    def hello(self, **addresses: str) -> ET.Element:
        """Opens a stream; what comes first. addresses: from_ and to, if they are not the true ones."""
        self.restart()
        values = {"from_": self.domain, "to": self.host, **addresses}
        written = "".join(f" {name.rstrip('_')}='{value}'" for name, value in values.items() if value)
        self.send(HEADER.format(addresses=written))
        return self.next()

    def secured(self) -> ET.Element:
        """Features inside TLS."""
        self.hello()
        self.send(f"<starttls xmlns='{TLS[1:-1]}'/>")
        assert self.next().tag == TLS + "proceed"
        self.secure(self.context)
        return self.hello()

    def external(self, name: str = "") -> ET.Element:
        text = base64.b64encode(name.encode()).decode() or "="
        self.send(f"<auth xmlns='{SASL[1:-1]}' mechanism='EXTERNAL'>{text}</auth>")
        return self.next()

    def logged_in(self) -> "Stranger":
        assert offers_external(self.secured())
        assert self.external().tag == SASL + "success"
        self.hello()
        return self

    def claim(self, domain: str, to: str, key: str = "key") -> ET.Element:
        self.send(f"<db:result from='{domain}' to='{to}'>{key}</db:result>")
        return self.next()

    def asks(self, domain: str, to: str, stream: str, key: str) -> ET.Element:
        self.send(f"<db:verify from='{domain}' to='{to}' id='{stream}'>{key}</db:verify>")
        return self.next()


def offers_external(features: ET.Element) -> bool:
    return [e.text for e in features.iter(SASL + "mechanism")] == ["EXTERNAL"]


def refusal(answer: ET.Element) -> str:
    """The condition in a dialback element of type error."""
    assert answer.get("type") == "error"
    return next(e.tag.rpartition("}")[2] for e in answer.iter() if "xmpp-stanzas" in e.tag)
