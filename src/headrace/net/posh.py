"""PKIX over secure HTTP (RFC 7711): a domain's web server says which certificates its XMPP server has."""

import asyncio
import io
import json
import socket
import ssl
from base64 import b64decode
from collections.abc import Callable, Mapping
from hashlib import sha256
from http.client import HTTPException, HTTPResponse
from ipaddress import ip_address
from pathlib import Path
from time import monotonic
from typing import cast
from urllib.parse import urljoin, urlsplit

from headrace.net.connect import connect
from headrace.net.resolve import ResolveError, Resolver, Target, a_labels

PLACE = "/.well-known/posh/xmpp-server.json"
PORT = 443
MOST_BYTES = 65536      # of an answer: hundreds of certificates
MOST_NAMED = 100        # certificates of a domain that are remembered
MOST_STEPS = 4          # redirections, and the document's own reference to another
SECONDS = 10.0          # for all of it
LONGEST = 86_400.0      # s for which a document is believed, whatever it says: a stolen key must end some day
FORGOTTEN = 60.0        # s until a domain without a document is asked again
MOST_KNOWN = 1_000      # domains
MOST_ASKED = 64         # at a time; each is a connection of ours to somebody


class PoshError(Exception):
    """A domain's document cannot be had, or says nothing."""


class Posh:
    """authorities: PEM, who vouches for web servers; the system's if None. places: (address, port) of web servers by
    domain, instead of port 443 of its public addresses."""

    def __init__(self, resolver: Resolver, authorities: Path | None = None,
                 places: Mapping[str, tuple[str, int]] | None = None, *, seconds: float = SECONDS,
                 now: Callable[[], float] = monotonic) -> None:
        self._resolver = resolver
        self._tls = ssl.create_default_context(cafile=authorities)
        self._places = dict(places or {})
        self._seconds = seconds
        self._slots = asyncio.Semaphore(MOST_ASKED)
        self._now = now
        self._known: dict[str, tuple[frozenset[bytes], float]] = {}     # SHA-256 of certificates, and until when
        self._asking: dict[str, asyncio.Future[frozenset[bytes]]] = {}

    async def vouches(self, domain: str, certificate: bytes | None) -> bool:
        """Does the prepared domain's web server say that this certificate (DER) is its XMPP server's?"""
        return certificate is not None and sha256(certificate).digest() in await self._fingerprints(domain)

    async def _fingerprints(self, domain: str) -> frozenset[bytes]:
        found, until = self._known.pop(domain, (frozenset[bytes](), 0.0))
        if until > self._now():
            self._known[domain] = found, until
            return found
        asking = self._asking.get(domain)
        if asking is None:
            asking = self._asking[domain] = asyncio.ensure_future(self._ask(domain))
            asking.add_done_callback(lambda _: self._asking.pop(domain))
        return await asyncio.shield(asking)     # others may wait for it when this one does no longer

    async def _ask(self, domain: str) -> frozenset[bytes]:
        try:
            async with self._slots, asyncio.timeout(self._seconds):
                found, seconds = await self._document(domain)
        # TimeoutError and SSLError are OSErrors; what is no URL, or no name, is a ValueError in many places.
        except (PoshError, ResolveError, OSError, ValueError):
            found, seconds = frozenset[bytes](), FORGOTTEN
        while len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[domain] = found, self._now() + seconds
        return found

    async def _document(self, domain: str) -> tuple[frozenset[bytes], float]:
        """What it says, and for how long. It may refer to another place once (RFC 7711 3.2)."""
        url, longest, referred = f"https://{a_labels(domain)}{PLACE}", LONGEST, False
        for _ in range(MOST_STEPS):
            answer, text = await self._get(url)
            if answer.status in (301, 302, 303, 307, 308):
                url = urljoin(url, answer.headers.get("Location", ""))
                continue
            if answer.status != 200:
                raise PoshError(f"{url}: {answer.status}")
            document = read(text)
            expires = document.get("expires")
            if not isinstance(expires, int | float) or expires <= 0:    # it must be there (RFC 7711 3.1)
                raise PoshError(f"{url}: no time to keep it")
            longest = min(longest, expires)
            if "url" not in document:
                return fingerprints(document), longest
            if referred:
                break
            url, referred = str(document["url"]), True
        raise PoshError(f"{domain}: sent from place to place")

    async def _get(self, url: str) -> tuple[HTTPResponse, bytes]:
        """HTTP/1.0: the answer ends where the connection does."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or PORT
        except ValueError:
            raise PoshError(f"{url!r} is no URL") from None
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if (parts.scheme, port) != ("https", PORT) or not host or not (host + path).isascii() or " " in path:
            raise PoshError(f"{url!r}: not a place on the secure web")
        fd = await self._connect(host)
        reader, writer = await asyncio.open_connection(
            sock=socket.socket(fileno=fd), ssl=self._tls, server_hostname=host, limit=MOST_BYTES)
        try:
            writer.write(f"GET {path or '/'} HTTP/1.0\r\nHost: {host}\r\nAccept: application/json\r\n\r\n".encode())
            raw = bytearray()
            while chunk := await reader.read(MOST_BYTES):
                raw += chunk
                if len(raw) > MOST_BYTES:
                    raise PoshError(f"{url}: too large")
        finally:
            writer.transport.abort()
        return parsed(bytes(raw))

    async def _connect(self, host: str) -> int:
        place = self._places.get(host)
        addresses = [place] if place else [
            each for each in await self._resolver.addresses(Target(host, PORT)) if ip_address(each[0]).is_global]
        if not addresses:   # a stranger names it, and gets us to connect: not to what only we can reach
            raise PoshError(f"{host} is not on the public internet")
        fd, _ = await connect(addresses)
        return fd


class _Received:
    """What HTTPResponse reads from."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._raw)


def parsed(raw: bytes) -> tuple[HTTPResponse, bytes]:
    response = HTTPResponse(cast(socket.socket, _Received(raw)))
    try:
        response.begin()
        return response, response.read()
    except (HTTPException, ValueError) as error:
        raise PoshError(f"not HTTP: {error}") from None


def read(text: bytes) -> dict[str, object]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise PoshError("not JSON") from None
    if not isinstance(document, dict):
        raise PoshError("not a POSH document")
    return document


def fingerprints(document: Mapping[str, object]) -> frozenset[bytes]:
    """SHA-256 of the first certificates that it names; other hashes are passed over."""
    found, listed = set[bytes](), document.get("fingerprints")
    for each in listed[:MOST_NAMED] if isinstance(listed, list) else []:
        text = each.get("sha-256") if isinstance(each, dict) else None
        try:
            found.add(b64decode(text, validate=True) if isinstance(text, str) else b"")
        except ValueError:
            continue
    return frozenset(each for each in found if len(each) == sha256().digest_size)
