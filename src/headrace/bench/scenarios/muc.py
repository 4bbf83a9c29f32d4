"""Room fan-out."""

from headrace.bench.errors import BenchError
from headrace.bench.measure import Measured
from headrace.bench.rooms import join, service
from headrace.bench.run import Run
from headrace.bench.scenarios.api import LOAD, Scenario, message_flow
from headrace.bench.sessions import Session, several


class Muc(Scenario):
    name = "muc"
    help = """Messages in a room where all users are, of --senders of them (XEP-0045).

    A message is under way until all occupants have it; deliveries are counted."""
    options = (*LOAD, "sm", "body", "senders", "service")

    async def run(self, run: Run) -> Measured:
        if run.options.users < run.options.senders:
            raise BenchError("muc needs at least as many --users as --senders")
        users = await run.log_in(await run.accounts(run.options.users))
        room = f"headrace-bench@{await service(run, users[0])}"
        await self._enter(run, users, room)
        flows = [message_flow(run, user, room, receivers=len(users), type="groupchat",
                              source=f"{room}/{user.account.name}") for user in users[:run.options.senders]]
        for flow in flows:
            for user in users:
                user.client.receives(flow)
        return await run.measure_flows(flows, "deliveries")

    async def _enter(self, run: Run, users: list[Session], room: str) -> None:
        run.screen.phase("joining the room", len(users))
        done = 0

        async def one(user: Session) -> None:
            nonlocal done
            await join(run, user, room, user.account.name)
            done += 1
            run.screen.step(done)

        await one(users[0])         # who makes the room
        await several(users[1:], one, run.options.at_once)
