"""Stanzas between workers (protocol.md 19): what is for an account whose home is another worker goes there."""

from asyncio import Future
from collections.abc import Callable
from typing import final

from headrace.net.reactor import Task
from headrace.router.router import Router

def home_of(bare: str, workers: int) -> int:
    """The number of the worker, from 0, that is the account's home."""

@final
class Posted:
    """A stanza that has gone to another worker, and is not handled. Native only."""

@final
class Visitor:
    """A stanza that has come from another worker, on its way here. Who lets it wait holds it, as a Session."""

    @property
    def archives(self) -> bool:
        """The sender's archive takes it: its home has looked."""
    @property
    def sm_key(self) -> int:
        """Session.sm_key of the sender's session."""
    def hold(self) -> int: ...
    def again(self, ticket: int) -> int: ...
    def settle(self, ticket: int) -> None: ...
    def committing(self, ticket: int) -> int: ...
    def kept(self, number: int) -> tuple[int, int, int]:
        """It has this number in the archives: a ticket, sm_key and committing()."""

@final
class Neighbour(Task):
    """Another worker."""

    def __init__(self, all: Neighbours, worker: int) -> None: ...
    def receive(self, batch: bytes) -> None: ...
    async def settled(self) -> None: ...

@final
class Neighbours:
    """All other workers; a router's (Router.neighbours)."""

    def __init__(self, router: Router, here: int, workers: int, post: Callable[[int, bytes], object]) -> None:
        """here: the number of this worker. post: brings a batch to another one's receive(), in order."""

    @property
    def here(self) -> int: ...
    @property
    def workers(self) -> int: ...
    def receive(self, worker: int, batch: bytes) -> None:
        """A batch has come from that worker."""
    def flushed(self, queued: Future[int] | None) -> Future[None]:
        """When this is done, and settled()."""
    async def settled(self) -> None:
        """Until all is handled that has gone to other workers so far."""
