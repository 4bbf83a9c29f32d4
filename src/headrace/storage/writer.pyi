from headrace.router.group import Group
from headrace.storage.connection import Connection

class GroupWriter:
    """Writes groups over a connection whose tables are those of sql/sqlite."""

    def __init__(self, connection: Connection) -> None: ...
    def write(self, group: Group, reserved: int = 0) -> None:
        """Commits the group in one transaction without the GIL, and in the same, unless it is 0, `reserved`:
        the id up to which none will be given again. Raises SqliteError; then nothing of it is stored."""
