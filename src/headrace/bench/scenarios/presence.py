"""Presence broadcast."""

from headrace.bench.contacts import subscribe
from headrace.bench.errors import BenchError
from headrace.bench.measure import Measured
from headrace.bench.run import Run
from headrace.bench.scenarios.api import LOAD, Scenario, presence_flow


class PresenceBroadcast(Scenario):
    name = "presence"
    help = """Presence of --senders users, each to all other users, who are subscribed to it.

    A presence is under way until all have it; deliveries are counted."""
    options = (*LOAD, "sm", "senders")

    async def run(self, run: Run) -> Measured:
        senders = run.options.senders
        if run.options.users <= senders:
            raise BenchError("presence needs more --users than --senders")
        users = await run.log_in(await run.accounts(run.options.users))
        sending, contacts = users[:senders], users[senders:]
        await subscribe(run, [(contact, sender) for sender in sending for contact in contacts])
        flows = [presence_flow(run, sender, len(contacts)) for sender in sending]
        for flow in flows:
            for contact in contacts:
                contact.client.receives(flow)
        return await run.measure_flows(flows, "deliveries")
