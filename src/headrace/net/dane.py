"""The certificates of servers that call us, by DNSSEC (RFC 7673): those that they present to who calls them.

Where we call, TLS itself matches the records (headrace.net.link); who calls us has no place in DNS until it has said
who it is. What counts then is the server's own certificate (usage 3), of which nothing else has to be good.
"""

import asyncio
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from headrace.net.resolve import ResolveError, Resolver, Target, Tlsa

SECONDS = 10.0      # for all of it: somebody waits for our answer
MOST_ASKED = 64     # at a time
DANE_EE = 3


class Dane:
    """resolver: it validates."""

    def __init__(self, resolver: Resolver, *, seconds: float = SECONDS) -> None:
        self._resolver = resolver
        self._seconds = seconds
        self._slots = asyncio.Semaphore(MOST_ASKED)

    async def vouches(self, domain: str, certificate: bytes | None) -> bool:
        """Does secure DNS say that this certificate (DER) is that of the prepared domain's XMPP server?"""
        if certificate is None:
            return False
        try:
            async with asyncio.timeout(self._seconds), self._slots:
                targets = await self._resolver.targets(domain)
                found = await asyncio.gather(*map(self._records, targets))
        except (ResolveError, TimeoutError, UnicodeError):
            return False
        return any(matches(record, certificate) for records in found for record in records)

    async def _records(self, target: Target) -> list[Tlsa]:
        """None where DNS does not say: another place of the domain's may be told of."""
        try:
            return await self._resolver.tlsa(target)
        except ResolveError:
            return []


def matches(record: Tlsa, certificate: bytes) -> bool:
    """RFC 6698 2.1."""
    usage, selector, matching, data = record
    selected = _selected(selector, certificate) if usage == DANE_EE else None
    if selected is None:
        return False
    match matching:
        case 0:
            return selected == data
        case 1:
            return hashlib.sha256(selected).digest() == data
        case 2:
            return hashlib.sha512(selected).digest() == data
    return False


def _selected(selector: int, certificate: bytes) -> bytes | None:
    """The whole certificate, or its key."""
    if selector == 0:
        return certificate
    try:
        key = x509.load_der_x509_certificate(certificate).public_key() if selector == 1 else None
    except ValueError:
        return None
    return None if key is None else key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
