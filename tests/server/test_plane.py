"""The data plane alone carries chats (issue 5, item 5): whatever is switched on, no message enters Python.

A server in a process of its own counts the Python that it enters (native.md, "Build and proof"). Two accounts with 100
contacts and 20 blocked JIDs each, two resources each that want copies, one of them inactive, all over TLS. N messages
and 4 N of them enter as much, and memory does not grow with them; a run in which each message is punted must fail.
That all of it was on is looked at, too: each has what it should have got, an h for what it sent, and its archive.
"""

import json
import re
import ssl
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.plane import BLOCKED, CONTACTS, NAMES
from support.rawclient import Client
from support.server import environment

N = 2_500
BATCH = 250     # messages in one segment, then all is read: nobody's outbox fills up
SLACK = 500     # calls that a longer run may need: timers, however long it takes; one for each message would be 3 N
BLOCKS = 500    # of memory, likewise
PER_GROUP = 150 # calls of the storage to commit a group, which has more messages than that here
CARBONS, CSI, SM, MAM = "urn:xmpp:carbons:2", "urn:xmpp:csi:0", "urn:xmpp:sm:3", "urn:xmpp:mam:2"
BLOCKING, RSM = "urn:xmpp:blocking", "http://jabber.org/protocol/rsm"
STATE = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
ANSWER, HANDLED = b"<a xmlns='urn:xmpp:sm:3'", re.compile(rb"<a xmlns='urn:xmpp:sm:3' h='(\d+)'/>")
STATE_ALONE = f"id='m%d-{BATCH - 2}'".encode()


@dataclass
class Setting:
    """What is on, beside TLS, carbons, client states and the archive."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    managed: bool = False       # the clients use stream management (XEP-0198)
    punted: bool = False        # each message is for the control plane: the control run


SETTINGS = [Setting("unmanaged"), Setting("managed", managed=True)]


class Child:
    """The counting server."""

    def __init__(self, folder: Path, setting: Setting) -> None:
        env = environment()
        env["PYTHONPATH"] += f":{Path(__file__).parents[1]}"
        self.folder = folder
        self.process = subprocess.Popen([sys.executable, "-m", "support.plane", str(folder),
                                         json.dumps(setting.options)],
                                        env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port, = json.loads(self._line())

    def _line(self) -> bytes:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the server has died"
        return line

    def report(self) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return json.loads(self._line())  # type: ignore[no-any-return]

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(30) == 0


class Chat:
    """Four clients; what they are sent is read without looking at it, up to a mark."""

    def __init__(self, child: Child, setting: Setting) -> None:
        self.setting = setting
        self.trust = ssl.create_default_context(cafile=str(child.folder / "certificates" / "localhost.crt"))
        self.clients = {f"{name}/{place}": self.log_in(child.port, name, place)
                        for name in ("romeo", "juliet") for place in ("desk", "phone")}
        self.h = dict.fromkeys(self.clients, 0)
        self.written = dict.fromkeys(self.clients, 0)   # stanzas
        self.handled = dict.fromkeys(self.clients, 0)   # of them, by the server's h
        self.clients["juliet/phone"].send(f"<inactive xmlns='{CSI}'/>")
        for client in self.clients.values():
            client.sync()
            if setting.managed:
                client.send(f"<enable xmlns='{SM}'/>")
                client.until(lambda e: e.tag == f"{{{SM}}}enabled")
        self.sent = 0

    def log_in(self, port: int, name: str, place: str) -> Client:
        client = Client(port, self.trust)
        client.log_in(name, "secret", place)
        assert len(client.ask("get", "<query xmlns='jabber:iq:roster'/>")[0]) == CONTACTS
        assert len(client.ask("get", f"<blocklist xmlns='{BLOCKING}'/>")[0]) == BLOCKED
        client.ask("set", f"<enable xmlns='{CARBONS}'/>")
        client.send("<presence/>")
        client.sync()
        return client

    def run(self, messages: int) -> None:
        """Each message reaches all four, as itself or as a copy; a chat state alone not one who does not look."""
        for _ in range(messages // BATCH):
            sender, receiver = (("romeo", "juliet"), ("juliet", "romeo"))[self.sent % 2]
            self.write(f"{sender}/desk", receiver)
            mark = f" id='m{self.sent}-{BATCH - 1}'".encode()
            readers = [place for place in self.clients if (place == f"{sender}/desk") == self.setting.punted]
            for place in readers:
                read = self.read(place, mark)
                assert (STATE_ALONE % self.sent in read) == (place != "juliet/phone") or self.setting.punted
                self.acknowledge(place, read)
            self.sent += 1
        for place, written in self.written.items() if self.setting.managed else ():
            while self.handled[place] < written:
                self.read(place, ANSWER)

    def read(self, place: str, mark: bytes) -> bytes:
        """All up to the end of the stanza in which the mark is."""
        seen = bytearray()
        while mark not in seen or seen.count(b"<message ") != seen.count(b"</message>") or seen[-1:] != b">":
            data = self.clients[place].socket.recv(65_536)
            assert data, "the connection has ended"
            seen += data
        self.handled[place] = max(self.handled[place], *map(int, HANDLED.findall(seen)), 0)
        return bytes(seen)

    def write(self, place: str, receiver: str) -> None:
        request = f"<r xmlns='{SM}'/>" if self.setting.managed else ""
        self.clients[place].send(*(self.message(receiver, n) for n in range(BATCH)), request)
        self.written[place] += BATCH

    def acknowledge(self, place: str, read: bytes) -> None:
        """A copy has another message in it."""
        if self.setting.managed:
            self.h[place] += read.count(b"<message ") - read.count(b"<forwarded ")
            self.clients[place].send(f"<a xmlns='{SM}' h='{self.h[place]}'/>")

    def message(self, receiver: str, n: int) -> str:
        """To a full and to the bare JID, with and without a chat state; a chat state alone before the last."""
        to = f"{receiver}@localhost" + ("/desk" if n % 3 else "")
        if self.setting.punted:
            to = "localhost"
        inside = STATE if n == BATCH - 2 else f"<body>{'x' * 100}</body>{STATE if n % 2 else ''}"
        return f"<message to='{to}' type='chat' id='m{self.sent}-{n}'>{inside}</message>"

    def archived(self, name: str) -> int:
        """How many messages are in that account's archive."""
        fin = self.clients[f"{name}/desk"].ask(
            "set", f"<query xmlns='{MAM}'><set xmlns='{RSM}'><max>0</max></set></query>", mark="archive")[0]
        return int(fin.findtext(f"{{{RSM}}}set/{{{RSM}}}count") or "")

    def close(self) -> None:
        for client in self.clients.values():
            client.close()


def measure(folder: Path, setting: Setting) -> dict[str, Any]:
    """How much more 4 N messages took than N: calls and blocks; calls of the storage and groups in both runs together;
    what was called."""
    child = Child(folder, setting)
    chat = Chat(child, setting)
    chat.run(N)     # once, for what is made at first
    reports = [child.report()]
    for messages in (N, 4 * N):
        chat.run(messages)
        reports.append(child.report())
    archived = [chat.archived(name) for name in NAMES]
    chat.close()
    child.stop()
    first, few, many = reports
    more = {key: many[key] - first[key] for key in ("storing", "groups")}
    calls = many["calls"] - 2 * few["calls"] + first["calls"]
    return {**more, "calls": calls, "blocks": many["blocks"] - few["blocks"], "names": many["names"],
            "archived": archived}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_no_message_enters_python(tmp_path: Path, setting: Setting) -> None:
    more = measure(tmp_path, setting)
    assert abs(more["calls"]) <= SLACK, more
    assert 0 < more["groups"] <= 5 * N / PER_GROUP, more
    assert more["storing"] <= SLACK + PER_GROUP * more["groups"], more
    assert more["blocks"] <= BLOCKS, more
    assert more["archived"] == [6 * N // BATCH * (BATCH - 1)] * 2      # all that have a body


@pytest.mark.timeout(600)
def test_the_count_sees_what_is_punted(tmp_path: Path) -> None:
    """The control run: the same assertion must fail."""
    assert measure(tmp_path, Setting("punted", punted=True))["calls"] > 3 * N > SLACK
