import pytest

from headrace.core.stanza import parse_element
from headrace.xep import registration

Q = "<query xmlns='jabber:iq:register'>{}</query>"


@pytest.mark.parametrize(("inside", "expected"), [
    ("", (None, None, False, False)),
    ("<username>a</username><password>b c</password>", ("a", "b c", False, False)),
    ("<username/><password/>", (None, None, False, False)),
    ("<remove/>", (None, None, True, True)),
    ("<remove/><username>a</username>", ("a", None, True, False)),
    ("<remove xmlns='urn:x'/>", (None, None, False, True)),
])
def test_read(inside: str, expected: tuple[str | None, str | None, bool, bool]) -> None:
    assert registration.parse(parse_element(Q.format(inside).encode())) == expected


def test_written() -> None:
    assert registration.registered("<a>") == Q.format(
        "<registered/><username>&lt;a&gt;</username><password/>").encode()
