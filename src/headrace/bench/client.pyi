from typing import Protocol, final

from headrace.bench.flow import Flow, Load, Sender
from headrace.core.stanza import Stanza
from headrace.net.link import Link
from headrace.net.tls import TlsContext

class _Dialog(Protocol):
    """Who gets what belongs to no flow (headrace.bench.wire.Wire)."""

    def opened(self) -> None: ...
    def secured(self) -> None: ...
    def element(self, stanza: Stanza) -> None: ...
    def closed(self) -> None: ...
    def failed(self, condition: str, text: str) -> None: ...
    def gone(self, error: str | None) -> None: ...

@final
class Client(Sender):
    """One connection. Its link starts with it: link.start(client)."""

    dialog: _Dialog
    managed: bool
    """Stanzas are counted (XEP-0198): on by itself when <enabled/> or <resumed/> comes."""
    heard: int
    """Stanzas that came while managed, modulo 2**32; said: sent; acked: of those, acknowledged."""
    said: int
    acked: int
    page: int
    """Messages of an archive's page that have come, before the answer that ends it."""
    def __new__(cls, link: Link, dialog: _Dialog) -> Client: ...
    @property
    def link(self) -> Link: ...
    @property
    def load(self) -> Load | None: ...
    def send(self, data: bytes) -> None:
        """Bytes that are no stanza."""
    def send_stanza(self, stanza: bytes) -> None:
        """One stanza."""
    def restart(self) -> None:
        """The server begins a new document."""
    def start_tls(self, context: TlsContext) -> None: ...
    def take_part(self, load: Load, bare: str) -> None:
        """Stanzas with marks are counted and checked from now on. bare: its own address."""
    def receives(self, flow: Flow, number: int = 0) -> None:
        """The flow's stanzas come to this client, from that number on."""
    def adopt(self, other: Client) -> None:
        """Takes over what the other counted and expects; the other one ends (XEP-0198 5)."""
