"""Connections whose account is at home at another worker than the one that accepted them (protocol.md 19).

Who accepted one has its descriptor and TLS, and finds out whose it is. From the proof on the account's home serves it:
it negotiates on and has the session, and both pass on its bytes (headrace.net.tunnel).
"""

from collections.abc import Callable
from functools import partial

import msgspec

from headrace.cluster.ports import Place
from headrace.net.reactor import Reactor
from headrace.net.tunnel import Relay, Tunnel, Word
from headrace.session.config import C2SConfig
from headrace.session.handshake import Handshake
from headrace.session.negotiation import Negotiation
from headrace.session.offers import Offers
from headrace.session.ports import Bindings, Proven, Wire
from headrace.session.services import Services

CHANNEL = "links"


class Move(msgspec.Struct, tag=True, array_like=True):
    """A connection moves; its number is the accepting worker's."""

    number: int
    peer: tuple[str, int]
    proven: Proven
    bindings: Bindings


class Told(msgspec.Struct, tag=True, array_like=True):
    number: int
    by_relay: bool
    word: int
    value: bytes | int


_READ = msgspec.msgpack.Decoder(Move | Told)
_write = msgspec.msgpack.encode


class Moves:
    """headrace.session.ports.Homes."""

    def __init__(self, place: Place, reactor: Reactor) -> None:
        self._place = place
        self._reactor = reactor
        self._serve: Callable[[Tunnel, Move], None] | None = None
        self._last = 0
        self._relays: dict[int, Relay] = {}
        self._under_way: dict[int, str] = {}  # accounts, by number of the move that its home has not answered
        self._tunnels: dict[tuple[int, int], Tunnel] = {}  # by worker and number
        place.bus.listen(CHANNEL, self._receive)

    def serve(self, config: C2SConfig, services: Services) -> None:
        """Those of accounts whose home is here."""
        self._serve = partial(adopt, config, services, Offers(config, services))

    def is_home(self, account: str) -> bool:
        return self._place.is_home(account)

    def move(self, wire: Wire, proven: Proven) -> None:
        wire.authenticated()
        link, unread, bindings = wire.hand_over()
        worker = self._place.home(proven.account)
        self._last += 1
        self._under_way[self._last] = proven.account
        self._send(worker, Move(self._last, link.peer, proven, bindings))
        relay = self._relays[self._last] = Relay(link, partial(self._tell, worker, self._last, True))
        relay.start(unread)

    def revoke(self, account: str) -> None:
        """What was known of this account holds no more: who is on the way home does not get there."""
        for number in [number for number, moving in self._under_way.items() if moving == account]:
            link = self._relays[number].link
            if link is not None:
                link.abort()

    # The bus.

    def _send(self, worker: int, message: Move | Told) -> None:
        self._place.bus.send(worker, CHANNEL, _write(message))

    def _tell(self, worker: int, number: int, by_relay: bool, word: int, value: bytes | int) -> None:
        if word == Word.W_END and by_relay:
            self._relays.pop(number, None)
            self._under_way.pop(number, None)
        elif word == Word.W_END:
            self._tunnels.pop((worker, number), None)
        self._send(worker, Told(number, by_relay, word, value))

    def _receive(self, worker: int, message: bytes) -> None:
        told = _READ.decode(message)
        if isinstance(told, Move):
            assert self._serve is not None
            tunnel = Tunnel(self._reactor, told.peer, partial(self._tell, worker, told.number, False))
            self._tunnels[worker, told.number] = tunnel
            self._serve(tunnel, told)
            return
        if not told.by_relay:
            self._under_way.pop(told.number, None)
        end = self._tunnels.get((worker, told.number)) if told.by_relay else self._relays.get(told.number)
        if end is None:     # it has told its end meanwhile
            return
        if told.word == Word.W_END and told.by_relay:
            del self._tunnels[worker, told.number]
        end.heard(told.word, told.value)


def adopt(config: C2SConfig, services: Services, offers: Offers, tunnel: Tunnel, move: Move) -> None:
    """The negotiation goes on here."""
    link = tunnel.link
    assert link is not None
    handshake = Handshake(link, services.sessions, config, None, move.bindings if move.proven.entry else None)
    negotiation = Negotiation(config, services, offers, handshake)
    handshake.start(negotiation, services.logins.under_way)
    link.start(handshake)
    work = negotiation.adopt(move.proven)
    if work is not None:
        handshake.wait_for(work)
