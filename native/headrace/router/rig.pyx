"""Sessions without descriptors."""
from libc.stdint cimport uint64_t
from headrace.core.buf cimport buf_free, buf_put
from headrace.net.link cimport LINK_FLUSH, Sink
from headrace.net.reactor cimport Task
from headrace.router.federation cimport Peer
from headrace.router.reader cimport open_tokenizer
from headrace.router.session cimport Session

from asyncio import get_running_loop


class Loop:
    """What a Reactor asks of an event loop, where nothing happens by itself."""

    def __init__(self):
        self.failures = []

    def ignore(self, *args):
        return self

    call_soon = call_later = cancel = add_reader = remove_reader = remove_writer = ignore

    def create_task(self, coroutine):
        return get_running_loop().create_task(coroutine)

    def call_exception_handler(self, context):
        self.failures.append(context)


cdef class Wire:
    def __cinit__(self):
        self.room = -1

    def __dealloc__(self):
        buf_free(&self.bytes)


cdef class Rig:
    def __init__(self, control=None, hosts=("localhost",), limits=None):
        self.loop = Loop()
        self.reactor = Reactor(self.loop)
        self.router = Router(self.reactor, control, limits)
        self.wires = {}
        self.tick()
        for host in hosts:
            self.router.add_host(host)

    def connect(self, str jid not None, *, contacts=None, str lang=None, bindings=()):
        cdef Link link = Link(self.reactor, -1, ("rig", 0))
        self.router.load(jid.partition("/")[0], contacts or {})
        link.start(Sink())
        self.wires[link] = Wire()
        session = self.router.bind(link, open_tokenizer(self.reactor.work, tuple(bindings)), jid, lang)
        self.turn()
        return session

    def resume(self, Session session not None, unsigned int h, *, str lang=None, bindings=()):
        cdef Link link = Link(self.reactor, -1, ("rig", 0))
        link.start(Sink())
        self.wires[link] = Wire()
        return session.attach(link, open_tokenizer(self.reactor.work, tuple(bindings)), h, lang)

    def count_from(self, Session session not None, uint64_t n):
        session.outbox.acknowledged = session.management.asked = n
        session.management.received = session.management.current = n

    def federate(self, negotiator not None, config not None):
        cdef Link link = Link(self.reactor, -1, ("rig", 0))
        cdef Peer peer = Peer(self.router, self.router.routes, link, config)
        self.wires[link] = Wire()
        peer.start(negotiator)
        link.start(peer)
        self.turn()
        return peer

    def feed(self, Sink sink not None, bytes data not None):
        self.tick()
        sink.on_bytes(data, len(data))

    cdef int tick(self) except -1:
        """The clock of the turn; always read already, so that touch() asks the loop for nothing."""
        self.reactor._read_clock()
        self.reactor.now += self.ahead
        self.reactor.fresh = True
        return 0

    def turn(self):
        """The end of a turn: tasks, then each link writes what its peer takes, then closes."""
        cdef Link link
        cdef list links
        cdef Reactor reactor = self.reactor
        while reactor.tasks or reactor.dirty_list or reactor.closing:
            self.tick()
            reactor._serve_tasks()
            links = reactor.dirty_list
            reactor.dirty_list = []
            for link in links:
                link.on_dirty = False
                self.capture(link)
            reactor._serve_closing()
        for link in reactor.again_list:
            link.on_again = False
        reactor.again_list = []

    cdef int capture(self, Link link) except -1:
        cdef Wire wire = self.wires[link]
        cdef const char* run
        cdef size_t n, border
        while True:
            border = link.sink.to_border() if link.out.n else 0
            if link.out.n and border == 0:
                buf_put(&wire.bytes, link.out.p, link.out.n)
                buf_free(&link.out)
            n = link.sink.pending(&run)
            if n == 0 or wire.room == 0:
                break
            if border:
                n = min(n, border)
            if wire.room > 0:
                n = min(n, <size_t>wire.room)
                wire.room -= n
            buf_put(&wire.bytes, run, n)
            link.sink.sent(n)
        if link.state == LINK_FLUSH:
            link.abort()
        return 0

    def allow(self, Link link not None, Py_ssize_t room):
        """From now on the peer takes this many bytes; negative: all that comes."""
        cdef Wire wire = self.wires[link]
        wire.room = room
        link.dirty()

    def border(self, Link link not None):
        """Bytes that the link still owes to the end of the stanza it stopped inside."""
        return link.sink.to_border()

    def taken(self, Link link not None):
        """All that the link has sent since this was last asked."""
        cdef Wire wire = self.wires[link]
        try:
            return wire.bytes.p[:wire.bytes.n]
        finally:
            wire.bytes.n = 0

    def lose(self, Link link not None):
        """The link fails."""
        link.abort()
        self.turn()

    def advance(self, double seconds):
        """Time passes: whatever has a deadline within it expires."""
        cdef Task task
        self.ahead += <int64_t>(seconds * 1e9)
        self.tick()
        if seconds >= 0.05:
            self.router.answers()
        for tasks in list(map(list, self.reactor.wheel)):
            for task in tasks:
                if task.due and task.due <= self.reactor.now:
                    self.reactor.deadline(task, 0)
                    task.expire()
        self.turn()
