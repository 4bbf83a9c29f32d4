"""How many connections an address may have, and who counts them (protocol.md 9)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from time import monotonic

SWEEP_SECONDS = 10.0  # idle addresses are forgotten this often: their buckets fill in 4 s
KEPT = 4096  # addresses of which we know whether they are exempt: each login asks several times


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Per address means IPv4 /32 or IPv6 /64; loopback and `proxies` are bound by the totals only."""

    rate: float = 30.0  # new connections a second per address: phones behind a NAT, no flood
    burst: int = 100  # of them at once
    open: int = 1000  # per address: a large office behind one NAT
    unauthenticated: int = 20  # per address: a login takes under a second; 20 at a time
    total_unauthenticated: int = 2000  # in all: each may hold some 100 KiB while it negotiates
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()  # exempt from what counts per address, as loopback is
    exempt_loopback: bool = True


@dataclass(slots=True)
class _Address:
    tokens: float
    filled: float  # monotonic seconds
    open: int = 0
    unauthenticated: int = 0


@dataclass(slots=True)
class Admission:
    """The account of who is connected; one for all listeners of a server."""

    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    clock: Callable[[], float] = monotonic
    open: int = 0
    unauthenticated: int = 0
    refused: dict[str, int] = field(default_factory=dict)  # reason -> connections, for metrics
    _addresses: dict[str, _Address] = field(default_factory=dict)
    _swept: float = 0.0
    _exempt: dict[str, bool] = field(default_factory=dict)

    def admit(self, address: str) -> str | None:
        """Count a new connection; or the reason why it must not be served ("rate", "open", "unauthenticated",
        "total"), then nothing is counted but the refusal."""
        reason = self._refusal(address)
        if reason is not None:
            self.refused[reason] = self.refused.get(reason, 0) + 1
            return reason
        self.open += 1
        self.unauthenticated += 1
        return None

    def authenticated(self, address: str) -> None:
        """A connection counted by admit() has logged in: once for each."""
        self.unauthenticated -= 1
        entry = self._addresses.get(network(address))
        if entry is not None:
            entry.unauthenticated -= 1

    def gone(self, address: str, *, authenticated: bool) -> None:
        """A connection counted by admit() is closed."""
        if not authenticated:
            self.authenticated(address)
        self.open -= 1
        entry = self._addresses.get(network(address))
        if entry is not None:
            entry.open -= 1

    def exempt(self, address: str) -> bool:
        """Is this an address that stands for many (loopback, a listed proxy)?"""
        known = self._exempt.get(address)
        if known is None:
            if len(self._exempt) >= KEPT:
                self._exempt.clear()
            known = self._exempt[address] = self._stands_for_many(address)
        return known

    def _stands_for_many(self, address: str) -> bool:
        if not address:  # not an IP socket: a local proxy
            return True
        ip = _parse(address)
        if ip.is_loopback and self.limits.exempt_loopback:
            return True
        return any(ip in net for net in self.limits.proxies)

    def _refusal(self, address: str) -> str | None:
        limits = self.limits
        if self.unauthenticated >= limits.total_unauthenticated:
            return "total"
        if self.exempt(address):
            return None
        entry = self._entry(network(address))
        if entry.tokens < 1:
            return "rate"
        entry.tokens -= 1
        if entry.open >= limits.open:
            return "open"
        if entry.unauthenticated >= limits.unauthenticated:
            return "unauthenticated"
        entry.open += 1
        entry.unauthenticated += 1
        return None

    def _entry(self, key: str) -> _Address:
        now = self.clock()
        if now - self._swept >= SWEEP_SECONDS:
            self._sweep(now)
        entry = self._addresses.get(key)
        if entry is None:
            entry = self._addresses[key] = _Address(self.limits.burst, now)
        else:
            entry.tokens = min(self.limits.burst, entry.tokens + (now - entry.filled) * self.limits.rate)
            entry.filled = now
        return entry

    def _sweep(self, now: float) -> None:
        full = self.limits.burst / self.limits.rate
        self._swept = now
        self._addresses = {
            key: entry for key, entry in self._addresses.items() if entry.open or now - entry.filled < full
        }


def network(address: str) -> str:
    """The key an address is counted under: IPv4 itself (also when mapped into IPv6), IPv6 its /64."""
    if ":" not in address:
        return address
    ip = _parse(address)
    if ip.version == 4:
        return str(ip)
    return str(ipaddress.IPv6Address(int(ip) >> 64 << 64))


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    ip = ipaddress.ip_address(address)
    return ip.ipv4_mapped or ip if isinstance(ip, ipaddress.IPv6Address) else ip
