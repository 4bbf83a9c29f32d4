"""Which other servers, and how fast: what the operator says of them (protocol.md 8)."""

from collections.abc import Iterator

import pytest

from support.federated import Authority, Site, site
from support.ports import unused_port
from support.rawclient import STREAM_ERRORS, Client, bodies, condition
from support.stranger import Stranger, refusal

OURS, QUICK, OTHER, UNKNOWN = "a.example", "b.example", "c.example", "d.example"
POLICY = f"""
allow = ["{QUICK}", "{OTHER}"]
stanzas_per_second = 200
"""
AT_ONCE = 800       # four seconds' worth


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def place(authority: Authority) -> Iterator[Site]:
    with site(authority.folder / "site", OURS, unused_port(), authority, s2s=POLICY) as made:
        yield made


@pytest.fixture
def juliet(place: Site) -> Iterator[Client]:
    client = place.client("juliet")
    client.send("<presence/>")
    client.sync()
    yield client
    client.close()


def stranger(place: Site, authority: Authority, *domains: str) -> Stranger:
    return Stranger(place, domains[0], authority, authority.issue(domains[0], domains))


def test_who_is_not_allowed_is_refused_each_way(place: Site, authority: Authority, juliet: Client) -> None:
    assert stranger(place, authority, UNKNOWN).hello().find(STREAM_ERRORS + "policy-violation") is not None
    assert condition(juliet.ask("get", "<ping xmlns='urn:xmpp:ping'/>", to=UNKNOWN)) == "not-allowed"
    there = stranger(place, authority, QUICK, UNKNOWN).logged_in()
    assert refusal(there.claim(UNKNOWN, OURS)) == "policy-violation"
    there.send(f"<message from='romeo@{UNKNOWN}' to='juliet@{OURS}/r'><body>no</body></message>")
    assert there.stream_error() == "invalid-from"
    assert juliet.sync() == []


def test_who_sends_too_fast_waits_alone(place: Site, authority: Authority, juliet: Client) -> None:
    """Nothing is lost, and who shares nothing with it does not wait behind it."""
    quick, other = (stranger(place, authority, domain).logged_in() for domain in (QUICK, OTHER))
    count = AT_ONCE + 300
    quick.send("".join(f"<message from='romeo@{QUICK}/r' to='juliet@{OURS}/r' type='chat'><body>{number}</body>"
                       "</message>" for number in range(count)))
    other.send(f"<message from='romeo@{OTHER}/r' to='juliet@{OURS}/r' type='chat'><body>other</body></message>")
    texts = bodies([juliet.next() for _ in range(count + 1)])
    assert texts.index("other") < count
    assert [text for text in texts if text != "other"] == [str(number) for number in range(count)]
    quick.send("</stream:stream>")
    assert quick.ended() == b"</stream:stream>"
    other.close()
