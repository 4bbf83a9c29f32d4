"""XEP-0198: what of a peer's stanzas is done with. Native only."""

from typing import final

@final
class Management:
    id: bytes
    """The SM-ID."""
