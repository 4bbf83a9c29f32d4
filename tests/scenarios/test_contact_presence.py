"""A privileged entity that sees whom users of one host see (XEP-0356, `presence = "roster"`)."""

import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.component import ACCEPT, Component, Place, configuration
from support.ports import unused_port
from support.rawclient import Client
from support.server import USERS, running

SEER, GATE, OTHER = "seer.localhost", "gate.localhost", "other.example"
FRIEND = f"friend@{GATE}"
GRANTS = """
hosts = ["localhost"]
roster = "get"
roster_push = false
presence = "roster"
"""
Told = tuple[str | None, str | None, str | None]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    port = unused_port()
    components = configuration(port, {SEER: GRANTS, GATE: ""})
    with running(tmp_path, users={**USERS, f"nurse@{OTHER}": "nurse"},
                 more=f'[[host]]\nname = "{OTHER}"\n{components}') as server:
        yield Place(server, port)
        assert not server.complaints


@pytest.fixture
def gate(place: Place) -> Iterator[Component]:
    """Where users' friends are."""
    component = place.component(GATE)
    yield component
    component.log_out()


def seer_of(place: Place) -> Component:
    """Connected, and told what it may."""
    seer = place.component(SEER)
    seer.told = seer.until(lambda e: e.tag == ACCEPT + "message")
    return seer


def befriend(client: Client, gate: Component, name: str) -> None:
    """The friend is seen by the user, who is told nothing of components."""
    client.ask("get", "<query xmlns='jabber:iq:roster'/>")
    client.send(f"<presence to='{FRIEND}' type='subscribe'/>")
    gate.until(lambda e: e.get("type") == "subscribe")
    gate.send(f"<presence from='{FRIEND}' to='{name}@localhost' type='subscribed'/>")
    client.until(lambda e: e.get("type") == "subscribed")


def heard(stanzas: list[ET.Element]) -> list[Told]:
    """Presence among them: (from, type, status)."""
    return [(e.get("from"), e.get("type"), e.findtext(ACCEPT + "status"))
            for e in stanzas if e.tag == ACCEPT + "presence"]


def says(gate: Component, said: str, type: str = "") -> None:
    """To both users, whether they are here or not."""
    for name in ("romeo", "juliet"):
        gate.send(f"<presence from='{FRIEND}/x' to='{name}@localhost'{type}><status>{said}</status></presence>")


def hears(seer: Component, said: str) -> list[Told]:
    """Presence that it has been sent up to this."""
    return heard(seer.until(lambda e: e.findtext(ACCEPT + "status") == said))


def comes_again(place: Place, seer: Component) -> Component:
    seer.log_out()
    while not [entry for entry in place.server.log if entry["event"] == "component gone" and entry["domain"] == SEER]:
        time.sleep(0.01)
    return seer_of(place)


def test_contacts_elsewhere(place: Place, gate: Component) -> None:
    """Once, whoever is here to see them; and all that are there when it connects."""
    for name in ("romeo", "juliet"):
        client = place.server.client(name)
        befriend(client, gate, name)
        client.log_out()
    seer = seer_of(place)
    presence = seer.told[-1].find(".//*[@access='presence']")
    assert presence is not None
    assert presence.get("type") == "roster"
    says(gate, "here")
    assert hears(seer, "here")[-1] == (f"{FRIEND}/x", None, "here")     # behind the users who have been here
    gate.send(f"<presence from='stranger@{GATE}/x' to='romeo@localhost'/>")
    says(gate, "here")
    says(gate, "away")
    assert hears(seer, "away") == [(f"{FRIEND}/x", None, "away")]
    seer = comes_again(place, seer)
    assert (heard(seer.told) or hears(seer, "away")) == [(f"{FRIEND}/x", None, "away")]
    says(gate, "bye", " type='unavailable'")
    assert hears(seer, "bye") == [(f"{FRIEND}/x", "unavailable", "bye")]
    seer.log_out()


def test_contacts_on_a_host_that_is_not_granted(place: Place) -> None:
    """From when a user of one that is sees them, until none does."""
    seer, romeo, nurse = seer_of(place), place.server.client("romeo"), Client(place.server.plain, host=OTHER)
    romeo.ask("get", "<query xmlns='jabber:iq:roster'/>")
    nurse.log_in("nurse", "nurse", "r")
    nurse.send("<presence><status>zero</status></presence><presence><status>one</status></presence>")
    nurse.sync()
    romeo.send(f"<presence to='nurse@{OTHER}' type='subscribe'/>")
    nurse.until(lambda e: e.get("type") == "subscribe")
    nurse.send("<presence to='romeo@localhost' type='subscribed'/>")
    assert hears(seer, "one") == [(f"nurse@{OTHER}/r", None, "one")]
    seer = comes_again(place, seer)
    assert (heard(seer.told) or hears(seer, "one")) == [(f"nurse@{OTHER}/r", None, "one")]
    nurse.send("<presence><status>two</status></presence>")
    assert hears(seer, "two") == [(f"nurse@{OTHER}/r", None, "two")]
    nurse.close()
    assert heard(seer.until(lambda e: e.tag == ACCEPT + "presence")) == [(f"nurse@{OTHER}/r", "unavailable", None)]
    nurse = Client(place.server.plain, host=OTHER)
    nurse.log_in("nurse", "nurse", "r")
    nurse.send("<presence><status>three</status></presence>")
    assert hears(seer, "three") == [(f"nurse@{OTHER}/r", None, "three")]
    nurse.send("<presence to='romeo@localhost' type='unsubscribed'/>")
    assert heard(seer.until(lambda e: e.tag == ACCEPT + "presence")) == [(f"nurse@{OTHER}/r", "unavailable", None)]
    for each in (romeo, nurse, seer):
        each.close()
