"""The data folder and the storage in it."""

from headrace.server.config import Config
from headrace.storage.ports import StorageUnavailable
from headrace.storage.sqlite import SqliteStorage, open_sqlite


def open_storage(config: Config, *, server: bool = False) -> SqliteStorage:
    """Makes the folder (for its owner only) if need be. `server` and what is raised: see open_sqlite()."""
    try:
        config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageUnavailable(f"{config.data}: {error.strerror}") from error
    return open_sqlite(config.database, durability=config.durability, server=server)
