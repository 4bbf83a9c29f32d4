"""The data folder, and the storage that the configuration names."""

import os

from headrace.server.config import Config, StorageConfig
from headrace.storage.health import Log
from headrace.storage.ports import Storage, StorageUnavailable
from headrace.storage.sqlite import open_sqlite


async def open_storage(config: Config, *, server: bool = False, log: Log | None = None) -> Storage:
    """Makes the folder (for its owner only) if need be.

    server: this process serves from it, and is the only one to do so; commands that change accounts beside it leave it
    False. log: is told when the storage fails, and when it works again. Raises StorageLocked, StorageUnavailable."""
    try:
        config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageUnavailable(f"{config.data}: {error.strerror}") from error
    if config.storage.backend == "sqlite":
        return open_sqlite(config.database, durability=config.durability, server=server,
                           patience=config.storage.patience, log=log)
    try:
        from headrace.storage.postgres import open_postgres
    except ImportError as error:
        raise StorageUnavailable(f"PostgreSQL needs the extra headrace[postgres]: {error}") from error
    return await open_postgres(_dsn(config.storage), size=config.storage.pool, durability=config.durability,
                               server=server, patience=config.storage.patience, log=log)


def _dsn(storage: StorageConfig) -> str:
    if storage.dsn_file is None:
        return storage.dsn or os.environ.get("HEADRACE_DSN", "postgresql://")
    try:
        return storage.dsn_file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise StorageUnavailable(f"{storage.dsn_file}: {error.strerror}") from error
