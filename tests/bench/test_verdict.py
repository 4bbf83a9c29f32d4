"""Which side was the bottleneck, and what makes a run a bad one."""

import pytest

from headrace.bench.errors import Exit
from headrace.bench.measure import Measured, Meter
from headrace.bench.tally import Tally
from headrace.bench.verdict import bottleneck, judge


def measured(generator: float = 0.3, server: float | None = 0.3, *, waited: float = 0.0, cores: int = 1,
             cpu: float | None = None, done: int = 1000, late: float | None = None) -> Measured:
    result = Measured("messages", done=done, seconds=10.0, server_cpu=None if server is None else cpu or server * 10,
                      server_busy=server, server_cores=cores, server_waited=0.0, generator_busy=generator,
                      generator_waited=waited)
    if late is not None:
        result.lag, result.latency = {"p99": late}, {"p99": 20.0}
    return result


@pytest.mark.parametrize(("result", "side"), [
    (measured(0.3, 0.95), "server"),
    (measured(0.95, 0.3), "generator"),
    (measured(0.3, 0.3, waited=0.65), "generator"),     # it had not the CPU that it wanted
    (measured(0.95, 0.95), "both"),
    (measured(0.3, 0.3), "neither"),
    (measured(0.3, None), "unknown"),
    (measured(0.95, None), "generator"),
    (measured(0.3, 0.5, cores=4, cpu=38.0), "server"),  # many threads, all of four cores
    (measured(0.3, 0.5, cores=4, cpu=20.0), "neither"),
    (measured(0.3, 0.95, cores=4, cpu=9.5), "server"),  # one thread that is full
])
def test_bottleneck(result: Measured, side: str) -> None:
    assert bottleneck(result) == side


def test_a_run_that_the_generator_slowed_is_not_good() -> None:
    verdict = judge(measured(0.95, 0.95), {}, 0)
    assert (verdict.good, verdict.code) == (False, Exit.GENERATOR)
    assert "the generator was the bottleneck" in verdict.reasons[0]


@pytest.mark.parametrize(("faults", "lost", "words"), [({"repeated": 2, "changed": 0}, 0, "2 repeated"),
                                                       ({}, 3, "3 lost")])
def test_a_run_with_faults_is_not_good(faults: dict[str, int], lost: int, words: str) -> None:
    verdict = judge(measured(), faults, lost)
    assert (verdict.good, verdict.code) == (False, Exit.FAULTY)
    assert words in verdict.reasons[0]


def test_a_late_generator_is_told() -> None:
    assert judge(measured(late=0.9), {}, 0).good
    late = judge(measured(late=3.0), {}, 0)
    assert (late.good, late.code) == (False, Exit.GENERATOR)
    assert "sent too late" in late.reasons[0]


def test_a_server_that_does_not_keep_up_is_measured_well() -> None:
    slow = measured(done=500)
    slow.due = 100.0
    verdict = judge(slow, {}, 0)
    assert (verdict.good, verdict.code) == (True, 0)
    assert verdict.reasons == ["the server did not keep up: 50 of 100 a second"]


def test_other_work_is_told() -> None:
    verdict = judge(measured(waited=0.2), {}, 0)
    assert verdict.good
    assert verdict.reasons == ["the generator waited for a CPU that other work had for 20% of the time"]


async def test_a_run_that_is_spoilt_at_once_has_figures() -> None:
    found = await Meter("messages", lambda: 0, Tally(), None).run(60.0, lambda: True)
    assert len(found.samples) == 1
    assert 0 < found.seconds < 60
    assert (found.rate, found.per_cpu_second) == (0, None)
