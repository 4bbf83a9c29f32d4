"""A client that keeps to XEP-0198 and XEP-0313 to the letter, whatever happens to its link, for tests of our promise.

It resends only what the server has not acknowledged, resumes where it may, catches up from the archive where it may
not, and writes down what it has sent, what was acknowledged and what it has seen. It shares no code with the server.

    romeo = Faithful("romeo", "secret", "orchard", port)
    romeo.start()
    await romeo.online()
    romeo.write("juliet@localhost", "1")
    await romeo.acknowledged()
    await romeo.leave()
"""

import asyncio
import base64
import xml.etree.ElementTree as ET
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from support.rawclient import BIND, HEADER, HOST, NS, SASL, Elements

SM = "{urn:xmpp:sm:3}"
MAM = "{urn:xmpp:mam:2}"
RSM = "{http://jabber.org/protocol/rsm}"
FORWARD = "{urn:xmpp:forward:0}"
SID = "{urn:xmpp:sid:0}"
PATIENCE = 60.0     # s; a bound for what takes a few
RETRY = 0.05        # s between attempts to connect
PAGE = 100


@dataclass(frozen=True)
class Seen:
    """A message that has come."""

    text: str
    id: str | None              # by our own archive
    archived: bool = False      # it came as a result of a catch-up


class Lost(Exception):
    """The link has gone."""


class Faithful:
    def __init__(self, user: str, password: str, resource: str, port: int, *, managed: bool = True,
                 host: str = HOST) -> None:
        """port: may be set anew at any time, for the next connection. managed: uses XEP-0198."""
        self.user, self.password, self.resource, self.port = user, password, resource, port
        self.host = host
        self.bare = f"{user}@{host}"
        self.managed = managed
        self.seen: list[Seen] = []
        self.refused: list[str] = []                # ids of messages that came back as errors
        self.sent: list[str] = []                   # ids of all messages, in order
        self.covered: set[str] = set()              # ids that an h has covered
        self.times: dict[str, int] = {}             # how often each was sent, by id
        self.resumptions = self.failures = 0
        self._unacknowledged: deque[tuple[str | None, str]] = deque()   # (id of a message, its XML), as sent
        self._h = self._heard = 0                   # acknowledged by the server; stanzas that came
        self._session: str | None = None            # SM-ID
        self._last: str | None = None               # stanza-id up to which all of the archive has been seen
        self._settled = False                       # its login is complete
        self._waiting: list[tuple[str | None, str]] = []    # to be sent then: (id of a message, its XML)
        self._online = asyncio.Event()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.StreamReader | None = None
        self._elements = Elements()
        self._asked = 0

    # What tests do with it

    def start(self) -> None:
        self._task = asyncio.create_task(self._live())

    async def online(self) -> None:
        """It is logged in, has caught up and sent again what it had to."""
        await self._until(self._online.is_set)

    def write(self, to: str, text: str) -> None:
        """A chat message with this id and body; at once, or when it is online again. Only who manages the stream knows
        what to send again."""
        assert self.managed
        self.sent.append(text)
        xml = f"<message to='{to}' type='chat' id='{text}'><body>{text}</body></message>"
        if self._online.is_set():
            self._stanza(xml, text)
        else:
            self._waiting.append((text, xml))

    async def acknowledged(self) -> None:
        """All that was written is covered by an h."""
        await self._until(lambda: not self._waiting and not any(id for id, _ in self._unacknowledged))

    async def saw(self, count: int) -> None:
        await self._until(lambda: len({seen.text for seen in self.seen}) >= count)

    async def leave(self) -> None:
        """Says good-bye."""
        if self._online.is_set():
            self._say("</stream:stream>")
        await self.vanish()

    async def vanish(self) -> None:
        """Is gone without a word."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        self._hang_up()

    def cut(self) -> None:
        """Its link is reset; it comes back by itself."""
        if self._writer is not None:
            self._writer.transport.abort()

    # Its life

    async def _until(self, done: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not done():
                    if self._task is not None and self._task.done():
                        self._task.result()
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{self.bare} waits in vain: online {self._online.is_set()}, settled {self._settled}, "
                                 f"{len(self._waiting)} to be sent, {len(self._unacknowledged)} unacknowledged, "
                                 f"{len(self.seen)} seen") from None

    async def _live(self) -> None:
        while True:
            try:
                await self._come()
                while True:
                    self._take(await self._next())
            except (Lost, OSError):
                self._hang_up()
                self._changed.set()
                await asyncio.sleep(RETRY)

    def _hang_up(self) -> None:
        self._online.clear()
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    async def _come(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._elements = Elements()
        await self._open()
        proof = base64.b64encode(f"\0{self.user}\0{self.password}".encode()).decode()
        self._say(f"<auth xmlns='{SASL[1:-1]}' mechanism='PLAIN'>{proof}</auth>")
        if (await self._next()).tag != SASL + "success":
            raise Lost
        self._elements.restart()
        await self._open()
        if not await self._resume():
            await self._log_in()
        if not self._settled:
            await self._settle()
        for id, xml in self._waiting:
            self._stanza(xml, id)
        self._waiting.clear()
        self._online.set()
        self._changed.set()

    async def _open(self) -> None:
        self._say(HEADER.format(host=self.host))
        await self._next()

    async def _resume(self) -> bool:
        if self._session is None:
            return False
        self._say(f"<resume xmlns='{SM[1:-1]}' h='{self._heard}' previd='{self._session}'/>")
        answer = await self._next()
        h = int(answer.get("h", self._h))
        if answer.tag == SM + "resumed" or (h - self._h) % 2**32 < 2**31:   # of a crash it may be less than it was
            self._cover(h)
        if answer.tag != SM + "resumed":
            assert answer.tag == SM + "failed", answer.tag
            self.failures += 1
            self._session = None
            return False
        self.resumptions += 1
        for id, xml in self._unacknowledged:
            self._send(xml, id)
        return True

    async def _log_in(self) -> None:
        self._say(f"<iq type='set' id='bind'><bind xmlns='{BIND[1:-1]}'><resource>{self.resource}</resource></bind>",
                  "</iq>")
        answer = await self._next()
        if answer.get("type") != "result":
            raise Lost
        self._settled = False
        self._waiting[:0] = [(id, xml) for id, xml in self._unacknowledged if id is not None]
        self._unacknowledged.clear()
        if self.managed:
            self._say(f"<enable xmlns='{SM[1:-1]}' resume='true'/>")
            while (answer := await self._next()).tag != SM + "enabled":
                self._message(answer)
            self._h = self._heard = 0
            self._session = answer.get("id")

    async def _settle(self) -> None:
        """What a login is not complete without; a link that is cut in between may be resumed."""
        await self._catch_up()
        self._stanza("<presence/>", None)
        # Answered when the presence has had its effects: what has waited is handed over.
        await self._answer("get", "<ping xmlns='urn:xmpp:ping'/>")
        self._settled = True

    async def _catch_up(self) -> None:
        after = self._last
        complete = False
        while not complete:
            place = f"<after>{after}</after>" if after else ""
            answer = await self._answer("set", f"<query xmlns='{MAM[1:-1]}'><set xmlns='{RSM[1:-1]}'>"
                                               f"<max>{PAGE}</max>{place}</set></query>")
            if answer.get("type") == "error":   # an id that the crash took with it (protocol.md 6): from the start
                assert after is not None, ET.tostring(answer)
                after = self._last = None
                continue
            fin = answer.find(f"{MAM}fin")
            assert fin is not None
            complete = fin.get("complete") == "true"
            after = fin.findtext(f"{RSM}set/{RSM}last") or after
        self._last = after

    async def _answer(self, kind: str, payload: str) -> ET.Element:
        """The answer to an IQ; all that comes up to it is taken."""
        self._asked += 1
        mark = f"ask{self._asked}"
        self._stanza(f"<iq type='{kind}' id='{mark}'>{payload}</iq>", None)
        while True:
            answer = await self._next()
            self._take(answer)
            if answer.tag == NS + "iq" and answer.get("id") == mark:
                return answer

    # Stanzas

    def _say(self, *pieces: str) -> None:
        if self._writer is not None:
            self._writer.write("".join(pieces).encode())

    def _stanza(self, xml: str, id: str | None) -> None:
        if self.managed:
            self._unacknowledged.append((id, xml))
        self._send(xml, id)

    def _send(self, xml: str, id: str | None) -> None:
        if id is None:
            self._say(xml)
        else:
            self.times[id] = self.times.get(id, 0) + 1
            self._say(xml, f"<r xmlns='{SM[1:-1]}'/>")

    async def _next(self) -> ET.Element:
        while True:
            element = self._elements.next_here()
            if element is not None:
                return element
            assert self._reader is not None
            data = await self._reader.read(65536)
            if not data or self._elements.closing:
                raise Lost
            self._elements.feed(data)

    def _take(self, element: ET.Element) -> None:
        if element.tag == SM + "r":
            self._say(f"<a xmlns='{SM[1:-1]}' h='{self._heard}'/>")
        elif element.tag == SM + "a":
            self._cover(int(element.get("h", "")))
        elif element.tag.startswith(NS):
            self._heard = (self._heard + 1) % 2**32
            self._message(element)
        self._changed.set()

    def _cover(self, h: int) -> None:
        for _ in range((h - self._h) % 2**32):
            id, _xml = self._unacknowledged.popleft()
            if id is not None:
                self.covered.add(id)
        self._h = h
        self._changed.set()

    def _message(self, element: ET.Element) -> None:
        if element.tag != NS + "message":
            return
        if element.get("type") == "error":
            self.refused.append(element.get("id", ""))
            return
        result = element.find(f"{MAM}result")
        inside = element if result is None else result.find(f"{FORWARD}forwarded/{NS}message")
        assert inside is not None
        text = inside.findtext(NS + "body")
        if text is None or inside.get("from", "").startswith(f"{self.bare}/"):
            return
        stanza_id = result.get("id") if result is not None else next(
            (e.get("id") for e in element.findall(SID + "stanza-id") if e.get("by") == self.bare), None)
        if result is None and stanza_id is not None:
            self._last = stanza_id
        self.seen.append(Seen(text, stanza_id, result is not None))
