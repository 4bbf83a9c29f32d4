"""Our server and those of others, each with its domain: Debian's Prosody and ejabberd."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.federated import CLIENT, SERVER, Authority, Site, route, site
from support.foreign import Foreign, ejabberd, prosody
from support.ports import unused_port
from support.rawclient import NS, ROSTER, Client, bodies
from support.relay import relay

OURS, THEIRS = "a.example", "b.example"
PING = "<ping xmlns='urn:xmpp:ping'/>"
Pair = tuple[Site, Foreign]


@pytest.fixture(scope="module", params=[prosody, ejabberd], ids=["prosody", "ejabberd"])
def sites(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("sites")
    authority = Authority(folder / "authority")
    ours, theirs = unused_port(), unused_port()
    kind: Callable[..., Any] = request.param
    # Debian's ejabberd asks who connects for clientAuth: ours gets both purposes there, serverAuth alone elsewhere.
    purposes = (SERVER, CLIENT) if kind is ejabberd else (SERVER,)
    pair = authority.issue(OURS, [OURS], purposes=purposes)
    with (site(folder / "ours", OURS, ours, authority, pair=pair, routes=route(THEIRS, theirs)) as here,
          kind(folder / "theirs", THEIRS, theirs, authority, routes={OURS: ours}) as there):
        yield here, there
        assert not here.server.complaints


@pytest.fixture
def pair(sites: Pair) -> Iterator[tuple[Client, Client]]:
    romeo, juliet = sites[0].client("romeo"), sites[1].client("juliet")
    for client in (romeo, juliet):
        client.ask("get", f"<query xmlns='{ROSTER[1:-1]}'/>")
        client.send("<presence/>")
        client.sync()
    yield romeo, juliet
    romeo.close()
    juliet.close()


def messages(client: Client, count: int) -> list[str | None]:
    return bodies([client.until(lambda e: e.tag == NS + "message")[-1] for _ in range(count)])


def test_they_speak_first(pair: tuple[Client, Client]) -> None:
    """The first test of all: there is no stream yet."""
    romeo, juliet = pair
    juliet.send(f"<message to='romeo@{OURS}/r' type='chat'><body>first</body></message>")
    assert messages(romeo, 1) == ["first"]


def test_chat_both_ways(pair: tuple[Client, Client]) -> None:
    romeo, juliet = pair
    for number in range(20):
        romeo.send(f"<message to='juliet@{THEIRS}/r' type='chat'><body>a {number} &amp; more</body></message>")
    assert messages(juliet, 20) == [f"a {number} & more" for number in range(20)]
    for number in range(20):
        juliet.send(f"<message to='romeo@{OURS}' type='chat'><body>b {number}</body></message>")
    assert messages(romeo, 20) == [f"b {number}" for number in range(20)]


def test_subscribe_and_see_presence(pair: tuple[Client, Client]) -> None:
    romeo, juliet = pair
    romeo.send(f"<presence to='juliet@{THEIRS}' type='subscribe'/>")
    juliet.until(lambda e: e.get("type") == "subscribe" and e.get("from") == f"romeo@{OURS}")
    juliet.send(f"<presence to='romeo@{OURS}' type='subscribed'/>")
    romeo.until(lambda e: e.tag == NS + "presence" and e.get("from") == f"juliet@{THEIRS}/r" and not e.get("type"))
    juliet.send(f"<presence to='romeo@{OURS}' type='subscribe'/>")
    romeo.until(lambda e: e.get("type") == "subscribe" and e.get("from") == f"juliet@{THEIRS}")
    romeo.send(f"<presence to='juliet@{THEIRS}' type='subscribed'/>")
    juliet.until(lambda e: e.tag == NS + "presence" and e.get("from") == f"romeo@{OURS}/r" and not e.get("type"))
    juliet.send("<presence><show>dnd</show></presence>")
    romeo.until(lambda e: e.tag == NS + "presence" and e.findtext(NS + "show") == "dnd")
    romeo.send("<presence type='unavailable'/>")
    juliet.until(lambda e: e.get("type") == "unavailable" and e.get("from") == f"romeo@{OURS}/r")


def test_directed_presence(pair: tuple[Client, Client]) -> None:
    romeo, juliet = pair
    romeo.send(f"<presence to='juliet@{THEIRS}/r'><status>just you</status></presence>")
    juliet.until(lambda e: e.tag == NS + "presence" and e.findtext(NS + "status") == "just you")
    juliet.send(f"<iq type='get' id='q' to='romeo@{OURS}/r'>{PING}</iq>")
    romeo.until(lambda e: e.get("id") == "q" and e.get("type") == "get")
    romeo.send(f"<iq type='result' id='q' to='juliet@{THEIRS}/r'/>")
    assert juliet.until(lambda e: e.get("id") == "q")[-1].get("type") == "result"


@pytest.mark.parametrize("payload", [
    PING, "<query xmlns='http://jabber.org/protocol/disco#info'/>", "<query xmlns='jabber:iq:version'/>"])
def test_servers_answer_each_others_users(pair: tuple[Client, Client], payload: str) -> None:
    romeo, juliet = pair
    assert romeo.ask("get", payload, to=THEIRS).get("type") == "result"
    assert juliet.ask("get", payload, to=OURS).get("type") == "result"


def test_vcards(pair: tuple[Client, Client]) -> None:
    romeo, juliet = pair
    for client in pair:
        client.ask("set", f"<vCard xmlns='vcard-temp'><FN>{client.bare}</FN></vCard>")
    assert romeo.ask("get", "<vCard xmlns='vcard-temp'/>", to=f"juliet@{THEIRS}").findtext(".//{*}FN") == juliet.bare
    assert juliet.ask("get", "<vCard xmlns='vcard-temp'/>", to=f"romeo@{OURS}").findtext(".//{*}FN") == romeo.bare


def test_how_it_was_proven(sites: Pair, pair: tuple[Client, Client]) -> None:
    here, _ = sites
    romeo, juliet = pair
    romeo.ask("get", PING, to=THEIRS)
    juliet.ask("get", PING, to=OURS)
    ways = {entry["how"] for entry in here.server.log
            if entry["event"] in ("s2s domain proven", "s2s stream opened")}
    assert ways
    assert all("certificate" in way for way in ways), ways


def test_prosody_may_restart(tmp_path: Path) -> None:
    """Our server finds it again, and it ours."""
    authority = Authority(tmp_path / "authority")
    ours, theirs = unused_port(), unused_port()
    with site(tmp_path / "ours", OURS, ours, authority, routes=route(THEIRS, theirs)) as here:
        romeo = here.client("romeo")
        romeo.send("<presence/>")
        for _ in range(2):
            with prosody(tmp_path / "theirs", THEIRS, theirs, authority, routes={OURS: ours}) as there:
                juliet = there.client("juliet")
                juliet.send("<presence/>")
                juliet.sync()
                assert romeo.ask("get", PING, to=THEIRS).get("type") == "result"
                romeo.send(f"<message to='juliet@{THEIRS}/r' type='chat'><body>there</body></message>")
                assert messages(juliet, 1) == ["there"]
                juliet.send(f"<message to='romeo@{OURS}/r' type='chat'><body>back</body></message>")
                assert messages(romeo, 1) == ["back"]
                juliet.close()


def test_a_cut_link_to_prosody_loses_nothing(tmp_path: Path) -> None:
    """Both speak XEP-0198: what the link has swallowed goes again on the next stream."""
    authority = Authority(tmp_path / "authority")
    ours, theirs = unused_port(), unused_port()
    with (relay(theirs) as line,
          site(tmp_path / "ours", OURS, ours, authority, routes=route(THEIRS, line.port)) as here,
          prosody(tmp_path / "theirs", THEIRS, theirs, authority, routes={OURS: ours}) as there):
        romeo, juliet = here.client("romeo"), there.client("juliet")
        juliet.send("<presence/>")
        juliet.sync()
        for number in range(40):
            if number == 10:
                assert set(messages(juliet, 10)) == {str(n) for n in range(10)}
                line.swallow = True
            if number == 25:
                deadline = time.monotonic() + 30
                while not line.swallowed and time.monotonic() < deadline:
                    time.sleep(0.01)
                romeo.sync()
                line.swallow = False
                line.cut()
            romeo.send(f"<message to='juliet@{THEIRS}/r' type='chat'><body>{number}</body></message>")
        heard: dict[str | None, None] = {}
        while "39" not in heard:
            heard.update(dict.fromkeys(messages(juliet, 1)))
        assert [int(text or "") for text in heard if int(text or "") >= 10] == list(range(10, 40))
        assert line.links == 2
