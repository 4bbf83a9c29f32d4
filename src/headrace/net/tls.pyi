from collections.abc import Sequence
from os import PathLike
from typing import Self, final

class TlsError(ValueError):
    """A certificate, key or name that TLS cannot be done with; the text names the file and says why."""

@final
class TlsContext:
    """Certificates and policy of one listener: TLS 1.2 or later, forward secrecy only.

    certificate: PEM file with the chain, the server's own certificate first. key: PEM file, not encrypted.
    alpn: protocols in our order of preference; a client that offers ALPN and none of them is refused
    (RFC 7301 3.2; XEP-0368: "xmpp-client", "xmpp-server"); one that offers none is served.
    client_ca: PEM file of the authorities whose clients are asked for a certificate (XEP-0178); one that has none, or
    a bad one, is served too (TlsEngine.certificate tells). Such connections get no session tickets.
    name: whose certificate it is. Those who ask for nobody (SNI), or for whom we have no certificate, get the one of
    whom Link.start_tls() names, or else this.
    servers: those who connect are other servers: all are asked for a certificate, which has to be good for serverAuth
    and come from an authority in client_ca, or of the system's.
    ticket_seconds: after so long the next handshake makes a new key for session tickets; tickets of the old one are
    good for nothing then. set_ticket_key() ends that.
    Raises OSError for a file that can't be read, TlsError for one that can't be used.
    """

    def __init__(self, certificate: str | PathLike[str], key: str | PathLike[str], *,
                 name: str | None = None, alpn: Sequence[str] = ("xmpp-client",),
                 client_ca: str | PathLike[str] | None = None, servers: bool = False,
                 ticket_seconds: int = 86_400) -> None: ...
    @classmethod
    def client(cls, *, ca_file: str | PathLike[str] | None = None, verify: bool = True, alpn: Sequence[str] = (),
               certificate: str | PathLike[str] | None = None, key: str | PathLike[str] | None = None,
               judge_later: bool = False) -> Self:
        """For connections that we make. Verified are chain, purpose (serverAuth), time and the name given to
        Link.start(); ca_file replaces the system's authorities. verify=False: tests and load generators only.
        certificate, key: PEM files, who we say that we are if we are asked. judge_later: the handshake goes on
        whatever the peer's certificate is (TlsEngine.problem tells), and its names are for the caller to look at."""
    @property
    def server(self) -> bool: ...
    def add_host(self, name: str, certificate: str | PathLike[str], key: str | PathLike[str], *,
                 client_ca: str | PathLike[str] | None = None) -> None:
        """Clients that ask for `name` (SNI, RFC 6066 3) get this certificate, and are asked for theirs if there is a
        client_ca."""
    def reload(self) -> None:
        """Read all files again. Raises as the constructor does; then the old certificates stay in use.
        Established connections are not touched."""
    def set_ticket_key(self, key: bytes) -> None:
        """80 random bytes that workers share and replace; without it a key of our own is replaced daily.
        Tickets under an earlier key lead to a full handshake. Raises ValueError for another length."""

@final
class TlsEngine:
    """One connection's TLS; found as Link.tls."""

    @property
    def established(self) -> bool: ...
    @property
    def server_name(self) -> str | None:
        """The name that the client asked for (SNI)."""
    @property
    def alpn(self) -> str | None:
        """The protocol agreed on."""
    @property
    def version(self) -> str | None:
        """Such as TLSv1.3."""
    @property
    def cipher(self) -> str | None:
        """OpenSSL's name of the cipher suite."""
    @property
    def resumed(self) -> bool: ...
    @property
    def error(self) -> str | None: ...
    @property
    def pinned(self) -> bool:
        """There are usable TLSA records (Link.tlsa): a certificate that matches none of them is a problem."""
    @property
    def usage(self) -> int:
        """Certificate usage (RFC 6698 2.1.1) of the record that it matches: for 3, neither names nor time count. -1: it
        matches none."""
    @property
    def certificate(self) -> bytes | None:
        """The peer's, as DER: None unless chain, purpose and time are good."""
    @property
    def presented(self) -> bytes | None:
        """The peer's, as DER, good or not."""
    @property
    def problem(self) -> str | None:
        """Why there is no certificate(), in English; None if there is one."""
    def bindings(self) -> tuple[str, ...]:
        """The channel-binding types that this connection has, the strongest first."""
    def binding(self, kind: str) -> bytes | None:
        """A server's channel-binding data: "tls-exporter" (RFC 9266; TLS 1.3, or 1.2 with the extended master
        secret) or "tls-server-end-point" (RFC 5929 4). None for others and where it is not defined."""
