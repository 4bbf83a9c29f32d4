"""RFC 6120 4.9: stream errors as written."""

import xml.etree.ElementTree as ET

import pytest

from headrace.core.ns import STREAM, STREAM_ERRORS, XML
from headrace.stream.errors import CONDITIONS, StreamError, stream_error


def read(written: bytes) -> ET.Element:
    """The element, as it stands below our stream header."""
    return ET.fromstring(b"<stream:stream xmlns='jabber:client' xmlns:stream='%s'>%s</stream:stream>"
                         % (STREAM.encode(), written))[0]


@pytest.mark.parametrize("condition", sorted(CONDITIONS))
def test_every_condition_comes_first_and_in_its_namespace(condition: str) -> None:
    tree = read(stream_error(condition))
    assert tree.tag == f"{{{STREAM}}}error"
    assert [child.tag for child in tree] == [f"{{{STREAM_ERRORS}}}{condition}"]


def test_there_are_all_25_of_them() -> None:
    assert len(CONDITIONS) == 25


def test_text_carries_its_language() -> None:
    condition, text = read(stream_error("policy-violation", "no <more> & no less"))
    assert text.tag == f"{{{STREAM_ERRORS}}}text"
    assert text.text == "no <more> & no less"
    assert text.get(f"{{{XML}}}lang") == "en"
    assert condition.text is None


def test_an_application_condition_comes_last() -> None:
    tree = read(stream_error("undefined-condition", "why", extra=b"<more xmlns='urn:x'/>"))
    assert [child.tag for child in tree][1:] == [f"{{{STREAM_ERRORS}}}text", "{urn:x}more"]


def test_see_other_host_says_where() -> None:
    assert read(stream_error("see-other-host", content="[2001:db8::1]:9222"))[0].text == "[2001:db8::1]:9222"


def test_standalone_declares_its_prefix() -> None:
    assert ET.fromstring(stream_error("reset", standalone=True)).tag == f"{{{STREAM}}}error"


def test_other_conditions_are_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="no-such"):
        stream_error("no-such")


def test_the_exception_carries_all_of_it() -> None:
    error = StreamError("conflict", "replaced", extra=b"<x/>")
    assert (error.condition, error.text, error.extra, str(error)) == (
        "conflict", "replaced", b"<x/>", "conflict: replaced")
