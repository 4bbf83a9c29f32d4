"""A day's load, by the weights of others' load generators."""

from headrace.bench.contacts import subscribe
from headrace.bench.errors import BenchError, NotOffered
from headrace.bench.flow import Flow
from headrace.bench.measure import Measured, latencies
from headrace.bench.rooms import join, service
from headrace.bench.run import Run
from headrace.bench.scenarios.api import Scenario, message_flow, presence_flow
from headrace.bench.scenarios.mam import page
from headrace.bench.sessions import Session, patience, several
from headrace.bench.storms import Storm
from headrace.bench.users import Account
from headrace.core import ns

RTB_SECONDS = 600.0     # between two of a kind, of each user
RTB_CONTACTS = 4        # rtb leaves the roster to the user: few, so that many users can be made
ROOM = 20               # occupants of each room
VISITORS = 10           # one for so many users: they come and go
AMOC_SECONDS = 10.0     # between two messages of a user
AMOC_NEIGHBOURS = 10


class Day(Scenario):
    name = "day"
    help = """A day's mixture for --users users, --speed times faster than life; time to delivery is measured.

    rtb (ProcessOne's defaults): each user sends a message, a presence and a room message each 600 s; and for each user,
    each 600 s, somebody logs in, reads roster and a page of 50 of the archive, and goes. Uploads and proxy65 are left
    out. amoc (MongooseIM's one-to-one): a message each 10 s, to 10 neighbours in turn."""
    options = ("warm_up", "duration", "sm", "carbons", "csi", "archive", "body", "profile", "speed", "service")

    async def run(self, run: Run) -> Measured:
        if run.options.profile == "amoc":
            return await self._amoc(run)
        return await self._rtb(run)

    async def _users(self, run: Run, accounts: list[Account]) -> list[Session]:
        """Of those who stay, every second one has his telephone in his pocket."""
        users = await run.log_in(accounts)
        if run.options.csi:
            run.inactivate(users[1::2])
        return users

    async def _amoc(self, run: Run) -> Measured:
        count = run.options.users
        users = await self._users(run, await run.accounts(count))
        near = min(AMOC_NEIGHBOURS, count - 1)
        if not near:
            raise BenchError("amoc's users have neighbours: --users 2 at least")
        flows = [self._chat(run, user, users[(i + 1 + step) % count])
                 for step in range(near) for i, user in enumerate(users)]
        return await run.measure_flows(flows, "messages", rate=count / AMOC_SECONDS * run.options.speed)

    async def _rtb(self, run: Run) -> Measured:
        count, rate = run.options.users, run.options.users / RTB_SECONDS * run.options.speed
        accounts = await run.accounts(count + -(-count // VISITORS))
        users, visitors = await self._users(run, accounts[:count]), accounts[count:]
        kinds = [[self._chat(run, user, users[(i + 1) % count]) for i, user in enumerate(users)],
                 await self._presences(run, users)]
        try:
            kinds.append(await self._rooms(run, users))
        except NotOffered as error:
            run.leave_out(error)
        flows = [flow for turn in zip(*kinds, strict=True) for flow in turn]
        storm = Storm(lambda number: self._visit(run, visitors[number % len(visitors)], number), 1, rate)
        storm.begin()
        try:
            measured = await run.measure_flows(flows, "deliveries", rate=rate * len(kinds))
            storm.check()
        finally:
            await storm.end()
        run.extra["reconnects"] = storm.done
        run.extra["reconnect_p99_ms"] = (latencies(storm.latency) or {}).get("p99", 0.0)
        return measured

    def _chat(self, run: Run, sender: Session, receiver: Session) -> Flow:
        flow = message_flow(run, sender, receiver.jid)
        receiver.client.receives(flow)
        return flow

    async def _presences(self, run: Run, users: list[Session]) -> list[Flow]:
        """Each user's contacts are the next few of the others."""
        near = min(RTB_CONTACTS, len(users) - 1)
        contacts = [[users[(i + 1 + step) % len(users)] for step in range(near)] for i in range(len(users))]
        await subscribe(run, [(contact, user) for user, those in zip(users, contacts, strict=True)
                              for contact in those])
        flows = [presence_flow(run, user, near) for user in users]
        for flow, those in zip(flows, contacts, strict=True):
            for contact in those:
                contact.client.receives(flow)
        return flows

    async def _rooms(self, run: Run, users: list[Session]) -> list[Flow]:
        where = await service(run, users[0])
        run.screen.phase("joining rooms", len(users))
        rooms = [users[i:i + ROOM] for i in range(0, len(users), ROOM)]
        names = [f"headrace-bench-{i}@{where}" for i in range(len(rooms))]

        async def fill(number: int) -> None:
            for user in rooms[number]:
                await join(run, user, names[number], user.account.name)

        await several(range(len(rooms)), fill, run.options.at_once)
        flows = []
        for name, occupants in zip(names, rooms, strict=True):
            for user in occupants:
                flow = message_flow(run, user, name, receivers=len(occupants), type="groupchat",
                                    source=f"{name}/{user.account.name}")
                flows.append(flow)
                for each in occupants:
                    each.client.receives(flow)
        return flows

    async def _visit(self, run: Run, account: Account, number: int) -> None:
        """A client comes, asks what clients ask, and goes."""
        session = await run.sessions.start(account, f"visit{number}")
        try:
            async with patience(run.options.patience, f"{session.bare}: roster and archive"):
                await session.wire.request("the roster", f"<query xmlns='{ns.ROSTER}'/>")
                if run.options.archive:
                    await session.wire.request("the archive", page(run.options.page), type="set")
        finally:
            run.sessions.open.remove(session)
            session.wire.leave()
