"""JIDs: RFC 7622 lengths and separators, RFC 6122 preparation. The prepared form is the only table key."""

from typing import final

@final
class JID:
    """A prepared JID; frozen, hashable, equal by its full form."""

    local: str | None
    domain: str
    resource: str | None
    bare: str
    """`local@domain`, or `domain`."""
    full: str
    """With the resource, where there is one. Also str(jid)."""

    def __init__(
        self, local: str | None, domain: str, resource: str | None = None, *, assigned: bool = False
    ) -> None:
        """From parts, each prepared. Raises JIDError.

        assigned: refuse code points that Unicode 3.2 doesn't know (RFC 6122; asked for our own accounts).
        """

    @staticmethod
    def parse(text: str, *, assigned: bool = False) -> JID:
        """From its text. Raises JIDError with the part and the reason."""

    def with_resource(self, resource: str | None) -> JID:
        """The same account with this resource, or bare. Raises JIDError."""

    def __hash__(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...

@final
class JidCache:
    """Bounded memory of prepared JIDs, for the native side; one per reactor.

    capacity: entries kept; the oldest of a set of four makes place for a new one.
    """

    used: int
    """Entries in use."""

    def __init__(self, capacity: int = 2048) -> None: ...
    def lookup(self, raw: bytes) -> bytes | None:
        """The prepared form of `raw`; None for what is not a JID."""
