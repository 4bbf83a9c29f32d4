"""What the operator lets components do for the users of our hosts (XEP-0356), as far as several modules need it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

Access = Literal["none", "get", "set", "both"]


@dataclass(frozen=True, slots=True)
class Grant:
    """To one component."""

    hosts: frozenset[str]  # whose users it is for
    roster: Access = "none"
    push: bool = False  # it is told of changes of rosters
    message: bool = False  # it writes messages in their names
    presence: bool = False  # it gets their presence
    contacts: bool = False  # and that of their contacts
    iq: Mapping[str, Access] = field(default_factory=dict)  # it asks in their names, by namespace


Grants = Mapping[str, Grant]
"""By the component's domain."""


def allows(access: Access, type: str | None) -> bool:
    """type: of an IQ request."""
    return access in ("both", type) and type in ("get", "set")


def of(grants: Grants, sender: str, host: str) -> Grant | None:
    """What this sender may do for users of that host. What is granted to a domain is not to addresses at it."""
    grant = grants.get(sender)
    return grant if grant is not None and host in grant.hosts else None


def told_of_rosters(grants: Grants, host: str) -> Iterator[str]:
    """Components that get roster pushes of its users."""
    return (domain for domain, grant in grants.items() if grant.push and host in grant.hosts)


def told_of_contacts(grants: Grants, host: str) -> Iterator[tuple[str, Grant]]:
    """Components that see whom its users see come and go."""
    return ((domain, grant) for domain, grant in grants.items() if grant.contacts and host in grant.hosts)


def told_of_presence(grants: Grants, host: str, contacts: Collection[str]) -> Iterator[str]:
    """Components that see an account of that host come and go, whom contacts at these domains see, too."""
    return (domain for domain, grant in grants.items()
            if grant.presence and (host in grant.hosts or (grant.contacts and not grant.hosts.isdisjoint(contacts))))
