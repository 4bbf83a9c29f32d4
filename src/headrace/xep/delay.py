"""XEP-0203 (version 2.0): delayed delivery."""

from headrace.core.ns import DELAY
from headrace.core.writer import escape
from headrace.xep.datetimes import format_datetime


def delay(from_: str, seconds: float, reason: str = "") -> bytes:
    """<delay/> by `from_` (a prepared JID or domain) for a stanza taken at that second of the Unix clock."""
    end = f">{escape(reason)}</delay>" if reason else "/>"
    return f"<delay xmlns='{DELAY}' from='{escape(from_)}' stamp='{format_datetime(seconds)}'{end}".encode()
