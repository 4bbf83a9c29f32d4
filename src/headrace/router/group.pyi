"""Messages on their way to the storage, packed."""

from enum import IntFlag
from typing import final

class MessageFlag(IntFlag):
    """What becomes of a message; `a` sent it, `b` is whom it is for."""

    M_OFFLINE = 1
    """Waits for an acknowledgement by a session of b, and is in no archive of b; goes then."""
    M_ARCHIVE_A = 2
    """Is in a's archive."""
    M_ARCHIVE_B = 4
    """Is in b's archive."""
    M_GIVEN = 8
    """Of the kind that a login is given (XEP-0160), if it lies beyond b's mark."""
    M_SPOOL = 16
    """Waits until b's server has it: is in the outgoing spool, whatever else it is in."""

@final
class Group:
    """Messages packed into one buffer, to be committed together, in the order of their ids."""

    count: int
    @property
    def size(self) -> int:
        """Bytes packed."""
    @property
    def finished(self) -> list[int]:
        """Ids of messages that leave the spool in the same commit."""

    def __init__(self) -> None: ...
    def __len__(self) -> int: ...
    def add(
        self, id: int, a: bytes, b: bytes, stanza: bytes, flags: int = ..., sm_key: int = 0, h: int = 0
    ) -> None:
        """Ids grow. `a` and `b`: prepared bare JIDs of sender and recipient; flags: MessageFlag, M_OFFLINE unless
        given; sm_key, h: the sender's session (XEP-0198) and its h once this is kept."""

    def fail(self, error: BaseException) -> None:
        """It will not be committed: who waits gets this error."""
