"""Namespaces that components answer for (XEP-0355), and what those components can do, for whoever asks our domains."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

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
    """All delegations. Abilities become known when components connect."""

    delegations: tuple[Delegation, ...] = ()
    asking: dict[tuple[str, str], str] = field(default_factory=dict)  # (account, id) of a request in its name: by whom
    _known: dict[tuple[str, str, bool], Abilities] = field(default_factory=dict)

    def of(self, namespace: str, host: str) -> Delegation | None:
        return next((each for each in self.delegations if each.namespace == namespace and host in each.hosts), None)

    def learn(self, namespace: str, host: str, abilities: Abilities, *, bare: bool) -> None:
        """bare: of accounts, not of the host."""
        self._known[namespace, host, bare] = abilities

    def known(self, host: str, *, bare: bool) -> Mapping[str, Abilities]:
        """By namespace."""
        return {namespace: abilities for (namespace, where, kind), abilities in self._known.items()
                if (where, kind) == (host, bare)}

    def to(self, component: str, host: str) -> Iterator[Delegation]:
        return (each for each in self.delegations if each.component == component and host in each.hosts)
