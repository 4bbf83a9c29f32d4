"""The queue of stanzas towards one session (protocol.md 7)."""

from typing import final

@final
class Outbox:
    """Bytes enter and leave natively; Python only looks."""

    unsent_bytes: int
    unsent: int
    """Stanzas not yet written whole."""
    written_bytes: int
    """Ever written, that is, accepted by the socket or by TLS. What a resumed session is sent again counts once."""
    progress: int
    """Nanoseconds of the reactor's clock: when something was last written, or became unsent after a time without."""
    managed: bool
    """Stanzas stay until they are acknowledged (XEP-0198)."""
    unacknowledged: int
    """Stanzas written whole but not acknowledged; 0 unless managed."""
    unacknowledged_bytes: int
    """Of them, and what is written of the next."""
    acknowledged: int
    """Stanzas acknowledged since it was managed."""
    reached: int
    """The highest archive number that was done with."""
