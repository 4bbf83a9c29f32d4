"""Two clients on a router without sockets, one of them with stream management (XEP-0198)."""

from xml.etree.ElementTree import Element

from headrace.router.session import Reason
from headrace.stream.limits import SessionLimits
from support.routing import CLIENT, World

ID = bytes(range(16))
SM = "{urn:xmpp:sm:3}"
R = "<r xmlns='urn:xmpp:sm:3'/>"


def ack(h: int | str) -> str:
    return f"<a xmlns='urn:xmpp:sm:3' h='{h}'/>"


def chat(id: object, to: str = "juliet@localhost") -> str:
    return f"<message to='{to}' id='{id}' type='chat'><body>x</body></message>"


def stanzas(elements: list[Element]) -> list[str | None]:
    return [e.get("id") for e in elements if e.tag.startswith(CLIENT)]


class Pair:
    """Romeo writes to Juliet, who has stream management."""

    def __init__(self, *, seconds: float = 600, limits: SessionLimits | None = None) -> None:
        self.world = World(limits=limits)
        self.romeo = self.world.client("romeo@localhost/a")
        self.juliet = self.world.client("juliet@localhost/b", contacts={"romeo@localhost": 3}, presence="0")
        self.juliet.manage(ID, seconds)
        self.link = self.juliet.link

    def say(self, *ids: object, to: str = "juliet@localhost") -> None:
        self.world.send(self.romeo, "".join(chat(id, to) for id in ids))

    def answer(self, text: str) -> None:
        self.world.send(self.juliet, text)

    def heard(self) -> list[Element]:
        return self.world.got(self.juliet)

    def lose(self) -> None:
        assert self.juliet.link is not None
        self.world.rig.lose(self.juliet.link)

    def resume(self, h: int) -> int:
        answer = self.world.rig.resume(self.juliet, h)
        self.world.links[self.juliet] = self.juliet.link
        self.world.rig.turn()
        return answer

    @property
    def absent(self) -> list[str | None]:
        return [stanza.id for _, stanza, reason in self.world.notes.punted if reason == Reason.P_ABSENT]

    def chunks(self) -> int:
        return self.world.counters()["chunks"]


def stream_error(elements: list[Element]) -> str:
    """The condition of the one that comes last."""
    return elements[-1][0].tag.rpartition("}")[2]
