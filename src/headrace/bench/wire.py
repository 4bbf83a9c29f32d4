"""The Python side of one client connection: what negotiates, asks single questions and answers those of the server."""

import asyncio
from collections import deque
from itertools import count

from headrace.bench.client import Client
from headrace.bench.errors import BenchError
from headrace.core import ns
from headrace.core.stanza import Stanza
from headrace.core.writer import escape


class Wire:
    """One connection's dialog: next() while it negotiates, ask() from then on."""

    client: Client

    def __init__(self, who: str) -> None:
        self.who = who                  # whom error texts name
        self.ended: BenchError | None = None
        self.leaving = False            # its end is our doing
        self.negotiating = True
        self._queue: deque[Stanza | None] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._asked: dict[str, asyncio.Future[Stanza]] = {}
        self._ids = count()

    async def next(self) -> Stanza:
        """The next top-level element. Raises BenchError when the stream has ended."""
        found = await self._next()
        assert found is not None
        if found.name == "error" and found.namespace == ns.STREAM:
            raise self._stream_error(found)
        return found

    async def secure(self) -> None:
        """Returns when TLS is up."""
        while await self._next() is not None:
            pass

    async def ask(self, payload: str, *, type: str = "get", to: str | None = None) -> Stanza:
        """An IQ and its answer, which may be an error. Raises BenchError."""
        id = f"q{next(self._ids)}"
        address = f" to='{escape(to)}'" if to else ""
        answer: asyncio.Future[Stanza] = asyncio.get_running_loop().create_future()
        self._asked[id] = answer
        if self.ended is not None:
            raise self.ended
        self.client.send_stanza(f"<iq type='{type}' id='{id}'{address}>{payload}</iq>".encode())
        return await answer

    async def request(self, what: str, payload: str, *, type: str = "get", to: str | None = None) -> Stanza:
        """The same; an error raises BenchError, which says what was asked for."""
        answer = await self.ask(payload, type=type, to=to)
        if answer.type != "result":
            raise BenchError(f"{self.who}: {what}: {stanza_error(answer)}")
        return answer

    def leave(self) -> None:
        """The polite end."""
        self.leaving = True
        self.client.send(b"</stream:stream>")
        self.client.link.finish()

    def cut(self) -> None:
        """The link breaks, as in a tunnel."""
        self.leaving = True
        self.client.link.abort()

    async def _next(self) -> Stanza | None:
        while not self._queue:
            if self.ended is not None:
                raise self.ended
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._queue.popleft()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _end(self, error: BenchError) -> None:
        if self.ended is None:
            self.ended = error
        self._wake()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(self.ended)
                answer.exception()      # whoever waited may have given up
        self._asked.clear()

    def _stream_error(self, stanza: Stanza) -> BenchError:
        inside = [child.tag.rpartition("}")[2] for child in stanza.element()]
        words = [child.text for child in stanza.element() if child.tag.endswith("}text") and child.text]
        advice = ": is --domain right?" if "host-unknown" in inside else ""
        return BenchError(f"{self.who}: the server ends the stream: {' '.join([*inside[:1], *words])}{advice}")

    # What the client tells.

    def opened(self) -> None:
        pass

    def secured(self) -> None:
        self._queue.append(None)
        self._wake()

    def element(self, stanza: Stanza) -> None:
        if stanza.name == "iq" and stanza.type in ("result", "error"):
            waiting = self._asked.pop(stanza.id or "", None)
            if waiting is not None:
                if not waiting.done():
                    waiting.set_result(stanza)
                return
        if stanza.name == "iq" and stanza.type in ("get", "set"):
            self._answer(stanza)
        elif self.negotiating:
            self._queue.append(stanza)
            self._wake()
        elif stanza.name == "error" and stanza.namespace == ns.STREAM:
            self._end(self._stream_error(stanza))

    def closed(self) -> None:
        self._end(BenchError(f"{self.who}: the server closed the stream"))
        self.client.link.finish()

    def failed(self, condition: str, text: str) -> None:
        self._end(BenchError(f"{self.who}: the server sends what is no XMPP: {text} ({condition})"))
        self.client.link.abort()

    def gone(self, error: str | None) -> None:
        self._end(BenchError(f"{self.who}: the connection is lost: {error or 'closed by the server'}"))

    def _answer(self, stanza: Stanza) -> None:
        """What servers ask of clients: a ping, or to take a push."""
        to = f" to='{escape(stanza.from_)}'" if stanza.from_ else ""
        known = stanza.type == "set" or stanza.child_namespace == ns.PING
        error = "" if known else ("<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:"
                                  "xmpp-stanzas'/></error>")
        kind = "result" if known else "error"
        self.client.send_stanza(f"<iq type='{kind}' id='{escape(stanza.id or '')}'{to}>{error}</iq>".encode())


def stanza_error(stanza: Stanza) -> str:
    """The condition and the text of an error, for a person."""
    error = next((child for child in stanza.element() if child.tag.endswith("}error")), None)
    if error is None:
        return "an error without a reason"
    names = [child.tag.rpartition("}")[2] for child in error]
    texts = [child.text for child in error if child.tag.endswith("}text") and child.text]
    return ": ".join([next((name for name in names if name != "text"), "error"), *texts])
