"""XEP-0082 (version 1.1.1): the DateTime profile, strictly, both ways; times in seconds of the Unix clock."""

import re
from datetime import UTC, datetime, timedelta

_DATETIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def format_datetime(seconds: float) -> str:
    """`1969-07-21T02:56:15.000Z`: always UTC, always milliseconds, so that stamps sort as text."""
    moment = EPOCH + timedelta(milliseconds=round(seconds * 1000))
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse_datetime(text: str) -> float:
    """Seconds of the Unix clock. Raises ValueError for what XEP-0082 3.2 doesn't allow."""
    match = _DATETIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no XEP-0082 DateTime")
    *date, fraction, sign, hours, minutes = match.groups(default="0")
    year, month, day, hour, minute, second = map(int, date)
    moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)  # refuses the 30th of February
    if int(hours) > 14 or int(minutes) > 59:  # the bound of XML Schema's dateTime
        raise ValueError(f"{text!r} has no valid time zone")
    ahead = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    return (moment - EPOCH - ahead).total_seconds() + float(f"0.{fraction}")
