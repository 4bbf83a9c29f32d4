"""Those who use a server in a test: accounts nobody had before, clients that are closed in the end."""

import os
import ssl
import xml.etree.ElementTree as ET
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from support.rawclient import NS, Client
from support.server import Server

PASSWORD = "secret"


class World:
    """A running server and those who use it."""

    def __init__(self, server: Server, names: Iterator[str]) -> None:
        self.server = server
        self.clients: list[Client] = []
        self._names = names
        self._regulars: deque[str] = deque()
        self.trust = ssl.create_default_context(cafile=str(server.certificate))

    def account(self) -> str:
        """The bare JID of somebody who has not been here."""
        return f"{next(self._names)}@localhost"

    def memory(self) -> int:
        """Resident bytes of the server; 0 where sanitizers keep what was freed."""
        if os.environ.get("HEADRACE_SANITIZE") == "1":
            return 0
        return int(Path(f"/proc/{self.server.process.pid}/statm").read_text().split()[1]) * 4096

    def anybody(self) -> str:
        """One of a few who come and go, for tests that need many sessions."""
        if len(self._regulars) < 20:
            self._regulars.append(self.account())
        else:
            self._regulars.rotate()
        return self._regulars[-1]

    def connection(self, kind: str = "plain") -> Client:
        """kind: `plain`, `starttls` or `direct`, the listener."""
        client = Client(getattr(self.server, kind), self.trust if kind == "direct" else None,
                        settle=self.server.settle)
        self.clients.append(client)
        return client

    def connected(self, account: str = "", resource: str | None = None, kind: str = "plain") -> Client:
        """Logged in, bound, without presence."""
        client = self.connection(kind)
        client.log_in((account or self.account()).partition("@")[0], PASSWORD, resource)
        return client

    def online(self, account: str = "", resource: str | None = None, priority: int = 0, kind: str = "plain") -> Client:
        """Logged in, interested in the roster, available."""
        client = self.connected(account, resource, kind)
        client.ask("get", "<query xmlns='jabber:iq:roster'/>")
        client.send(f"<presence><priority>{priority}</priority></presence>")
        client.sync()
        return client

    def arrive(self, account: str) -> list[ET.Element]:
        """Comes online for a moment, as the only one; what was kept, all of it: a last letter marks the end."""
        postman = self.online()
        postman.send(f"<message to='{account}' type='chat' id='last'><body>last</body></message>")
        assert postman.sync() == []
        client = self.connected(account)
        client.send("<presence/>")
        kept = client.until(lambda e: e.get("id") == "last")[:-1]
        client.log_out()
        return kept

    def friends(self) -> tuple[Client, Client]:
        """Two who see each other's presence."""
        one, other = self.online(), self.online()
        befriend(one, other)
        befriend(other, one)
        return one, other


def befriend(one: Client, other: Client) -> None:
    """`one` gets to see the presence of `other`."""
    one.send(f"<presence to='{other.bare}' type='subscribe'/>")
    other.until(lambda e: e.get("type") == "subscribe" and e.get("from") == one.bare)
    other.send(f"<presence to='{one.bare}' type='subscribed'/>")
    one.until(lambda e: e.tag == NS + "presence" and e.get("from") == other.jid and e.get("type") is None)
    other.sync()


def settled(sender: Client, receiver: Client) -> list[ET.Element]:
    """What the receiver has got when all that the sender sent to its bare JID has had its effects."""
    sender.send(f"<message to='{receiver.bare}' type='headline' id='settled'><body>x</body></message>")
    return receiver.until(lambda e: e.get("id") == "settled")[:-1]
