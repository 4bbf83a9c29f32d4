"""Two workers in one process, what only they have: accounts with two homes, connections dealt in turn (protocol.md 19).

That messages, carbons, archives and stream management are as with one is shown by their own files, which run twice.
"""

from base64 import b64encode
from collections.abc import Iterator
from socket import SHUT_WR

import pytest

from headrace.router.neighbour import home_of
from support.component import Place, placed
from support.people import PASSWORD, World, befriend
from support.rawclient import NS, bodies
from support.server import Server

ACCOUNTS = [f"p{number}" for number in range(100)]
SASL2 = "urn:xmpp:sasl:2"
ENABLE = "<enable xmlns='urn:xmpp:sm:3' resume='true'/>"
R = "<r xmlns='urn:xmpp:sm:3'/>"


CLERK = "clerk.localhost"
OPTIONS = """
delegate = {"urn:xmpp:time" = []}
iq = {"urn:xmpp:time" = "get"}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with placed(tmp_path_factory.mktemp("server"), {CLERK: OPTIONS}, twins=True,
                users={f"{name}@localhost": PASSWORD for name in ACCOUNTS}) as place:
        yield place


@pytest.fixture(scope="module")
def server(place: Place) -> Server:
    return place.server


def somebody(world: World, home: int) -> str:
    """The JID of an account of that home whom nobody has been yet."""
    while home_of(account := world.account(), 2) != home:
        pass
    return account


def message(to: str, text: str) -> str:
    return f"<message to='{to}' type='chat' id='{text}'><body>{text}</body></message>"


def test_every_home_at_every_worker(world: World) -> None:
    """Two resources of each account come in by both workers; all see one another, whatever their homes."""
    everybody = []
    for home in (0, 1):
        account = somebody(world, home)
        everybody.append([world.online(account, "a"), world.online(account, "b")])
    (one, one_too), (other, other_too) = everybody
    befriend(one, other)
    befriend(other, one)
    for client in (one_too, other_too):
        client.sync()
    one.send("<presence><status>here</status></presence>")
    for client in (one_too, other, other_too):
        presence = client.until(lambda e: e.findtext(f"{NS}status") == "here")[-1]
        assert presence.get("from") == one.jid
    one.send(message(other.bare, "x"))
    one.sync()
    assert bodies(other.sync()) == bodies(other_too.sync()) == ["x"]


def test_much_is_carried(world: World) -> None:
    """The control of the other files: with two workers, messages do cross the bus."""
    one, other = world.online(somebody(world, 0)), world.online(somebody(world, 1))
    one.sync()
    before = world.server.carried
    one.send(message(other.bare, "x"))
    one.sync()
    assert bodies(other.sync()) == ["x"]
    assert world.server.carried > before


@pytest.mark.parametrize("home", [0, 1])
def test_resumed_by_way_of_either_worker(world: World, home: int) -> None:
    account, friend = somebody(world, home), world.online(somebody(world, 1 - home))
    client = world.connected(account)
    client.send(ENABLE, "<presence/>")
    id = client.until(lambda e: e.tag.endswith("}enabled"))[-1].get("id")
    client.until(lambda e: e.tag == NS + "presence")
    for turn in range(3):
        client.reset()
        friend.send(message(account, str(turn)))
        friend.sync()
        client = world.connection()
        client.authenticate(account.partition("@")[0], PASSWORD)
        client.send(f"<resume xmlns='urn:xmpp:sm:3' previd='{id}' h='{turn + 1}'/>")
        assert client.next().tag.endswith("}resumed")
        assert bodies(client.until(lambda e, turn=turn: e.get("id") == str(turn))) == [str(turn)]


@pytest.mark.parametrize("home", [0, 1])
def test_a_login_in_one_breath(world: World, home: int) -> None:
    """XEP-0388 and 0386 over TLS, with stream management and what follows in the same segment."""
    for _ in range(2):      # dealt to either worker
        name = somebody(world, home).partition("@")[0]
        client = world.connection("direct")
        client.open()
        secret = b64encode(f"\0{name}\0{PASSWORD}".encode()).decode()
        client.send(f"<authenticate xmlns='{SASL2}' mechanism='PLAIN'><initial-response>{secret}</initial-response>"
                    f"<bind xmlns='urn:xmpp:bind:0'><tag>t</tag><enable xmlns='urn:xmpp:sm:3' resume='true'/></bind>"
                    "</authenticate>", "<presence/>")
        success = client.until(lambda e: e.tag == f"{{{SASL2}}}success")[-1]
        assert success.findtext(f"{{{SASL2}}}authorization-identifier", "").startswith(f"{name}@localhost/t/")
        client.until(lambda e: e.tag == NS + "presence")
        client.send(R)
        assert client.until(lambda e: e.tag == "{urn:xmpp:sm:3}a")[-1].get("h") == "1"


@pytest.mark.parametrize("home", [0, 1])
def test_a_disabled_account_is_ended_at_home(world: World, home: int) -> None:
    account = somebody(world, home)
    clients = [world.online(account), world.online(account)]
    done = world.server.command("user", "disable", account)
    assert done.returncode == 0, done.stderr
    for client in clients:
        assert client.stream_error() == "policy-violation"


def test_who_leaves_is_gone_for_contacts_of_the_other_home(world: World) -> None:
    one, other = world.online(somebody(world, 0)), world.online(somebody(world, 1))
    befriend(one, other)
    befriend(other, one)
    other.reset()
    gone = one.until(lambda e: e.get("type") == "unavailable")[-1]
    assert gone.get("from") == other.jid


@pytest.mark.parametrize("home", [0, 1])
def test_resumed_before_the_home_knows_what_was_written(world: World, home: int) -> None:
    """Its client has got it, and says so by way of the other worker sooner than the first one does."""
    account, friend = somebody(world, home), world.online(somebody(world, 1 - home))
    user = account.partition("@")[0]
    for turn in range(20):
        client, other = world.connected(account), world.connection()
        other.authenticate(user, PASSWORD)
        client.send(ENABLE, "<presence/>")
        id = client.until(lambda e: e.tag.endswith("}enabled"))[-1].get("id")
        client.until(lambda e: e.tag == NS + "presence")
        friend.send(message(account, str(turn)))
        client.until(lambda e, turn=turn: e.get("id") == str(turn))
        other.send(f"<resume xmlns='urn:xmpp:sm:3' previd='{id}' h='2'/>")
        assert other.next().tag.endswith("}resumed"), other.raw
        assert bodies(other.sync()) == []
        assert client.stream_error() == "conflict"
        other.log_out()


@pytest.mark.parametrize("home", [0, 1])
def test_who_has_said_all_gets_the_answer(world: World, home: int) -> None:
    """RFC 6120 4.4: its half is closed, it still reads."""
    for _ in range(2):      # dealt to either worker
        client = world.connected(somebody(world, home))
        client.send("<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq></stream:stream>")
        client.socket.shutdown(SHUT_WR)
        assert client.next().get("id") == "p"
        assert client.ended() == b"</stream:stream>"


def test_what_a_component_asks_in_a_name_is_not_asked_of_it(world: World, place: Place) -> None:
    """XEP-0355 4.3, though the account in whose name it asks (XEP-0356) has another home than the one that is asked."""
    clerk = place.component(CLERK)
    inner = (f"<iq xmlns='jabber:client' type='get' id='in' to='{somebody(world, 0)}'>"
             "<time xmlns='urn:xmpp:time'/></iq>")
    clerk.send(f"<iq type='get' id='out' from='{CLERK}' to='{somebody(world, 1)}'>"
               f"<privileged_iq xmlns='urn:xmpp:privilege:2'>{inner}</privileged_iq></iq>")
    for turn in range(3):
        world.server.settle()
        clerk.send(f"<iq type='get' id='{turn}' from='{CLERK}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
        heard = clerk.until(lambda e, turn=turn: e.get("id") == str(turn))
        assert [e for e in heard if e.get("type") == "set"] == []
    clerk.log_out()
