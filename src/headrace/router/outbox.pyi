"""The queue of stanzas towards one session (protocol.md 7)."""

from typing import final

@final
class Outbox:
    """Bytes enter and leave natively; Python only looks."""

    unsent_bytes: int
    unsent: int
    """Stanzas not yet written whole."""
    written_bytes: int
    """Ever written, that is, accepted by the socket or by TLS."""
    progress: int
    """Nanoseconds of the reactor's clock: when something was last written, or became unsent after a time without."""
