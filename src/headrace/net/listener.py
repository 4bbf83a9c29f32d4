"""A listening socket: accepts links, guards descriptors, keeps the connection limits."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
from asyncio import TimerHandle
from collections.abc import Callable
from time import monotonic

from headrace.net.limits import Admission
from headrace.net.link import Link, Sink
from headrace.net.reactor import Reactor
from headrace.net.sockets import accept, tune
from headrace.net.tls import TlsContext

BACKLOG = 4096  # a restart brings every client back within seconds
ACCEPTS = 64  # a turn: established links must not wait for a storm of new ones
RESERVED = 64  # descriptors kept free for storage, logs and connections that we make
PAUSE_SECONDS = 0.1  # after running out of descriptors; unguarded, the loop spins on the readable listener
NOTE_SECONDS = 60.0  # between two log lines of the same kind


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open files to the hard one; answers what it is now."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Listener:
    """Accepts connections on one address and port, and asks on_link for the Sink of each.

    on_link(link) may answer None to refuse. tls: direct TLS (XEP-0368); None: plain, perhaps STARTTLS later;
    either: each client chooses between the two by its first byte.
    admission: shared by all listeners of a server. log: gets at most a line a minute of each kind.
    """

    def __init__(self, reactor: Reactor, address: str, port: int, *, on_link: Callable[[Link], Sink | None],
                 tls: TlsContext | None = None, either: bool = False, limits: Admission, name: str = "c2s",
                 log: Callable[[str], None] = lambda line: None) -> None:
        self.reactor = reactor
        self.address = address
        self.port = port
        self.on_link = on_link
        self.tls = tls
        self.either = either
        self.limits = limits
        self.name = name
        self.accepted = 0
        self.links: set[Link] = set()  # open ones: a server that stops says good-bye to each
        self._log = log
        self._noted: dict[str, float] = {}
        self._socket: socket.socket | None = None
        self._spare = -1
        self._latest = -1  # descriptor; the kernel gives the lowest that is free
        self._timer: TimerHandle | None = None

    def start(self) -> None:
        """Bind and listen; port 0 becomes the one that the kernel chose. Raises OSError."""
        family, _, _, _, where = socket.getaddrinfo(
            self.address, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:  # else "::" would take the port from a listener on 0.0.0.0
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            tune(listening.fileno())  # what it accepts inherits all of that
            listening.bind(where)
            listening.listen(BACKLOG)
            self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            listening.close()
            raise
        self._socket = listening
        self.port = listening.getsockname()[1]
        self.reactor.loop.add_reader(listening.fileno(), self._accept)

    def close(self) -> None:
        """Accept no more; links that were accepted live on."""
        if self._socket is None:
            return
        self._stop_accepting()
        if self._timer is not None:
            self._timer.cancel()
        self._socket.close()
        self._drop_spare()
        self._socket = self._timer = None

    def authenticated(self, link: Link) -> None:
        """Its stream has logged in: it no longer counts among those that may only be few."""
        if link.listener is self and not link.authenticated:
            link.authenticated = True
            self.limits.authenticated(link.peer[0])

    def gone(self, link: Link) -> None:
        """A link of ours is closed (its own doing, once)."""
        self.links.discard(link)
        self.limits.gone(link.peer[0], authenticated=link.authenticated)

    def _accept(self) -> None:
        assert self._socket is not None
        room = self._room()
        for _ in range(min(room, ACCEPTS)):
            try:
                taken = accept(self._socket.fileno())
            except OSError as error:
                self._starve(error)
                return
            if taken is None:
                return
            self._latest = taken[0]
            self._admit(*taken)
        if room <= 0:
            self._starve(None)

    def _room(self) -> int:
        """Descriptors to be had before the reserve begins: the kernel always gives the lowest free number."""
        assert self._socket is not None
        end = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - RESERVED
        if 0 <= self._latest < end - 2 * ACCEPTS:  # far from it a moment ago
            return ACCEPTS
        try:
            lowest = os.dup(self._socket.fileno())
        except OSError:  # not even one: accept() will say so
            return 1
        os.close(lowest)
        return end - lowest

    def _starve(self, error: OSError | None) -> None:
        """No connection can be had: say so and look again in a while."""
        why = "descriptors have run out" if error is None else os.strerror(error.errno or 0)
        self._note(f"{self.name}: {why}; no connections are accepted for now")
        if error is not None and error.errno in (errno.EMFILE, errno.ENFILE):
            self._shed()
        self._stop_accepting()
        self._timer = self.reactor.loop.call_later(PAUSE_SECONDS, self._go_on)

    def _admit(self, fd: int, peer: tuple[str, int]) -> None:
        if self.limits.admit(peer[0]) is not None:
            os.close(fd)
            return
        self.accepted += 1
        link = Link(self.reactor, fd, peer, self)
        try:
            sink = self.on_link(link)
        except Exception:
            link.abort()
            raise
        if sink is None:
            link.abort()
        else:
            self.links.add(link)
            link.start(sink, self.tls, either=self.either)

    def _shed(self) -> None:
        """Take one connection off the backlog with the spare descriptor, so that its peer learns at once."""
        assert self._socket is not None
        self._drop_spare()
        with contextlib.suppress(OSError):  # others may have been quicker to take it
            taken = accept(self._socket.fileno())
            if taken is not None:
                os.close(taken[0])
            self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def _drop_spare(self) -> None:
        if self._spare >= 0:
            os.close(self._spare)
            self._spare = -1

    def _go_on(self) -> None:
        self._timer = None
        if self._socket is not None:
            self.reactor.loop.add_reader(self._socket.fileno(), self._accept)

    def _stop_accepting(self) -> None:
        assert self._socket is not None
        self.reactor.loop.remove_reader(self._socket.fileno())

    def _note(self, line: str) -> None:
        now = monotonic()
        if now - self._noted.get(line, -NOTE_SECONDS) >= NOTE_SECONDS:
            self._noted[line] = now
            self._log(line)
