"""Clients: what a listener calls for each connection that it accepted."""

from headrace.net.link import Link
from headrace.net.tls import TlsContext
from headrace.session.config import C2SConfig
from headrace.session.handshake import Handshake
from headrace.session.negotiation import Negotiation
from headrace.session.offers import Offers
from headrace.session.services import Services

__all__ = ["C2S", "C2SConfig", "Services"]


class C2S:
    """The clients of one listener: `Listener(..., on_link=c2s.on_link)`."""

    def __init__(self, config: C2SConfig, services: Services, tls: TlsContext | None = None) -> None:
        """tls: for STARTTLS; the listener of a direct TLS connection has its own."""
        if config.tls != "direct" and tls is None:
            raise ValueError("STARTTLS needs a TLS context")
        self.config = config
        self._services = services
        self._offers = Offers(config, services)
        self._tls = tls

    def on_link(self, link: Link) -> Handshake:
        """The Sink of a new connection."""
        handshake = Handshake(link, self._services.sessions, self.config, self._tls)
        handshake.start(Negotiation(self.config, self._services, self._offers, handshake),
                        self._services.logins.under_way)
        return handshake
