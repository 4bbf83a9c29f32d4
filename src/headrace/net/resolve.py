"""Where a domain's server is: what the operator says, else DNS (RFC 6120 3.2, XEP-0368); and by DNSSEC, what its
certificate is (DANE: RFC 6698, RFC 7673)."""

import asyncio
import ipaddress
import random
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.nameserver
import dns.rdata
import dns.resolver
from dns.rdtypes.ANY.TLSA import TLSA
from dns.rdtypes.IN.SRV import SRV

from headrace.net.connect import interleaved

PORT = 5269             # without SRV records
SECONDS = 10.0          # for one answer, repeats included
MOST_TLSA = 32          # of a place's: each costs a hash
MOST_TARGETS = 8        # of a domain's SRV records: a dial must end some day


class ResolveError(Exception):
    """A domain's server cannot be found. absent: DNS says that there is none; else it may be found later."""

    def __init__(self, text: str, *, absent: bool) -> None:
        super().__init__(text)
        self.absent = absent


@dataclass(frozen=True, slots=True)
class Target:
    """A place to connect to."""

    host: str           # a name, or an IP literal
    port: int
    direct: bool = False    # TLS from the first byte (XEP-0368)
    secure: bool = False    # DNSSEC says that the domain's server is there

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" + (" (direct TLS)" if self.direct else "")


@dataclass(frozen=True, slots=True)
class Record:
    """An SRV record."""

    priority: int
    weight: int
    target: Target


Tlsa = tuple[int, int, int, bytes]
"""What a server's certificate has to match: usage, selector, matching type, data (RFC 6698 2.1)."""


class Answer(NamedTuple):
    """secure: the resolver says that it has validated it (RFC 4035 3.2.3), also that there are no records."""

    records: Sequence[dns.rdata.Rdata]
    secure: bool


class Resolver:
    """routes: places by domain, which are asked of nobody. servers: (address, port) of resolvers; the system's if there
    are none. validating: they are trusted to validate (DNSSEC), and so is the way to them."""

    def __init__(self, servers: Sequence[tuple[str, int]] = (), routes: Mapping[str, Sequence[Target]] | None = None, *,
                 validating: bool = False, seconds: float = SECONDS) -> None:
        self._servers = servers
        self._validating = validating
        self._routes = dict(routes or {})
        self._seconds = seconds
        self._dns: dns.asyncresolver.Resolver | None = None

    async def targets(self, domain: str) -> list[Target]:
        """Where to try, in that order. Raises ResolveError."""
        known = self._routes.get(domain)
        if known:
            return list(known)
        if literal(domain) is not None:
            return [Target(domain.strip("[]"), PORT)]
        name = a_labels(domain)
        direct, plain = await self._both(
            self._ask(f"_xmpps-server._tcp.{name}", "SRV"), self._ask(f"_xmpp-server._tcp.{name}", "SRV"))
        records = [*_records(direct, direct=True), *_records(plain, direct=False)]
        if not records:
            return [Target(name, PORT, secure=direct.secure and plain.secure)]
        targets = [target for target in ordered(records) if target.host]
        if not targets:     # "." as the only target: decidedly not available (RFC 2782)
            raise ResolveError(f"{domain} has no XMPP server, its SRV records say", absent=True)
        return targets[:MOST_TARGETS]

    async def addresses(self, target: Target) -> list[tuple[str, int]]:
        """Its addresses, in the order in which to try them. Raises ResolveError."""
        if literal(target.host) is not None:
            return [(target.host, target.port)]
        six, four = await self._both(self._ask(target.host, "AAAA"), self._ask(target.host, "A"))
        found = interleaved([answer.to_text() for answer in [*six.records, *four.records]])
        if not found:
            raise ResolveError(f"{target.host} has no address", absent=True)
        return [(address, target.port) for address in found]

    async def tlsa(self, target: Target) -> list[Tlsa]:
        """What the certificate there has to match, if both are secure: where it is, and this (RFC 7673 3). Raises
        ResolveError where that can't be known: an attacker may hide it."""
        if not target.secure or literal(target.host) is not None:
            return []
        answer = await self._ask(f"_{target.port}._tcp.{target.host}", "TLSA")
        if not answer.secure:
            return []
        return [(each.usage, each.selector, each.mtype, each.cert)
                for each in answer.records[:MOST_TLSA] if isinstance(each, TLSA)]

    async def _both(self, first: Awaitable[Answer], second: Awaitable[Answer]) -> tuple[Answer, Answer]:
        """One of two questions may stay without an answer, if the other one found something."""
        answers = await asyncio.gather(first, second, return_exceptions=True)
        found = [answer for answer in answers if isinstance(answer, Answer)]
        failed = [answer for answer in answers if isinstance(answer, BaseException)]
        if failed and not any(answer.records for answer in found):
            raise failed[0]
        one, other = (answer if isinstance(answer, Answer) else Answer((), secure=False) for answer in answers)
        return one, other

    async def _ask(self, name: str, kind: str) -> Answer:
        """The records; none if there are none. Raises ResolveError if DNS does not say."""
        try:
            answer = await self._resolver().resolve(name, kind, search=False, lifetime=self._seconds,
                                                    raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN as error:
            return Answer((), self._secure(*error.responses().values()))  # type: ignore[no-untyped-call]
        except (dns.exception.DNSException, OSError) as error:
            raise ResolveError(f"DNS does not answer for {name}: {type(error).__name__}", absent=False) from error
        return Answer(list(answer.rrset or ()), self._secure(answer.response))

    def _secure(self, *responses: dns.message.Message) -> bool:
        return self._validating and all(response.flags & dns.flags.AD for response in responses)

    def _resolver(self) -> dns.asyncresolver.Resolver:
        if self._dns is None:
            self._dns = dns.asyncresolver.Resolver(configure=not self._servers)
            if self._servers:
                self._dns.nameservers = [dns.nameserver.Do53Nameserver(*server) for server in self._servers]
            if self._validating:    # AD in a question: we understand it in the answer (RFC 6840 5.7)
                self._dns.set_flags(dns.flags.RD | dns.flags.AD)
        return self._dns


def _records(answer: Answer, *, direct: bool) -> list[Record]:
    return [Record(each.priority, each.weight,
                   Target(each.target.to_text(omit_final_dot=True).rstrip("."), each.port, direct, answer.secure))
            for each in answer.records if isinstance(each, SRV)]


def ordered(records: Sequence[Record]) -> list[Target]:
    """By priority; within one, at random by weight (RFC 2782). Both services count as one (XEP-0368 3)."""
    found, left = [], sorted(records, key=lambda record: (record.priority, record.weight != 0))
    while left:
        group = [record for record in left if record.priority == left[0].priority]
        point = random.uniform(0, sum(record.weight for record in group))
        for record in group:
            point -= record.weight
            if point <= 0:
                break
        found.append(record.target)
        left.remove(record)
    return found


def a_labels(domain: str) -> str:
    """As DNS has it. UnicodeError for what can't be there; JIDs allow more."""
    lower = domain.lower()
    return lower if lower.isascii() else lower.encode("idna").decode()


def literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that stands there instead of a name, perhaps in brackets."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
