"""The storage is away for a while, in every way that we can think of: what needs it is refused, all else goes on.

Sessions, routing and presence do not depend on it. A message that must be kept is either refused before anybody got it
or delivered once the storage is back, never both (protocol.md 3). And all gets well by itself.
"""

import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest

from support.outages import Backend, on_postgres, on_sqlite
from support.people import PASSWORD, World
from support.rawclient import NS, SASL, Client, bodies, body, condition
from support.server import Server

USERS = {f"p{number}@localhost": PASSWORD for number in range(100)}
SM, MAM, RSM = "urn:xmpp:sm:3", "urn:xmpp:mam:2", "http://jabber.org/protocol/rsm"
NO_STORE = "<no-store xmlns='urn:xmpp:hints'/>"
PATIENCE = 60.0     # s; a bound for what takes a few
FAULTS = [("sqlite", "locked"), ("sqlite", "full"), ("sqlite", "stuck"), ("sqlite", "slow"),
          ("postgres", "full"), ("postgres", "stopped"), ("postgres", "frozen"), ("postgres", "slow"),
          ("postgres", "held_up")]


@pytest.fixture(scope="module")
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    folder = tmp_path_factory.mktemp("server")
    if request.param == "sqlite":
        with on_sqlite(folder, USERS) as sqlite:
            yield sqlite
    else:
        with on_postgres(folder, USERS, request.getfixturevalue("postgres")) as postgres:
            yield postgres


@pytest.fixture(scope="module")
def server(backend: Backend) -> Server:
    return backend.server


class Letters:
    """Numbered messages to somebody: each is kept or refused."""

    def __init__(self, sender: Client, to: str) -> None:
        self.refused: set[str] = set()
        self.written = 0
        self._sender = sender
        self._to = to

    def write(self) -> None:
        self._sender.send(f"<message to='{self._to}' type='chat' id='{self.written}'>"
                          f"<body>{self.written}</body></message>")
        self.written += 1
        self._note(self._sender.sync())

    def write_until_refused(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.refused:
            assert time.monotonic() < deadline
            self.write()
            time.sleep(0.1)

    def write_until_kept(self) -> list[str]:
        """All that are kept, the last one among them."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self.write()
            kept = self._kept()
            if kept and kept[-1] == str(self.written - 1):
                return kept
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def _kept(self) -> list[str]:
        """Those that are not refused, and won't be: an answer from the same address comes behind all of that."""
        self._sender.send(f"<iq type='get' id='settled' to='{self._to}'><ping xmlns='urn:xmpp:ping'/></iq>")
        self._note(self._sender.until(lambda e: e.get("id") == "settled")[:-1])
        return [str(number) for number in range(self.written) if str(number) not in self.refused]

    def _note(self, errors: list[ET.Element]) -> None:
        for error in errors:
            assert (condition(error), kind(error)) == ("resource-constraint", "wait")
            self.refused.add(error.get("id", ""))


def kind(error: ET.Element) -> str | None:
    """The type of a stanza error."""
    return error.find(f"{NS}error").get("type")


def ask_for_a_change(client: Client, mark: str) -> None:
    client.send(f"<iq type='set' id='{mark}'><query xmlns='jabber:iq:roster'><item jid='friar@example.org'"
                f" name='{mark}'/></query></iq>")


def answer(client: Client, mark: str) -> ET.Element:
    return client.until(lambda e: e.get("id") == mark)[-1]


def converse(one: Client, other: Client) -> None:
    """Messages that nobody keeps, presence and requests, both ways: none of it needs the storage."""
    for number in range(20):
        for sender, receiver in ((one, other), (other, one)):
            sender.send(f"<message to='{receiver.bare}' type='chat'><body>{number}</body>{NO_STORE}</message>")
            assert body(receiver.until(lambda e: e.tag == f"{NS}message")[-1]) == str(number)
    for sender, receiver in ((one, other), (other, one)):
        sender.send("<presence><show>away</show></presence>")
        receiver.until(lambda e, jid=sender.jid: e.get("from") == jid and e.findtext(f"{NS}show") == "away")
        sender.send(f"<iq type='get' id='q' to='{receiver.jid}'><query xmlns='urn:example:question'/></iq>")
        receiver.until(lambda e: e.get("id") == "q")
        receiver.send(f"<iq type='result' id='q' to='{sender.jid}'/>")
        assert sender.until(lambda e: e.get("id") == "q")[-1].get("type") == "result"


def acknowledged(client: Client) -> str | None:
    return client.until(lambda e: e.tag == f"{{{SM}}}a")[-1].get("h")


def archived(client: Client) -> list[str | None]:
    """All that its archive has, oldest first."""
    found, after = list[str | None](), ""
    while True:
        client.send(f"<iq type='set' id='mam'><query xmlns='{MAM}'><set xmlns='{RSM}'>{after}</set></query></iq>")
        *results, end = client.until(lambda e: e.get("id") == "mam")
        found += [message.findtext(f"{NS}body") for result in results for message in result.iter(f"{NS}message")
                  if result.find(f"{{{MAM}}}result") is not None and message is not result]
        if end[0].get("complete") == "true":
            return found
        after = f"<after>{end[0].findtext(f'{{{RSM}}}set/{{{RSM}}}last')}</after>"


def recovered(client: Client) -> None:
    """Changes are made again, without anybody's doing."""
    deadline = time.monotonic() + PATIENCE
    while True:
        ask_for_a_change(client, "after")
        result = answer(client, "after")
        if result.get("type") == "result":
            return
        assert time.monotonic() < deadline
        assert kind(result) == "wait"
        time.sleep(0.1)


def told(server: Server, since: int, client: Client) -> list[str]:
    """What the operator has read about the storage when it is well again."""
    deadline = time.monotonic() + PATIENCE
    while True:
        events = [entry["event"] for entry in server.log[since:] if entry["event"].startswith("storage")]
        if "storage works again" in events:
            return events
        assert time.monotonic() < deadline
        recovered(client)
        time.sleep(0.1)


@pytest.mark.parametrize(("backend", "fault"), FAULTS, indirect=["backend"], scope="module")
def test_outage(backend: Backend, fault: str, world: World) -> None:
    before = len(world.server.log)
    nurse, juliet = world.friends()
    romeo, postman = world.online(), world.online()
    reader, unsure = world.online(), world.online()
    absent, late = world.account(), world.account()
    letters, news = Letters(postman, absent), Letters(world.online(), reader.bare)
    assert letters.write_until_kept()[0] == news.write_until_kept()[0] == "0"
    unsure.send(f"<enable xmlns='{SM}'/>")
    unsure.next()
    with getattr(backend, fault)():
        ask_for_a_change(romeo, "during")
        unsure.send(f"<message to='{nurse.bare}' type='chat'><body>unsure</body></message><r xmlns='{SM}'/>")
        assert body(nurse.until(lambda e: e.tag == f"{NS}message")[-1]) == "unsure"
        assert acknowledged(unsure) == "0"
        converse(nurse, juliet)
        refused = answer(romeo, "during")
        assert (condition(refused), kind(refused)) == ("resource-constraint", "wait")
        letters.write_until_refused()
        news.write_until_refused()
        if backend.reads(fault):
            world.online(late)
        else:
            stranger = world.connection()
            stranger.open()
            assert stranger.plain(late.partition("@")[0], PASSWORD)[0].tag == f"{SASL}temporary-auth-failure"
        converse(nurse, juliet)
        assert [client.sync() for client in (nurse, juliet, romeo)] == [[], [], []]
    recovered(romeo)
    assert told(world.server, before, romeo)[0] == "storage fails"
    assert acknowledged(unsure) == "1"
    kept = news.write_until_kept()
    assert bodies(reader.until(lambda e: body(e) == kept[-1])) == archived(reader) == kept
    assert bodies(reader.sync()) == []
    kept = letters.write_until_kept()
    reader = world.connected(absent)
    reader.send("<presence/>")
    assert bodies(reader.until(lambda e: body(e) == kept[-1])) == archived(reader) == kept
    assert bodies(reader.sync()) == []
