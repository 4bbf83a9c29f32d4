"""What the operator says of one domain, as far as modules are concerned (headrace.server.config reads it)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headrace.xep.mam import Default


@dataclass(frozen=True, slots=True)
class Host:
    admins: frozenset[str] = frozenset()  # prepared bare JIDs of those who may administer it
    contacts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # URIs by purpose (XEP-0157)
    anonymous: bool = False  # its users have no accounts (XEP-0175)
    archive: Default = "always"  # whose messages its users' archives take, unless they say otherwise (XEP-0441)
