"""XEP-0082 (version 1.1.1): the DateTime profile, strictly, both ways; times are seconds of the Unix clock."""

import re
from datetime import UTC, datetime, timedelta

_DATETIME = re.compile(
    r"(?a:(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:(Z)|([+-])(\d\d):(\d\d)))")


def format_datetime(seconds: float) -> str:
    """`1969-07-21T02:56:15.000Z`: always UTC, always milliseconds, so that stamps sort as text."""
    moment = datetime.fromtimestamp(round(seconds * 1000) // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{round(seconds * 1000) % 1000:03}Z"


def parse_datetime(text: str) -> float:
    """Seconds of the Unix clock. Raises ValueError for what XEP-0082 3.2 doesn't allow."""
    match = _DATETIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no XEP-0082 DateTime")
    *date, fraction, _, sign, hours, minutes = match.groups()
    moment = datetime(*map(int, date), tzinfo=UTC)  # refuses the 30th of February
    offset = timedelta()
    if sign:
        if int(hours) > 23 or int(minutes) > 59:
            raise ValueError(f"{text!r} has no valid time zone")
        offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return (moment - epoch).total_seconds() - offset.total_seconds() + float(f"0.{fraction or 0}")
