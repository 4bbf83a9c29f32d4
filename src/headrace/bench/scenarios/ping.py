"""IQ ping."""

from headrace.bench.flow import QUERY, Flow
from headrace.bench.measure import Measured
from headrace.bench.run import Run
from headrace.bench.scenarios.api import LOAD, Scenario
from headrace.core import ns
from headrace.core.writer import escape


class Ping(Scenario):
    name = "ping"
    help = "Pings of the server (XEP-0199): what an IQ that it answers itself costs."
    options = (*LOAD, "sm")

    async def run(self, run: Run) -> Measured:
        users = await run.log_in(await run.accounts(run.options.users))
        domain = run.options.domain
        head = f"<iq type='get' to='{escape(domain)}' id='".encode()
        tail = f"'><ping xmlns='{ns.PING}'/></iq>".encode()
        flows = [Flow(run.load, user.client, QUERY, head, b"", tail, source=domain.encode(),
                      window=run.options.window) for user in users]
        return await run.measure_flows(flows, "pings")
