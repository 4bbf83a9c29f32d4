"""Acknowledged means kept, also for messages to other servers (protocol.md 3): the outgoing spool.

The sender's server is killed; the other one is down, or killed as well.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from support.component import Component, configuration
from support.faithful import Faithful
from support.federated import PASSWORD, Authority, Site, route, site
from support.ports import unused_port
from support.rawclient import NS, Client, Closed, bodies, condition
from support.server import USERS, running

A, B = "a.example", "b.example"
WRITERS = ("romeo", "mercutio")
MESSAGES = 100          # of each writer, in the time of one server's life
SM = "urn:xmpp:sm:3"


class Places:
    """Two servers that know each other, either of which may be down."""

    def __init__(self, folder: Path, s2s: str = "") -> None:
        authority = Authority(folder / "authority")
        self._folder, self._authority, self._s2s = folder, authority, s2s
        self._ports = {A: unused_port(), B: unused_port()}
        self._pairs = {domain: authority.issue(domain, [domain]) for domain in (A, B)}

    @contextmanager
    def up(self, domain: str, fragile: str = "") -> Iterator[Site]:
        other = B if domain == A else A
        with site(self._folder / domain, domain, self._ports[domain], self._authority, pair=self._pairs[domain],
                  users=(*WRITERS, "juliet"), s2s=self._s2s, routes=route(other, self._ports[other]),
                  fragile=fragile) as made:
            yield made


def test_what_an_h_has_covered_outlives_the_server_and_goes_when_the_other_is_there(tmp_path: Path) -> None:
    places = Places(tmp_path)
    with places.up(A) as here:
        romeo = here.client("romeo")
        romeo.send(f"<enable xmlns='{SM}'/>")
        romeo.next()
        for number in range(5):
            romeo.send(f"<message to='juliet@{B}/x' type='chat' id='{number}'><body>{number}</body></message>")
        romeo.send(f"<r xmlns='{SM}'/>")
        romeo.until(lambda e: e.tag == f"{{{SM}}}a" and e.get("h") == "5")
        here.server.kill()
    with places.up(A), places.up(B) as there:
        juliet = there.client("juliet")
        juliet.send("<presence/>")
        got = [e for e in juliet.until(lambda e: e.findtext(NS + "body") == "4") if e.tag == NS + "message"]
        assert bodies(got) == ["0", "1", "2", "3", "4"]
        for message in got:
            assert A in [delay.get("from") for delay in message.findall("{urn:xmpp:delay}delay")]
        assert not [e for e in juliet.sync() if e.tag == NS + "message"]    # each came once


def test_what_cannot_be_delivered_in_time_comes_back(tmp_path: Path) -> None:
    with Places(tmp_path, "give_up_seconds = 0.2").up(A) as here:
        romeo = here.client("romeo")
        romeo.send(f"<message to='juliet@{B}' type='chat' id='1'><body>x</body></message>")
        answer = romeo.until(lambda e: e.get("id") == "1")[-1]
        assert (answer.get("from"), condition(answer)) == (f"juliet@{B}", "remote-server-timeout")


def numbers(component: Component) -> Iterator[tuple[int, bool]]:
    """Of the messages that come, and whether each is stamped, until its stream ends."""
    with suppress(Closed, OSError):
        while True:
            message = component.next()
            delays = [delay.get("from") for delay in message.findall("{urn:xmpp:delay}delay")]
            yield int(message.get("id", "")), delays == ["localhost"]


def test_what_a_component_has_not_read_waits_for_it(tmp_path: Path) -> None:
    """More than sockets hold."""
    port, count, text = unused_port(), 160, "x" * 60_000
    more = configuration(port, {"bot.localhost": ""})
    with running(tmp_path, more=more) as server:
        first = Component(port, "bot.localhost").connect("s3cret")
        romeo = Client(server.plain)
        romeo.log_in("romeo", USERS["romeo@localhost"])
        romeo.send(f"<enable xmlns='{SM}'/>")
        romeo.next()
        for number in range(count):
            romeo.send(f"<message to='bot.localhost' type='chat' id='{number}'><body>{text}</body></message>")
        romeo.send(f"<r xmlns='{SM}'/>")
        romeo.until(lambda e: e.tag == f"{{{SM}}}a" and e.get("h") == str(count))
        server.kill()
        read = [number for number, _ in numbers(first)]
    with running(tmp_path, more=more):
        second = Component(port, "bot.localhost").connect("s3cret")
        rest = []
        for number, stamped in numbers(second):
            rest.append((number, stamped))
            if number == count - 1:
                break
    assert 0 < len(read) < count
    assert rest == [(number, True) for number in range(rest[0][0], count)]
    assert read == list(range(len(read)))
    assert rest[0][0] <= len(read)


class Town:
    """Who writes, and who reads; they stay when servers come and go."""

    def __init__(self) -> None:
        self.writers = [Faithful(name, PASSWORD, "desk", 0, host=A) for name in WRITERS]
        self.juliet = Faithful("juliet", PASSWORD, "chair", 0, host=B)
        self.written = 0

    async def write(self, dice: random.Random) -> None:
        for _ in range(MESSAGES // 10):
            for _ in range(10):
                for writer in self.writers:
                    writer.write(self.juliet.bare, f"{writer.user}-{self.written:05d}")
                self.written += 1
            await asyncio.sleep(dice.uniform(0, 0.02))


async def appear(place: Site, people: list[Faithful]) -> None:
    for somebody in people:
        somebody.port = place.server.plain
        somebody.start()
    for somebody in people:
        await somebody.online()


async def live_through(here: Site, town: Town, dice: random.Random) -> None:
    """It dies by itself, or is killed in the end."""
    async def live() -> None:
        await appear(here, town.writers)
        await town.write(dice)

    died = asyncio.create_task(asyncio.to_thread(here.server.process.wait))
    life = asyncio.create_task(live())
    await asyncio.wait([died, life], return_when=asyncio.FIRST_COMPLETED)
    if not died.done():
        life.result()
    life.cancel()
    here.server.process.kill()
    await asyncio.wait([died, life])
    for writer in town.writers:
        await writer.vanish()


async def opened(stack: ExitStack, places: Places, domain: str, fragile: str = "") -> Site:
    return await asyncio.to_thread(stack.enter_context, places.up(domain, fragile))


def judge(town: Town, archived: list[str], kills: int) -> None:
    for writer in town.writers:
        assert writer.refused == []
        assert writer.covered == set(writer.sent)
        mine = [text for text in archived if text.startswith(writer.user)]
        assert list(dict.fromkeys(mine)) == writer.sent
        # A crash repeats what the other server has but the spool did not know to be there.
        assert {text: mine.count(text) for text in writer.sent if mine.count(text) > writer.times[text] + kills} == {}


async def test_what_was_acknowledged_gets_there(soak: int, tmp_path: Path) -> None:
    dice = random.Random("spool")
    places, town = Places(tmp_path), Town()
    kills = 3 * soak
    for number in range(kills):
        moment = ("before", "after", "")[number % 3]
        with ExitStack() as stack:
            if number % 2 == 0:
                there = await opened(stack, places, B)
                await appear(there, [town.juliet])
            here = await opened(stack, places, A, f"{moment}:{dice.randint(1, 6)}" if moment else "")
            await live_through(here, town, dice)
            await town.juliet.vanish()      # and her server is killed, too
    with ExitStack() as stack:
        there = await opened(stack, places, B)
        here = await opened(stack, places, A)
        await appear(there, [town.juliet])
        await appear(here, town.writers)
        for writer in town.writers:
            await writer.acknowledged()
        await town.juliet.saw(sum(len(writer.sent) for writer in town.writers))
        clerk = Faithful("juliet", PASSWORD, "clerk", there.server.plain, host=B)
        await appear(there, [clerk])
        judge(town, [seen.text for seen in clerk.seen if seen.archived], kills)
        for somebody in (*town.writers, town.juliet, clerk):
            await somebody.vanish()
