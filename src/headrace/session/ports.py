"""What a negotiation needs from the rest of the server, as protocols; server/app.py gives the real ones."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from headrace.net.tls import TlsContext
from headrace.storage.ports import Account
from headrace.stream.header import Header


class Verifiers(Protocol):
    """Where accounts' credentials are (headrace.storage.ports.AccountStore is one)."""

    async def get(self, jid: str) -> Account | None: ...


class AccountLoader(Protocol):
    """Brings an account's tables into the router, so that a session of it can be bound."""

    async def load(self, bare: str) -> None:
        """Raises headrace.storage.ports.StorageError if it can't."""


class Log(Protocol):
    """structlog's way of calling: an event and its fields."""

    def info(self, event: str, /, **fields: object) -> object: ...

    def warning(self, event: str, /, **fields: object) -> object: ...

    def exception(self, event: str, /, **fields: object) -> object: ...
