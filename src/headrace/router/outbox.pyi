"""The queue of stanzas towards one session (protocol.md 7)."""

from typing import final

@final
class Outbox:
    """Bytes enter and leave natively; Python only looks."""

    unsent_bytes: int
    unsent: int
    """Stanzas not yet written whole."""
    held_bytes: int
    """Written and not acknowledged; 0 without stream management."""
