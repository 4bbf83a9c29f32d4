"""Stanzas inside stanzas: what goes in, and what comes out."""

from headrace.core.ns import CLIENT, DELAY, FORWARD
from headrace.core.stanza import parse_stanza
from headrace.modules.forwarding import forwarded, received, written
from support.stanzas import tree

HOSTS = {"example.org"}
OURS = f"<delay xmlns='{DELAY}' from='example.org' stamp='2020-01-01T00:00:00Z'/>"
THEIRS = OURS.replace("example.org", "elsewhere")


def test_what_a_component_is_shown() -> None:
    stanza = parse_stanza(f"<iq from='x@elsewhere' id='1' type='get'><q xmlns='urn:q'/>{OURS}{THEIRS}</iq>".encode())
    inner = received(stanza, HOSTS)
    assert [child.get("from") for child in inner] == [None, "elsewhere"]
    outer = tree(forwarded("delegation", "urn:d", inner))
    assert outer.tag == "{urn:d}delegation"
    [carried] = outer.findall(f"{{{FORWARD}}}forwarded/{{{CLIENT}}}iq")
    assert (carried.get("from"), carried.get("id"), len(carried)) == ("x@elsewhere", "1", 2)


def test_what_it_sends_in_another_name() -> None:
    inner = tree(f"<message xmlns='{CLIENT}' from='a' to='b' id='1'><body>x</body>{OURS}</message>".encode())
    sent = tree(written(inner, "romeo@example.org", "juliet@elsewhere", HOSTS))
    assert (sent.get("from"), sent.get("to"), sent.get("id")) == ("romeo@example.org", "juliet@elsewhere", "1")
    assert [child.tag for child in sent] == [f"{{{CLIENT}}}body"]
