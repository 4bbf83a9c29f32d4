"""Pages of result sets (XEP-0059)."""

from xml.etree import ElementTree

import pytest

from headrace.xep.rsm import PageRequest, Unsupported, parse, written


def asked(inside: str) -> PageRequest:
    return parse(ElementTree.fromstring(f"<q><set xmlns='http://jabber.org/protocol/rsm'>{inside}</set></q>"))


@pytest.mark.parametrize(("inside", "page"), [
    ("", PageRequest()),
    ("<max>10</max>", PageRequest(10)),
    ("<max>0</max>", PageRequest(0)),
    ("<max>5</max><after>a&amp;b</after>", PageRequest(5, "a&b")),
    ("<before>x</before>", PageRequest(None, None, "x")),
    ("<before/>", PageRequest(None, None, "")),
])
def test_asked(inside: str, page: PageRequest) -> None:
    assert asked(inside) == page


def test_without_a_set() -> None:
    assert parse(ElementTree.fromstring("<q/>")) == PageRequest()


@pytest.mark.parametrize("most", ["", "-1", "x", "1.5", "\u0661", "9" * 40])
def test_max_is_a_number(most: str) -> None:
    with pytest.raises(ValueError, match="number"):
        asked(f"<max>{most}</max>")


def test_no_pages_by_index() -> None:
    with pytest.raises(Unsupported):
        asked("<index>371</index>")


def test_written() -> None:
    start = "<set xmlns='http://jabber.org/protocol/rsm'>"
    assert written("a<", "b", 3) == start + "<first>a&lt;</first><last>b</last><count>3</count></set>"
    assert written(None, None, 0) == start + "<count>0</count></set>"
    assert written("a", "b", None) == start + "<first>a</first><last>b</last></set>"
