"""Everything at once: people come, go, speak and change their minds at random, and what each has seen must add up."""

import random
import xml.etree.ElementTree as ET
from collections import defaultdict
from contextlib import suppress

import pytest

from support.people import World, befriend
from support.rawclient import NS, Client, Closed, body

PEOPLE, STEPS = 5, 250


class Life:
    """Accounts that are all friends, each with a few clients. The dice decide; everything received is written down."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.dice = world, random.Random(seed)
        first = [world.online() for _ in range(PEOPLE)]
        for one in first:
            for other in first:
                if one is not other:
                    befriend(one, other)
        self.accounts = [client.bare for client in first]
        for client in first:
            client.log_out()
        self.clients: list[Client] = []
        self.available: set[str] = set()                                # full JIDs, as the server must know them
        self.seen: dict[Client, set[str]] = defaultdict(set)            # full JIDs of friends, as a client sees them
        self.read: dict[Client, list[tuple[str, int]]] = defaultdict(list)      # (sender, number) of each letter
        self.sent: dict[tuple[str, str], int] = defaultdict(int)        # letters by (sender, receiving account)

    def note(self, client: Client, stanzas: list[ET.Element]) -> None:
        for stanza in stanzas:
            sender = stanza.get("from", "")
            if stanza.tag == NS + "presence":
                assert stanza.get("type") in (None, "unavailable"), client.raw
                (self.seen[client].discard if stanza.get("type") else self.seen[client].add)(sender)
            elif stanza.tag == NS + "message":
                assert stanza.get("type") == "chat", ET.tostring(stanza)
                self.read[client].append((sender, int(body(stanza) or "")))

    def arrive(self) -> None:
        client = self.world.connected(self.dice.choice(self.accounts), kind=self.dice.choice(["plain", "direct"]))
        self.clients.append(client)
        if self.dice.random() < 0.9:
            self.be_available(client)

    def be_available(self, client: Client) -> None:
        client.send(f"<presence><priority>{self.dice.choice([0, 0, 0, 1, 5, -1])}</priority></presence>")
        self.available.add(client.jid)

    def be_unavailable(self, client: Client) -> None:
        client.send("<presence type='unavailable'/>")
        self.available.discard(client.jid)
        self.note(client, client.sync())
        self.seen[client].clear()

    def write(self, client: Client) -> None:
        for _ in range(self.dice.choice([1, 1, 20])):
            to = self.dice.choice(self.accounts)
            number = self.sent[client.jid, to] = self.sent[client.jid, to] + 1
            client.send(f"<message to='{to}' type='chat'><body>{number}</body></message>")

    def leave(self, client: Client, politely: bool) -> None:
        self.clients.remove(client)
        self.available.discard(client.jid)
        if not politely:
            client.reset() if self.dice.random() < 0.5 else client.close()
            return
        client.send("</stream:stream>")
        with suppress(Closed):
            while True:
                self.note(client, [client.next()])

    def step(self, politely: bool) -> None:
        dice = self.dice.random()
        if len(self.clients) < 3 or (dice < 0.15 and len(self.clients) < 12):
            self.arrive()
            return
        client = self.dice.choice(self.clients)
        if dice < 0.3:
            self.leave(client, politely)
        elif dice < 0.5:
            self.be_available(client)
        elif dice < 0.58:
            self.be_unavailable(client)
        elif dice < 0.7:
            self.note(client, client.sync())
        else:
            self.write(client)

    def settle(self) -> None:
        """Until each has seen all that the others did before."""
        for _ in range(2):
            for client in self.clients:
                self.note(client, client.sync())

    def check_presence(self) -> None:
        """Who is available sees exactly those who are; all accounts are friends of one another and of themselves."""
        for client in self.clients:
            if client.jid in self.available:
                assert self.seen[client] == self.available
            else:
                assert self.seen[client] == set()

    def check_letters(self) -> None:
        """None lost, none twice for one reader, all in order, wherever each was read."""
        got: dict[tuple[str, str], set[int]] = defaultdict(set)
        for client, letters in self.read.items():
            for sender in {jid for jid, _ in letters}:
                numbers = [number for jid, number in letters if jid == sender]
                assert numbers == sorted(set(numbers)), (sender, client.jid)
                got[sender, client.bare].update(numbers)
        for pair, count in self.sent.items():
            assert got[pair] == set(range(1, count + 1)), pair


@pytest.mark.parametrize("seed", range(3))
def test_letters_and_presence_add_up(world: World, seed: int, soak: int) -> None:
    """People who say goodbye: nothing may be lost."""
    life = Life(world, seed)
    for _ in range(STEPS * soak):
        life.step(politely=True)
    life.settle()
    life.check_presence()
    for client in list(life.clients):
        life.leave(client, politely=True)
    for account in life.accounts:   # what was kept
        kept = world.arrive(account)
        reader = Client(world.server.plain)
        reader.bare = account
        life.note(reader, [stanza for stanza in kept if stanza.tag == NS + "message"])
        reader.close()
    life.check_letters()


@pytest.mark.parametrize("seed", range(3))
def test_presence_adds_up_when_links_break(world: World, seed: int, soak: int) -> None:
    life = Life(world, seed)
    for _ in range(STEPS * soak):
        life.step(politely=False)
    deadline = 50
    while any(life.seen[c] - life.available for c in life.clients) and deadline:
        life.settle()
        deadline -= 1
    life.settle()
    life.check_presence()
