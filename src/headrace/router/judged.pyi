"""Judged children (protocol.md 1): what the server must look at before a stanza goes on."""

from enum import IntEnum

class Origin(IntEnum):
    """Where a stanza comes from."""

    FROM_CLIENT = 1
    FROM_PEER = 2

ROWS: tuple[tuple[int, str, str | None, int], ...]
"""(headrace.core.names.Known, namespace, name or None for any, bits of Origin)."""

def judged(namespace: str, name: str, origin: int) -> bool:
    """Whether a direct child of this name is judged in a stanza from there."""
