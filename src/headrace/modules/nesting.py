"""Namespaces that components answer for (XEP-0355), and what those components can do, for whoever asks our domains."""

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_bytes, token_hex

from headrace.xep.disco import Identity


@dataclass(frozen=True, slots=True)
class Delegation:
    """Of one namespace to one component."""

    component: str
    namespace: str
    hosts: frozenset[str]  # whose users' requests go there, and those to the host itself
    attributes: tuple[str, ...] = ()  # that the payload must have; else the request stays here


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a component says of one namespace."""

    identities: tuple[Identity, ...] = ()
    features: tuple[str, ...] = ()
    forms: tuple[bytes, ...] = ()  # XEP-0128, as XML


@dataclass
class Nesting:
    """All delegations. Abilities become known when components connect.

    What a component asks in an account's name (XEP-0356) has an id that says so, to whatever worker it gets."""

    delegations: tuple[Delegation, ...] = ()
    secret: bytes = field(default_factory=lambda: token_bytes(32), repr=False)  # of all workers
    _known: dict[tuple[str, str, bool], Abilities] = field(default_factory=dict)

    def of(self, namespace: str, host: str) -> Delegation | None:
        return next((each for each in self.delegations if each.namespace == namespace and host in each.hosts), None)

    def id_for(self, component: str, account: str) -> str:
        """The id of another request in the account's name."""
        nonce = token_hex(16)
        return nonce + self._seal(component, account, nonce)

    def asks(self, component: str, account: str, id: str) -> bool:
        """Is it the component that has asked this, in the account's name?"""
        seal = self._seal(component, account, id[:32])
        return hmac.compare_digest(id[32:].encode(), seal.encode())

    def _seal(self, component: str, account: str, nonce: str) -> str:
        return hmac.new(self.secret, f"in a name {component} {account} {nonce}".encode(), sha256).hexdigest()[:32]

    def learn(self, namespace: str, host: str, abilities: Abilities, *, bare: bool) -> None:
        """bare: of accounts, not of the host."""
        self._known[namespace, host, bare] = abilities

    def known(self, host: str, *, bare: bool) -> Mapping[str, Abilities]:
        """By namespace."""
        return {namespace: abilities for (namespace, where, kind), abilities in self._known.items()
                if (where, kind) == (host, bare)}

    def to(self, component: str, host: str) -> Iterator[Delegation]:
        return (each for each in self.delegations if each.component == component and host in each.hosts)
