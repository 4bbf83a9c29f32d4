"""A router without sockets, a control plane that only takes notes, and what clients make of the bytes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, XMLPullParser

from headrace.core.stanza import Stanza
from headrace.router.control import Outcome
from headrace.router.rig import Rig
from headrace.router.session import Reason, Session
from headrace.stream.limits import SessionLimits

ROOT = b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
CLIENT = "{jabber:client}"
STANZA_ERRORS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"


@dataclass
class Notes:
    """A Control that writes down what it is given; `answer` decides what punt() returns."""

    punted: list[tuple[Session | None, Stanza, Reason]] = field(default_factory=list)
    came: list[Session] = field(default_factory=list)
    rising: list[Session] = field(default_factory=list)
    went: list[Session] = field(default_factory=list)
    missing: list[tuple[Session, Stanza]] = field(default_factory=list)
    number: int = 0     # of the last one, in the spool
    answer: Callable[[Session | None, Stanza, int], Outcome] = lambda session, stanza, reason: None
    welcome: Callable[[Session], Outcome] = lambda session: None
    rise: Callable[[Session], Outcome] = lambda session: None

    def punt(self, session: Session | None, stanza: Stanza, reason: int, number: int) -> Outcome:
        self.number = number
        self.punted.append((session, stanza, Reason(reason)))
        return self.answer(session, stanza, reason)

    def available(self, session: Session) -> Outcome:
        self.came.append(session)
        return self.welcome(session)

    def rose(self, session: Session) -> Outcome:
        self.rising.append(session)
        return self.rise(session)

    def missed(self, session: Session, stanza: Stanza) -> None:
        self.missing.append((session, stanza))

    def gone(self, session: Session) -> None:
        self.went.append(session)

    def reasons(self) -> list[Reason]:
        return [reason for _, _, reason in self.punted]


def read(data: bytes, root: bytes = ROOT) -> list[Element]:
    """The elements that a client reads below this root; expat says whether they are well-formed."""
    parser = XMLPullParser(("start", "end"))
    parser.feed(root + data)
    depth, elements = 0, []
    for event, element in parser.read_events():
        depth += 1 if event == "start" else -1
        if event == "end" and depth == 1:
            elements.append(element)
    assert depth == (0 if data.endswith(b"</stream:stream>") else 1), data
    return elements


class World:
    """Some clients on one router."""

    def __init__(self, hosts: tuple[str, ...] = ("localhost",), limits: SessionLimits | None = None) -> None:
        self.notes = Notes()
        self.rig = Rig(self.notes, hosts, limits)
        self.links: dict[Session, object] = {}

    def client(self, jid: str, *, contacts: dict[str, int] | None = None, presence: str | None = None,
               lang: str | None = None, bindings: tuple[tuple[str | None, str], ...] = ()) -> Session:
        """A bound session; presence: its priority, None for one that has sent no presence."""
        session = self.rig.connect(jid, contacts=contacts, lang=lang, bindings=bindings)
        self.links[session] = session.link
        if presence is not None:
            self.send(session, f"<presence><priority>{presence}</priority></presence>")
            self.got(session)
        return session

    def send(self, session: Session, text: str | bytes) -> None:
        self.rig.feed(session, text.encode() if isinstance(text, str) else text)
        self.rig.turn()

    def raw(self, session: Session) -> bytes:
        return self.rig.taken(self.links[session])

    def got(self, session: Session, root: bytes = ROOT) -> list[Element]:
        """What the client has read since this was last asked."""
        return read(self.raw(session), root)

    def counters(self) -> dict[str, int]:
        return self.rig.reactor.counters()


async def breath() -> None:
    """The loop gets round to all that is due, and to what comes of that, however slow the machine is."""
    for _ in range(20):
        await asyncio.sleep(0)


def condition(element: Element) -> str | None:
    """The condition of a stanza error; None if it is none."""
    error = element.find(f"{CLIENT}error")
    if error is None:
        return None
    return next(child.tag.removeprefix(STANZA_ERRORS) for child in error if child.tag.startswith(STANZA_ERRORS))
