"""The data folder, and the storage that the configuration names."""

import os
import secrets

from headrace.server.config import Config, StorageConfig
from headrace.session.fast import KEY_BYTES
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


def token_key(config: Config) -> bytes:
    """The key of login tokens (XEP-0484), beside the database and not in it; made if there is none. Without it, clients
    use their passwords again. Raises StorageUnavailable."""
    path = config.data / "token.key"
    try:
        if not path.exists():
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
        key = path.read_bytes()
    except OSError as error:
        raise StorageUnavailable(f"{path}: {error.strerror}") from error
    if len(key) < KEY_BYTES:
        raise StorageUnavailable(f"{path}: no key of {KEY_BYTES} bytes; delete it to have a new one made")
    return key
