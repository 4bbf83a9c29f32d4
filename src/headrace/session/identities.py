"""The XMPP addresses in a client's certificate (RFC 6120 13.7.1.4)."""

from collections.abc import Iterable

from cryptography import x509

from headrace.core.errors import JIDError
from headrace.core.jid import JID

XMPP_ADDR = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5")     # id-on-xmppAddr
_UTF8_STRING = 0x0C


def addresses(certificate: bytes | None, host: str) -> list[JID]:
    """The accounts of that host that a certificate (DER) names; each once."""
    found = {jid: None for name in names(certificate) if (jid := _address(name)) is not None and jid.domain == host}
    return list(found)


def names(certificate: bytes | None) -> Iterable[x509.GeneralName]:
    """Whom a certificate (DER) is for (subjectAltName); nobody, if it cannot be read."""
    if certificate is None:
        return ()
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        return parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return ()


def _address(name: x509.GeneralName) -> JID | None:
    if not isinstance(name, x509.OtherName) or name.type_id != XMPP_ADDR:
        return None
    try:
        jid = JID.parse(utf8_string(name.value), assigned=True)
    except (ValueError, JIDError):
        return None
    return jid if jid.local is not None and jid.resource is None else None


def utf8_string(der: bytes, *, tag: int = _UTF8_STRING) -> str:
    """ValueError if it is none. tag: of another kind of string. Lengths over 127 come as one byte that says how many
    bytes of length follow."""
    if len(der) < 2 or der[0] != tag:
        raise ValueError("another type")
    size, start = der[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(der[2:start], "big")
    if len(der) != start + size:
        raise ValueError("a string of another length")
    return der[start:].decode()
