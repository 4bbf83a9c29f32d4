"""Can the figures be trusted, and which side was the bottleneck?"""

from dataclasses import dataclass
from typing import Literal

from headrace.bench.errors import Exit
from headrace.bench.measure import Measured

Side = Literal["server", "generator", "both", "neither", "unknown"]

FULL = 0.9          # of the time: who has had something to do for longer had no time to spare
DISTURBED = 0.1     # of the time: waited for a CPU that other work had
LATE_MS = 1.0       # an open loop may send this late; more has to be small beside the latencies
LATE_SHARE = 0.1
KEPT_UP = 0.98      # of what was due


@dataclass(frozen=True, slots=True)
class Verdict:
    good: bool
    bottleneck: Side
    reasons: list[str]      # why it is not good, and what else there is to know
    code: int               # exit code


def bottleneck(measured: Measured) -> Side:
    generator = measured.generator_busy + measured.generator_waited >= FULL
    if measured.server_busy is None or measured.server_cpu is None:
        return "generator" if generator else "unknown"
    cores = (measured.server_cores or 1) * measured.seconds
    wanted = measured.server_busy + (measured.server_waited or 0.0)
    server = max(wanted, measured.server_cpu / cores) >= FULL
    if generator and server:
        return "both"
    return "generator" if generator else "server" if server else "neither"


def judge(measured: Measured, faults: dict[str, int], lost: int) -> Verdict:
    side = bottleneck(measured)
    wrong = [f"{count} {name}" for name, count in {"lost": lost, **faults}.items() if count]
    reasons = [f"stanzas went wrong: {', '.join(wrong)}"] if wrong else []
    late = lateness(measured)
    if late:
        reasons.append(late)
    if side in ("generator", "both"):
        reasons.append(f"the generator was the bottleneck: it was busy for {measured.generator_busy:.0%} of the time, "
                       f"waited for a CPU for {measured.generator_waited:.0%}; rate and latency say how fast it is, "
                       "not how fast the server is")
    trusted = not reasons
    reasons += disturbances(measured)
    if measured.rate < KEPT_UP * measured.due:
        reasons.append(f"the server did not keep up: {measured.rate:,.0f} of {measured.due:,.0f} a second")
    code = Exit.FAULTY if wrong else 0 if trusted else Exit.GENERATOR
    return Verdict(trusted, side, reasons, code)


def disturbances(measured: Measured) -> list[str]:
    """Other work on the machine: CPU time hardly changes by that, rates and latencies do."""
    waited = {"generator": measured.generator_waited, "server": measured.server_waited or 0.0}
    return [f"the {side} waited for a CPU that other work had for {share:.0%} of the time"
            for side, share in waited.items() if share > DISTURBED]


def lateness(measured: Measured) -> str | None:
    """An open loop that sends late adds its own delay to every latency."""
    if measured.lag is None or measured.latency is None:
        return None
    late, seen = measured.lag["p99"], measured.latency["p99"]
    if late <= max(LATE_MS, LATE_SHARE * seen):
        return None
    return f"the generator sent too late (99 % within {late:.2f} ms of the due time, beside latencies of {seen:.2f} ms)"
