"""One-to-one chat."""

from headrace.bench.errors import BenchError
from headrace.bench.flow import Flow
from headrace.bench.measure import Measured
from headrace.bench.run import Run, even
from headrace.bench.scenarios.api import LOAD, Scenario, message_flow
from headrace.bench.sessions import Session


class Chat(Scenario):
    """Users in pairs; each keeps `window` messages on their way to the other, or sends at its due times."""

    name = "chat"
    help = """Messages between pairs of users, full or bare JIDs.

    With --devices and --carbons each message is to come to all devices of both, as itself or as a carbon copy.
    With --csi every second user is inactive."""
    options = (*LOAD, "sm", "csi", "carbons", "archive", "body", "bare", "devices")

    async def run(self, run: Run) -> Measured:
        options = run.options
        if options.bare and options.devices > 1 and not options.carbons:
            raise BenchError("--bare with several devices needs --carbons: who gets what else is each server's choice")
        accounts = await run.accounts(even(options.users, "chat in pairs"))
        users = await run.log_in_devices(accounts, options.devices)
        flows = [self._flow(run, users[i], users[i ^ 1]) for i in range(len(users))]
        if options.csi:
            run.inactivate([devices[0] for devices in users[1::2]])
        return await run.measure_flows(flows, "messages")

    def _flow(self, run: Run, mine: list[Session], theirs: list[Session]) -> Flow:
        """From my first device; receivers are by the rules of XEP-0280."""
        receivers = [theirs[0]]
        if run.options.carbons:
            receivers += theirs[1:] + mine[1:]
        to = theirs[0].bare if run.options.bare else theirs[0].jid
        flow = message_flow(run, mine[0], to, receivers=len(receivers))
        for receiver in receivers:
            receiver.client.receives(flow)
        return flow
