"""The measured part of a run: counts, latencies, CPU and memory, read at the same two moments; samples in between."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hdrh.histogram import HdrHistogram

from headrace.bench.errors import BenchError
from headrace.bench.process import Memory, Processes, Usage
from headrace.bench.tally import Tally

SAMPLE_SECONDS = 0.25
PERCENTILES = (50.0, 90.0, 99.0, 99.9, 99.99)
LONGEST = 1 << 42       # ns


def histogram(tally: Tally) -> HdrHistogram:
    made = HdrHistogram(1, LONGEST, 3)
    for value, count in tally.counts():
        made.record_value(value, count)
    return made


def latencies(tally: Tally) -> dict[str, Any] | None:
    """In milliseconds; and the whole histogram, as HDR histograms are written. None: nothing was measured."""
    if not tally.total:
        return None
    found = histogram(tally)
    points = {f"p{p:g}": found.get_value_at_percentile(p) / 1e6 for p in PERCENTILES}
    return {"count": tally.total, "mean": found.get_mean_value() / 1e6, **points, "max": found.get_max_value() / 1e6,
            "hdr": found.encode().decode()}


@dataclass(frozen=True, slots=True)
class Moment:
    at: float                   # s
    done: int
    generator: Usage
    server: Usage | None        # None: its pid is not known


@dataclass(slots=True)
class Sample:
    """For plots and for the live display."""

    second: float               # since measuring began
    rate: float                 # operations a second since the last sample
    p50: float | None           # ms, since measuring began
    p99: float | None
    server_cpu: float | None    # cores that the server has used since the last sample
    server_pss: int | None      # bytes


@dataclass(slots=True)
class Measured:
    unit: str                   # what is counted: messages, logins ...
    done: int = 0
    seconds: float = 0.0
    due: float = 0.0            # of these a second, in an open loop
    server_cpu: float | None = None
    server_busy: float | None = None        # share of the time that its busiest thread was on a CPU
    server_waited: float | None = None      # ... and waited for one, which other work had
    server_cores: int | None = None
    server_memory: Memory | None = None     # at the end
    generator_cpu: float = 0.0
    generator_busy: float = 0.0
    generator_waited: float = 0.0
    latency: dict[str, Any] | None = None
    lag: dict[str, Any] | None = None       # of an open loop
    samples: list[Sample] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.done / self.seconds

    @property
    def per_cpu_second(self) -> float | None:
        """Operations for each second of the server's CPU time."""
        return self.done / self.server_cpu if self.server_cpu else None


def _ms(ns: int | None) -> float | None:
    return None if ns is None else ns / 1e6


class Meter:
    """Measures one phase."""

    def __init__(self, unit: str, done: Callable[[], int], latency: Tally, server: Processes | None,
                 show: Callable[[Sample], None] = lambda sample: None) -> None:
        self.unit = unit
        self.done = done
        self.latency = latency
        self.server = server
        self.show = show
        self.ourselves = Processes(os.getpid())

    def moment(self) -> Moment:
        try:
            server = self.server.usage() if self.server else None
        except OSError:
            raise BenchError(f"the server's process {self.server.pid if self.server else ''} has ended") from None
        return Moment(time.monotonic(), self.done(), self.ourselves.usage(), server)

    async def run(self, seconds: float, enough: Callable[[], bool] = lambda: False) -> Measured:
        """enough: ends it early, after one sample at the soonest."""
        first = last = self.moment()
        result = Measured(self.unit)
        while not result.samples or (last.at - first.at < seconds and not enough()):
            await asyncio.sleep(min(SAMPLE_SECONDS, first.at + seconds - last.at))
            now = self.moment()
            result.samples.append(self._sample(first, last, now))
            self.show(result.samples[-1])
            last = now
        self._sum_up(result, first, last)
        return result

    def _sample(self, first: Moment, last: Moment, now: Moment) -> Sample:
        span = now.at - last.at
        cpu = None if now.server is None or last.server is None else (now.server.cpu - last.server.cpu) / span
        return Sample(
            second=round(now.at - first.at, 3), rate=(now.done - last.done) / span,
            p50=_ms(self.latency.percentile(50)), p99=_ms(self.latency.percentile(99)),
            server_cpu=cpu, server_pss=self.server.memory().pss if self.server else None)

    def _sum_up(self, result: Measured, first: Moment, last: Moment) -> None:
        result.seconds = last.at - first.at
        result.done = last.done - first.done
        result.generator_cpu = last.generator.cpu - first.generator.cpu
        ran, waited = last.generator.busiest(first.generator)
        result.generator_busy, result.generator_waited = ran / result.seconds, waited / result.seconds
        if self.server is not None and first.server is not None and last.server is not None:
            result.server_cpu = last.server.cpu - first.server.cpu
            ran, waited = last.server.busiest(first.server)
            result.server_busy, result.server_waited = ran / result.seconds, waited / result.seconds
            result.server_cores = self.server.cores()
            result.server_memory = self.server.memory()


def decode(text: str) -> HdrHistogram:
    """What latencies() has written as `hdr`."""
    return HdrHistogram.decode(text)
