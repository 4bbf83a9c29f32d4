"""XEP-0059 (version 1.0): asking for a page of a result set, and saying which it is."""

from typing import NamedTuple
from xml.etree.ElementTree import Element

from headrace.core.ns import RSM
from headrace.core.writer import escape

SET = f"{{{RSM}}}set"


class Unsupported(Exception):
    """What may be asked for, and is not there (feature-not-implemented); the text says what."""


class PageRequest(NamedTuple):
    max: int | None = None          # items of the page; 0: only the count is wanted
    after: str | None = None        # the item in front of it
    before: str | None = None       # the item behind it; empty: the last page


def parse(parent: Element) -> PageRequest:
    """What the <set/> in it asks, all of it if there is none. Raises ValueError, Unsupported."""
    found = parent.find(SET)
    if found is None:
        return PageRequest()
    if found.find(f"{{{RSM}}}index") is not None:
        raise Unsupported("pages are not found by their index")
    most = found.findtext(f"{{{RSM}}}max")
    if most is not None and not (most.strip().isascii() and most.strip().isdecimal() and len(most) < 20):
        raise ValueError("max is a number")
    return PageRequest(None if most is None else int(most), found.findtext(f"{{{RSM}}}after"),
                       found.findtext(f"{{{RSM}}}before"))


def written(first: str | None, last: str | None, count: int | None) -> str:
    """The <set/> of a page; None: it has no items, they are not counted."""
    inside = ""
    if first is not None and last is not None:
        inside = f"<first>{escape(first)}</first><last>{escape(last)}</last>"
    if count is not None:
        inside += f"<count>{count}</count>"
    return f"<set xmlns='{RSM}'>{inside}</set>"
