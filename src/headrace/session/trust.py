"""Whom a certificate names: the domains that a server may speak for (RFC 6120 13.7.1.2, RFC 6125 6.4, RFC 7590 3.4)."""

from cryptography import x509

from headrace.net.resolve import a_labels, literal
from headrace.session.identities import XMPP_ADDR, names, utf8_string

_DNS_SRV = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7")       # id-on-dnsSRV (RFC 4985)
_IA5_STRING = 0x16
_SERVICE = "_xmpp-server."


def proves(certificate: bytes | None, domain: str) -> bool:
    """Is this certificate (DER; its chain is the caller's business) for the prepared domain?"""
    presented = names(certificate)
    wanted = a_labels(domain) if presented else ""
    return any(_is_for(name, domain, wanted) for name in presented)


def _is_for(name: x509.GeneralName, domain: str, wanted: str) -> bool:
    if isinstance(name, x509.DNSName):
        return _matches(name.value.lower(), wanted)
    if isinstance(name, x509.IPAddress):
        return literal(domain) == name.value
    if not isinstance(name, x509.OtherName):
        return False
    try:
        if name.type_id == XMPP_ADDR:      # whole, no wildcards
            return a_labels(utf8_string(name.value)) == wanted
        if name.type_id == _DNS_SRV:
            service = utf8_string(name.value, tag=_IA5_STRING).lower()
            return service.startswith(_SERVICE) and _matches(service.removeprefix(_SERVICE), wanted)
    except ValueError:
        pass
    return False


def _matches(presented: str, wanted: str) -> bool:
    """A wildcard stands for one whole label, the first (RFC 6125 6.4.3)."""
    if presented.startswith("*."):
        first, _, rest = wanted.partition(".")
        return bool(first) and "." in rest and rest == presented[2:]
    return presented == wanted
