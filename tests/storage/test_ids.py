import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.storage.ids import Ids, id_at, time_of

TIMES = st.floats(0, 4e9, allow_nan=False)


@given(TIMES, st.lists(TIMES, max_size=30))
def test_ids_grow_whatever_the_clock_does(start: float, times: list[float]) -> None:
    ids = Ids(id_at(start))
    given_ids = [ids.next(time) for time in times]
    assert all(a < b for a, b in zip([id_at(start), *given_ids], given_ids, strict=False))


@pytest.mark.parametrize("time", [0.0, 1e9, 1_700_000_000.25, 9e9])
def test_time_comes_back_and_fits_63_bits(time: float) -> None:
    assert time_of(id_at(time)) == time
    assert id_at(time) < 2**63


def test_reservation_is_renewed_before_it_ends() -> None:
    ids, renewed = Ids(0), 0
    for second in range(100):
        last = ids.next(1e9 + second)
        if reservation := ids.reservation():
            ids.reserved = reservation
            renewed += 1
        assert ids.reserved > last
    assert 10 <= renewed <= 25
