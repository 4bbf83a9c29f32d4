"""XEP-0082's own examples, its grammar, and there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.xep.datetimes import format_datetime, parse_datetime

MOON = -14_159_025.0  # 1969-07-21T02:56:15Z


@pytest.mark.parametrize(("text", "seconds"), [
    ("1969-07-21T02:56:15Z", MOON),
    ("1969-07-20T21:56:15-05:00", MOON),
    ("1969-07-21T02:56:15+00:00", MOON),
    ("1969-07-21T08:26:15+05:30", MOON),
    ("2002-09-10T23:08:25Z", 1_031_699_305.0),
    ("1970-01-01T00:00:00.5Z", 0.5),
    ("1970-01-01T00:00:01.123456789Z", 1.123456789),
    ("2024-02-29T23:59:59Z", 1_709_251_199.0),
])
def test_what_the_profile_allows(text: str, seconds: float) -> None:
    assert parse_datetime(text) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize("text", [
    "", "1969-07-21", "02:56:15Z", "1969-07-21T02:56:15", "1969-07-21 02:56:15Z", "1969-07-21t02:56:15z",
    "19690721T02:56:15", "1969-7-21T02:56:15Z", "1969-07-21T02:56Z", "1969-07-21T02:56:15.Z",
    "1969-07-21T02:56:15+0500", "1969-07-21T02:56:15+05", "1969-13-21T02:56:15Z", "1969-02-30T02:56:15Z",
    "1969-07-21T24:00:01Z", "1969-07-21T02:60:15Z", "1969-07-21T02:56:61Z", "1969-07-21T02:56:15+15:00",
    "1969-07-21T02:56:15+05:60", "-1969-07-21T02:56:15Z", "1969-07-21T02:56:15Z\n", " 1969-07-21T02:56:15Z",
    "\u0661969-07-21T02:56:15Z", "0000-01-01T00:00:00Z",
])
def test_what_it_does_not(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_datetime(text)


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "1970-01-01T00:00:00.000Z"),
    (MOON, "1969-07-21T02:56:15.000Z"),
    (1_031_699_305.0404, "2002-09-10T23:08:25.040Z"),
    (1_031_699_305.9996, "2002-09-10T23:08:26.000Z"),
])
def test_stamps_are_utc_to_the_millisecond(seconds: float, text: str) -> None:
    assert format_datetime(seconds) == text


@given(st.integers(-10**12, 10**13))
def test_there_and_back(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert parse_datetime(format_datetime(seconds)) == pytest.approx(seconds, abs=1e-3)


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_stamps_sort_as_times_do(a: float, b: float) -> None:
    assert (format_datetime(a) < format_datetime(b)) <= (a < b)
