"""What a scenario is, and the flows that several have."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import ClassVar

from headrace.bench.flow import CHAT, STATUS, Flow
from headrace.bench.measure import Measured
from headrace.bench.run import Run, filler
from headrace.bench.sessions import Session
from headrace.core.writer import escape

MARK_BYTES = 22                                         # flow.pxd
LOAD = ("window", "rate", "warm_up", "duration")        # options of most


class Scenario(ABC):
    name: ClassVar[str]
    help: ClassVar[str]                 # the first line says what is measured
    options: ClassVar[Collection[str]]  # of headrace.bench.options.Options, beside those that all have

    @abstractmethod
    async def run(self, run: Run) -> Measured:
        """Raises BenchError, and NotOffered where the server lacks what is needed."""


def message_flow(run: Run, sender: Session, to: str, *, receivers: int = 1, type: str = "chat",
                 source: str = "", window: int = 0) -> Flow:
    """Messages of one connection to an address; source: as whose they come, if not as the connection's own."""
    head = f"<message to='{escape(to)}' type='{type}' id='m'><body>".encode()
    text = filler(run.options.body - MARK_BYTES, sender.client.link.fd)
    return Flow(run.load, sender.client, CHAT, head, text, b"</body></message>",
                source=(source or sender.jid).encode(), receivers=receivers, window=window or run.options.window)


def presence_flow(run: Run, sender: Session, receivers: int) -> Flow:
    return Flow(run.load, sender.client, STATUS, b"<presence><status>", filler(10, sender.client.link.fd),
                b"</status></presence>", source=sender.jid.encode(), receivers=receivers, window=run.options.window)
