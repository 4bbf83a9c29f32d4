"""What a run comes to, as JSON: the same shape for every scenario."""

import os
import platform
import time
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from headrace.bench.measure import Measured
from headrace.bench.run import Run
from headrace.bench.verdict import Verdict, judge

SCHEMA = 1


def summary(run: Run, scenario: str, label: str, measured: Measured) -> tuple[dict[str, Any], Verdict]:
    verdict = judge(measured, run.load.faults, run.lost)
    server = {
        "software": run.software, "cpu_seconds": measured.server_cpu, "busy": measured.server_busy,
        "waited": measured.server_waited,
        "cores": measured.server_cores, "per_cpu_second": measured.per_cpu_second,
        "pss": measured.server_memory.pss if measured.server_memory else None,
        "rss": measured.server_memory.rss if measured.server_memory else None,
    }
    result = {
        "schema": SCHEMA, "scenario": scenario, "label": label or run.software or run.options.host,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": machine(),
        "options": run.options.told(), "unit": measured.unit, "done": measured.done, "seconds": measured.seconds,
        "rate": measured.rate, "figure": figure(run, measured), "server": server,
        "generator": {"version": own_version(), "cpu_seconds": measured.generator_cpu,
                      "busy": measured.generator_busy, "waited": measured.generator_waited},
        "latency_ms": measured.latency, "lag_ms": measured.lag,
        "checked": {"sent": run.load.sent, "right": run.load.delivered, "lost": run.lost, **run.load.faults,
                    "acknowledgements": run.load.acks, "of_earlier_runs": run.load.stale},
        "examples": [[name, stanza.decode(errors="replace")] for name, stanza in run.load.examples],
        "left_out": run.left_out, "extra": run.extra, "samples": [asdict(sample) for sample in measured.samples],
        "verdict": {"good": verdict.good, "bottleneck": verdict.bottleneck, "reasons": verdict.reasons,
                    "code": int(verdict.code)},
    }
    return result, verdict


def figure(run: Run, measured: Measured) -> dict[str, Any]:
    """The one number to compare servers by: what other work on the machine disturbs least."""
    if "bytes_per_connection" in run.extra:
        return {"name": "bytes per connection", "value": run.extra["bytes_per_connection"], "better": "less"}
    if measured.per_cpu_second is not None:
        return {"name": f"{measured.unit} per server CPU second", "value": measured.per_cpu_second, "better": "more"}
    return {"name": f"{measured.unit} a second", "value": measured.rate, "better": "more"}


def own_version() -> str:
    try:
        return version("headrace")
    except PackageNotFoundError:    # run from a source tree
        return "unknown"


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = ""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        pass
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(),
            "python": platform.python_version()}
