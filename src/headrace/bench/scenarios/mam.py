"""Pages of an archive."""

import asyncio
from dataclasses import replace

from headrace.bench.errors import BenchError
from headrace.bench.flow import PAGE, Flow
from headrace.bench.measure import Measured
from headrace.bench.run import Run, even
from headrace.bench.scenarios.api import LOAD, Scenario, message_flow
from headrace.bench.sessions import Session
from headrace.bench.wire import stanza_error
from headrace.core import ns

RSM = "http://jabber.org/protocol/rsm"
MARGIN = 5          # more messages than a page has: what is under way at the end
TRIES = 100


def page(size: int) -> str:
    """Query for the last page."""
    return f"<query xmlns='{ns.MAM}'><set xmlns='{RSM}'><max>{size}</max><before/></set></query>"


class Mam(Scenario):
    name = "mam"
    help = """Pages of users' archives (XEP-0313), the last --page messages each.

    Every second user first sends another one that many messages; then these read theirs, a page at a time. Each page
    is checked: length, order, text."""
    options = (*(name for name in LOAD if name != "window"), "page", "body")

    async def run(self, run: Run) -> Measured:
        run.sessions.options = run.options = replace(run.options, archive=True, window=1)
        accounts = await run.accounts(even(run.options.users, "mam"))
        users = await run.log_in(accounts)
        readers = users[1::2]
        await self._fill(run, users[::2], readers)
        run.load.archived = False
        size = run.options.page
        flows = [Flow(run.load, user.client, PAGE, b"<iq type='set' id='", b"", f"'>{page(size)}</iq>".encode(),
                      source=user.bare.encode(), page=size) for user in readers]
        return await run.measure_flows(flows, "pages")

    async def _fill(self, run: Run, senders: list[Session], readers: list[Session]) -> None:
        """Ends when the messages are in the archives: some servers write behind."""
        run.screen.phase("filling the archives")
        flows = [message_flow(run, sender, reader.jid, window=10)
                 for sender, reader in zip(senders, readers, strict=True)]
        for flow, reader in zip(flows, readers, strict=True):
            reader.client.receives(flow)
        run.load.archived = True
        run.load.start(flows)
        while min(flow.number for flow in flows) < run.options.page + MARGIN:
            await asyncio.sleep(0.02)
            run.check()
        run.load.stop()
        await run.drain()
        for reader in readers:
            await self._settle(run, reader)

    async def _settle(self, run: Run, reader: Session) -> None:
        for _ in range(TRIES):
            answer = await reader.wire.ask(page(run.options.page), type="set")
            got, reader.client.page = reader.client.page, 0
            if answer.type == "result" and got == run.options.page:
                return
            await asyncio.sleep(0.1)
        why = f"{got} messages on a page of {run.options.page}" if answer.type == "result" else stanza_error(answer)
        raise BenchError(f"{reader.bare}: the archive cannot be read: {why}")
