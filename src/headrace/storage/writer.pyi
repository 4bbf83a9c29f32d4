from enum import IntFlag

from headrace.storage.connection import Connection

class MessageFlag(IntFlag):
    M_OFFLINE = 1
    """Waits for its owner's next login; goes when delivered."""

class Group:
    """Messages packed into one buffer, to be committed together, in the order of their ids."""

    count: int
    @property
    def size(self) -> int:
        """Bytes packed."""

    def __len__(self) -> int: ...
    def add(self, id: int, owner: bytes, peer: bytes, stanza: bytes, flags: int = ...) -> None:
        """Ids grow. `owner` and `peer` are prepared bare JIDs; flags: MessageFlag, M_OFFLINE unless given."""

class GroupWriter:
    """Writes groups over a connection whose tables are those of sql/sqlite/0003_messages.sql."""

    def __init__(self, connection: Connection) -> None: ...
    def write(self, group: Group, reserved: int = 0) -> None:
        """Commits the group in one transaction without the GIL, and in the same, unless it is 0, `reserved`:
        the id up to which none will be given again. Raises SqliteError; then nothing of it is stored."""
