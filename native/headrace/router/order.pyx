"""Order across punts."""
from asyncio import ensure_future

cdef enum:
    MOST_STANZAS = 128          # a burst that one segment of a chatty client brings
    MOST_BYTES = 512 << 10      # two stanzas of the largest size


cdef class Held:
    pass


cdef class Order:
    def __init__(self, Reactor reactor not None, Task owner not None):
        self.reactor = reactor
        self.owner = owner
        self.open = {}
        self.waiting = []
        self.queued = {}

    cdef bint must_hold(self, bytes key, bint barrier) except -1:
        if self.open_all or self.barriers or (barrier and self.waiting):
            return True
        return key in self.open or key in self.queued

    cdef int hold(self, bytes raw, bytes key, bint barrier, uint64_t ticket) except -1:
        cdef Held held = Held.__new__(Held)
        held.raw = raw
        held.key = key
        held.barrier = barrier
        held.ticket = ticket
        self.waiting.append(held)
        self.queued[key] = self.queued.get(key, 0) + 1
        self.barriers += barrier
        self.bytes += len(raw)
        return 0

    cdef Held next(self):
        cdef Held held
        cdef set blocked = set()
        cdef Py_ssize_t i
        if self.open_all:
            return None
        for i, held in enumerate(self.waiting):
            if held.key in self.open or held.key in blocked or (held.barrier and i):
                if held.barrier:
                    return None
                blocked.add(held.key)
                continue
            del self.waiting[i]
            self.queued[held.key] -= 1
            if not self.queued[held.key]:
                del self.queued[held.key]
            self.barriers -= held.barrier
            self.bytes -= len(held.raw)
            return held
        return None

    cdef bint full(self) noexcept:
        return len(self.waiting) >= MOST_STANZAS or self.bytes >= MOST_BYTES

    cdef bint idle(self) noexcept:
        return not self.open_all and not self.open and not self.waiting

    cdef int forget(self) except -1:
        self.waiting = []
        self.queued = {}
        self.barriers = 0
        self.bytes = 0
        if self.tok is not None:    # below the root of the stream that was
            self.tok.close()
            self.tok = None
        return 0

    cdef int close(self) except -1:
        if self.tok is not None:
            self.tok.close()
            self.tok = None
        self.owner = None
        return 0


cdef class Ticket:
    def __call__(self, future):
        cdef Order order = self.order
        self.pending.discard(future)
        self.reactor.touch()
        if self.account is not None:
            self.account.catching_up -= 1
        if not future.cancelled() and future.exception() is not None:
            self.reactor.report("a handler failed", future.exception())
        if order is None:
            return
        if self.key is None:
            order.open_all -= 1
        elif order.open[self.key] == 1:
            del order.open[self.key]
        else:
            order.open[self.key] -= 1
        if order.owner is not None:
            self.reactor.later(order.owner)


cdef int take_ticket(
        object awaitable, Reactor reactor, Order order, bytes key, Account account, set pending) except -1:
    cdef Ticket ticket = Ticket.__new__(Ticket)
    future = ensure_future(awaitable, loop=reactor.loop)
    ticket.reactor = reactor
    ticket.order = order
    ticket.key = key
    ticket.account = account
    ticket.pending = pending
    if account is not None:
        account.catching_up += 1
    pending.add(future)
    if order is not None:
        if key is None:
            order.open_all += 1
        else:
            order.open[key] = order.open.get(key, 0) + 1
    future.add_done_callback(ticket)
    return 0
