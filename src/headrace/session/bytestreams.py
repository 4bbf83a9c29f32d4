"""Bytestreams of a proxy (XEP-0065): who waits for whom, what they may send, and what there is of them."""

from collections import Counter
from dataclasses import dataclass
from enum import Enum, auto

from headrace.net.link import Link
from headrace.net.socks import Socks
from headrace.session.ports import Log


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Of each bytestream; 0 bytes: any number."""

    streams: int = 5            # of a user at once: as many files as somebody sends at a time
    size: int = 1 << 30         # bytes, both directions together: what is larger is for an upload service
    rate: int = 10 << 20        # bytes a second in each direction: a transfer must not fill the server's line
    wait_seconds: float = 60.0  # to ask, and then to be activated: people say yes first, clients connect after that
    idle_seconds: float = 300.0


class Activation(Enum):
    """What came of a request to activate a stream."""

    DONE = auto()
    UNKNOWN = auto()    # nobody has connected for it
    LONELY = auto()     # one party alone
    TOO_MANY = auto()   # the user has as many as allowed


@dataclass
class _Stream:
    user: str
    first: Socks
    second: Socks


class Relay:
    """headrace.net.socks.Board: brings the two connections of each stream together once that is asked for."""

    def __init__(self, limits: StreamLimits, log: Log) -> None:
        self.limits = limits
        self._log = log
        self._open: set[Socks] = set()
        self._waiting: dict[str, list[Socks]] = {}
        self._streams: dict[str, _Stream] = {}
        self._users: Counter[str] = Counter()

    def on_link(self, link: Link) -> Socks:
        """The Sink of an accepted connection."""
        connection = Socks(link, self, seconds=self.limits.wait_seconds)
        self._open.add(connection)
        return connection

    def activate(self, key: str, user: str) -> Activation:
        """user: who asks for it, and whose stream it is (bare JID)."""
        waiting = self._waiting.get(key)
        if waiting is None:
            return Activation.UNKNOWN
        if len(waiting) < 2:
            return Activation.LONELY
        if self._users[user] >= self.limits.streams:
            return Activation.TOO_MANY
        first, second = self._waiting.pop(key)
        first.join(second, most=self.limits.size, rate=self.limits.rate, idle_seconds=self.limits.idle_seconds)
        self._streams[key] = _Stream(user, first, second)
        self._users[user] += 1
        return Activation.DONE

    def stop(self) -> None:
        for connection in list(self._open):
            connection.end("the server stops")

    def asked(self, connection: Socks) -> bool:
        key = connection.key or ""
        waiting = self._waiting.get(key, [])
        if key in self._streams or len(waiting) == 2:
            return False        # a third one: somebody who has guessed or seen the key
        self._waiting[key] = [*waiting, connection]
        return True

    def gone(self, connection: Socks) -> None:
        self._open.discard(connection)
        key = connection.key or ""
        stream = self._streams.get(key)
        if stream is not None and connection in (stream.first, stream.second):
            self._ended(key, stream, connection)
        elif connection in self._waiting.get(key, ()):
            self._waiting[key].remove(connection)
            if not self._waiting[key]:
                del self._waiting[key]

    def _ended(self, key: str, stream: _Stream, connection: Socks) -> None:
        """One of the two has gone. The other still gets what is on its way, and then goes too."""
        del self._streams[key]
        self._users[stream.user] -= 1
        if not self._users[stream.user]:
            del self._users[stream.user]
        self._log.info("bytestream ended", user=stream.user, bytes=stream.first.carried + stream.second.carried,
                       reason=connection.why or "closed")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy as it shows itself on the XMPP side."""

    host: str                   # where clients find it
    port: int
    allow: frozenset[str]       # prepared domains and bare JIDs of who may use it
    relay: Relay

    def admits(self, user: str) -> bool:
        """user: a bare JID."""
        return user in self.allow or user.rpartition("@")[2] in self.allow
