"""Latencies in buckets: exact when small, to within a thousandth when large."""

import pytest

from headrace.bench.measure import decode, histogram, latencies
from headrace.bench.tally import Tally


@pytest.mark.parametrize("ns", [0, 1, 1023, 1024, 2047, 2048, 2049, 4095, 4096, 999_999, 10**6, 123_456_789, 10**9,
                                3_600 * 10**9, (1 << 42) - 1])
def test_a_value_is_kept_to_within_a_thousandth(ns: int) -> None:
    tally = Tally()
    tally.record(ns)
    (value, count), = tally.counts()
    assert count == 1
    assert abs(value - ns) <= ns / 1000


def test_what_lies_outside_counts_as_the_nearest() -> None:
    tally = Tally()
    tally.record(-5)
    tally.record(1 << 60)
    (low, _), (high, _) = tally.counts()
    assert low == 0
    assert high == pytest.approx(1 << 42, rel=1e-3)


def test_buckets_ascend_and_hold_all() -> None:
    tally = Tally()
    values = [int(1.013**i) for i in range(2000)]
    for value in values:
        tally.record(value)
    counts = tally.counts()
    assert tally.total == sum(count for _, count in counts) == len(values)
    assert counts == sorted(counts)


def test_percentiles_are_those_of_the_values() -> None:
    tally = Tally()
    for ms in range(1, 1001):
        tally.record(ms * 1_000_000)
    found = latencies(tally)
    assert found is not None
    assert found["count"] == 1000
    assert found["p50"] == pytest.approx(500, rel=2e-3)
    assert found["p99"] == pytest.approx(990, rel=2e-3)
    assert found["max"] == pytest.approx(1000, rel=2e-3)
    assert tally.percentile(50) == pytest.approx(500e6, rel=2e-3)
    assert tally.percentile(99) == pytest.approx(990e6, rel=2e-3)
    assert tally.percentile(100) == pytest.approx(1000e6, rel=2e-3)
    again = decode(found["hdr"])
    assert again.get_total_count() == 1000
    assert again.get_value_at_percentile(99) == histogram(tally).get_value_at_percentile(99)


def test_nothing_measured_is_no_latency() -> None:
    tally = Tally()
    tally.record(1)
    tally.clear()
    assert latencies(tally) is None
    assert tally.counts() == []
    assert tally.percentile(50) is None
