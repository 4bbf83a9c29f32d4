"""Two of our servers, each with its domain: what users of one see of users of the other."""

from collections.abc import Iterator

import pytest

from support.federated import Site, federated
from support.rawclient import NS, ROSTER, Client, bodies, body, condition

A, B = "a.example", "b.example"


@pytest.fixture(scope="module", params=["starttls", "direct"])
def sites(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[list[Site]]:
    with federated(tmp_path_factory.mktemp("sites"), A, B, tls=request.param) as made:
        yield made
    for each in made:
        assert not each.server.complaints


@pytest.fixture
def pair(sites: list[Site]) -> Iterator[tuple[Client, Client]]:
    romeo, juliet = sites[0].client("romeo"), sites[1].client("juliet")
    yield romeo, juliet
    romeo.close()
    juliet.close()


def wait_for_message(client: Client, text: str) -> None:
    found = client.until(lambda e: e.tag == NS + "message")[-1]
    assert body(found) == text, client.raw


def test_chat_both_ways(pair: tuple[Client, Client]) -> None:
    romeo, juliet = pair
    juliet.send("<presence/>")
    romeo.send("<presence/>")
    juliet.sync()
    for number in range(50):
        romeo.send(f"<message to='juliet@{B}/r' type='chat' id='m{number}'>"
                   f"<body>a {number} &amp; more</body></message>")
    for number in range(50):
        message = juliet.until(lambda e: e.tag == NS + "message")[-1]
        assert (message.get("from"), message.get("to"), message.get("id"), body(message)) == (
            f"romeo@{A}/r", f"juliet@{B}/r", f"m{number}", f"a {number} & more")
    juliet.send(f"<message to='romeo@{A}' type='chat'><body>back</body></message>")
    wait_for_message(romeo, "back")


def test_subscribe_and_see_presence(pair: tuple[Client, Client]) -> None:
    romeo, juliet = pair
    for client in pair:
        client.ask("get", f"<query xmlns='{ROSTER[1:-1]}'/>")
        client.send("<presence/>")
        client.sync()
    romeo.send(f"<presence to='juliet@{B}' type='subscribe'/>")
    juliet.until(lambda e: e.get("type") == "subscribe")
    juliet.send(f"<presence to='romeo@{A}' type='subscribed'/>")
    seen = romeo.until(lambda e: e.tag == NS + "presence" and e.get("from") == f"juliet@{B}/r")[-1]
    assert seen.get("type") is None
    juliet.send("<presence><show>away</show></presence>")
    seen = romeo.until(lambda e: e.tag == NS + "presence" and e.find(NS + "show") is not None)[-1]
    assert seen.findtext(NS + "show") == "away"
    juliet.send("<presence type='unavailable'/>")
    romeo.until(lambda e: e.get("type") == "unavailable" and e.get("from") == f"juliet@{B}/r")
    romeo.send(f"<presence to='juliet@{B}' type='unsubscribe'/>")
    romeo.sync()


def test_directed_presence_and_requests_to_a_resource(pair: tuple[Client, Client]) -> None:
    """protocol.md 12: a stranger's request to a resource is answered as if it were not there, until it shows itself."""
    romeo, juliet = pair
    juliet.send("<presence/>")
    juliet.sync()
    answer = romeo.ask("get", "<ping xmlns='urn:xmpp:ping'/>", to=f"juliet@{B}/r")
    assert condition(answer) == "service-unavailable"
    juliet.send(f"<presence to='romeo@{A}/r'/>")
    romeo.until(lambda e: e.tag == NS + "presence" and e.get("from") == f"juliet@{B}/r")
    romeo.send(f"<iq type='get' id='q' to='juliet@{B}/r'><ping xmlns='urn:xmpp:ping'/></iq>")
    asked = juliet.until(lambda e: e.tag == NS + "iq" and e.get("type") == "get")[-1]
    assert asked.get("from") == f"romeo@{A}/r"
    juliet.send(f"<iq type='result' id='q' to='romeo@{A}/r'/>")
    assert romeo.until(lambda e: e.get("id") == "q")[-1].get("type") == "result"


def test_ask_the_other_server(pair: tuple[Client, Client]) -> None:
    romeo, juliet = pair
    assert romeo.ask("get", "<ping xmlns='urn:xmpp:ping'/>", to=B).get("type") == "result"
    info = romeo.ask("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=B)
    assert info.find("*/{http://jabber.org/protocol/disco#info}identity") is not None
    juliet.ask("set", "<vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard>")
    card = romeo.ask("get", "<vCard xmlns='vcard-temp'/>", to=f"juliet@{B}")
    assert card.findtext("{vcard-temp}vCard/{vcard-temp}FN") == "Juliet"


def test_what_is_not_there_is_told_or_not(pair: tuple[Client, Client]) -> None:
    romeo, _ = pair
    assert condition(romeo.ask("get", "<ping xmlns='urn:xmpp:ping'/>", to=f"nobody@{B}")) == "service-unavailable"
    romeo.send(f"<message to='nobody@{B}' type='chat'><body>?</body></message>"
               f"<iq type='get' id='one' to='{B}'><ping xmlns='urn:xmpp:ping'/></iq>"
               f"<iq type='get' id='two' to='nobody@{B}'><vCard xmlns='vcard-temp'/></iq>")
    seen = {"one", "two"}
    while seen:
        got = romeo.next()
        assert got.tag == NS + "iq", romeo.raw
        seen.remove(got.get("id"))


def test_order_holds_while_the_domain_is_dialled(sites: list[Site], tmp_path_factory: pytest.TempPathFactory) -> None:
    """The first stanzas wait for the stream, later ones find it."""
    with federated(tmp_path_factory.mktemp("fresh"), "c.example", "d.example") as (c, d):
        romeo, juliet = c.client("romeo"), d.client("juliet")
        juliet.send("<presence/>")
        juliet.sync()
        for number in range(300):
            romeo.send(f"<message to='juliet@d.example' type='chat'><body>{number}</body></message>")
            if number % 50 == 0:
                romeo.sync()
        got = [juliet.until(lambda e: e.tag == NS + "message")[-1] for _ in range(300)]
        assert bodies(got) == [str(number) for number in range(300)]
