"""Stanza errors that the data plane sends by itself (RFC 6120 8.3)."""

import pytest

from support.routing import STANZA_ERRORS, World


@pytest.mark.parametrize(("stanza", "type", "name"), [
    ("<message to='@' id='a&lt;b'/>", "modify", "jid-malformed"),
    ("<iq to='juliet@localhost/b' type='get' id='a&lt;b'/>", "modify", "bad-request"),
    ("<iq to='juliet@localhost/b' type='get' id='a&lt;b'><x xmlns='y'/></iq>", "cancel", "service-unavailable"),
])
def test_shape(stanza: str, type: str, name: str) -> None:
    world = World()
    romeo = world.client("romeo@localhost/'", lang="it")
    world.send(romeo, stanza)
    answer, = world.got(romeo)
    assert (answer.get("type"), answer.get("id"), answer.get("to")) == ("error", "a<b", "romeo@localhost/'")
    error, = answer
    assert (error.tag, error.get("type")) == ("{jabber:client}error", type)
    assert [child.tag for child in error] == [STANZA_ERRORS + name]


def test_too_many_told_is_a_matter_of_waiting() -> None:
    world = World()
    romeo = world.client("romeo@localhost/a")
    world.send(romeo, "".join(f"<presence to='a{i}@localhost'/>" for i in range(501)))
    answer, = world.got(romeo)
    assert (answer[0].get("type"), answer[0][0].tag) == ("wait", STANZA_ERRORS + "resource-constraint")
