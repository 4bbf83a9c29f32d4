"""slixmpp's own receive path on our pull parser: one name that it imports is another, every stanza is the same."""

from types import SimpleNamespace
from typing import Any

import pytest
from slixmpp import ClientXMPP
from slixmpp.xmlstream import xmlstream

from corpus.stanzas import CORPORA, HEADER, stanzas
from headrace.stream.pull import StanzaPullParser, XMLPullParser


class Received(ClientXMPP):  # type: ignore[misc]
    """A client that nobody connects; what its data_received() makes of bytes."""

    def __init__(self) -> None:
        super().__init__("romeo@capulet.lit/orchard", "secret")
        self.stanzas: list[Any] = []
        self.answers: list[object] = []
        self.add_filter("in", self.stanzas.append)  # which answers None: nothing is handled
        self.send = self.answers.append
        self.init_parser()

    def read(self, pieces: list[bytes]) -> list[tuple[type, str]]:
        for piece in pieces:
            self.data_received(piece)
        return [(type(stanza), str(stanza)) for stanza in self.stanzas]


def importing(monkeypatch: pytest.MonkeyPatch, parser: type[XMLPullParser]) -> None:
    """As if slixmpp's module said `from headrace.stream.pull import ... as XMLPullParser`."""
    names = {**vars(xmlstream.ET), "XMLPullParser": parser}
    monkeypatch.setattr(xmlstream, "ET", SimpleNamespace(**names))


@pytest.mark.parametrize("parser", [XMLPullParser, StanzaPullParser])
@pytest.mark.parametrize("name", CORPORA)
async def test_every_stanza_is_the_same(
    name: str, parser: type[XMLPullParser], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = stanzas(name, 60_000)
    data = HEADER + b"".join(found)
    wanted = Received().read([data])
    assert len(wanted) == len(found)
    importing(monkeypatch, parser)
    for size in (1460, 4096, len(data)):
        client = Received()
        assert isinstance(client.parser, parser)
        assert client.read([data[i:i + size] for i in range(0, len(data), size)]) == wanted


async def test_an_error_takes_slixmpps_own_road(monkeypatch: pytest.MonkeyPatch) -> None:
    importing(monkeypatch, StanzaPullParser)
    client = Received()
    client.read([HEADER + b"<message/><message></iq>"])
    assert len(client.stanzas) == 1
    assert "not-well-formed" in str(client.answers[0])


async def test_the_root_stays_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    importing(monkeypatch, StanzaPullParser)
    client = Received()
    client.read([HEADER + b"<message/>" * 100])
    assert client.xml_root is not None
    assert len(client.xml_root) == 0
