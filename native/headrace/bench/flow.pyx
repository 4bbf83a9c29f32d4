"""Flows of numbered stanzas, and the run that they belong to: see flow.pyi."""
cimport cython
from libc.errno cimport errno
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memset
from posix.unistd cimport close, read
from posix.time cimport CLOCK_MONOTONIC, itimerspec

from headrace.bench.tally cimport clock_ns
from headrace.core.buf cimport buf_free, buf_put

import os
import secrets

cdef extern from "sys/timerfd.h" nogil:
    int TFD_NONBLOCK, TFD_CLOEXEC, TFD_TIMER_ABSTIME
    int timerfd_create(int clock, int flags)
    int timerfd_settime(int fd, int flags, const itimerspec* new, itimerspec* old)

cdef enum:
    FLOWS = 1000000         # that a mark's six digits can tell
    FIRST_SLOTS = 8
    MOST_SLOTS = 1 << 22    # stanzas of one flow under way: the server has stopped
    SECOND = 1000000000

for _enum in (Shape, Fault):
    globals().update(_enum.__members__)

_NAMES = tuple([name.lower() for name in Fault.__members__])  # set at import


cdef void write_digits(char* at, uint64_t value, int digits) noexcept:
    while digits:
        digits -= 1
        at[digits] = <char>(c'0' + value % 10)
        value //= 10


cdef bint read_digits(const char* p, int digits, uint32_t* value) noexcept:
    cdef uint64_t found = 0
    cdef int i
    for i in range(digits):
        if not c'0' <= p[i] <= c'9':
            return False
        found = 10 * found + <uint64_t>(p[i] - c'0')
    value[0] = <uint32_t>found
    return found <= 0xFFFFFFFF


cdef bint read_mark(Str text, uint32_t* number, uint32_t* flow) noexcept:
    return (text.n >= MARK and text.p[DIGITS] == c'-' and text.p[TAG_AT - 1] == c'-'
            and read_digits(text.p, DIGITS, number) and read_digits(text.p + DIGITS + 1, FLOW_DIGITS, flow))


cdef class Sender(Sink):
    cdef int put(self, const char* p, size_t n) except -1:
        return 0


@cython.final
cdef class Load:
    def __cinit__(self, Reactor reactor not None, bytes tag=None):
        self.reactor = reactor
        self.tag = secrets.token_hex(TAG // 2).encode() if tag is None else tag
        if len(self.tag) != TAG:
            raise ValueError(f"a tag has {TAG} bytes")
        self.latency = Tally()
        self.lag = Tally()
        self.flows = []
        self.examples = []
        self.timer = -1

    def __dealloc__(self):
        if self.timer >= 0:
            close(self.timer)

    cdef bint is_ours(self, Str text) noexcept:
        return memcmp(text.p + TAG_AT, <const char*>self.tag, TAG) == 0

    cdef int blame(self, int fault, Str stanza) except -1:
        self.fault[fault] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append((_NAMES[fault], stanza.p[:stanza.n]))
        return 0

    cdef void measure(self, int64_t due, int64_t now) noexcept:
        if self.begin <= due < self.end:
            self.latency.add(now - due)

    @property
    def faults(self):
        return {_NAMES[i]: self.fault[i] for i in range(FAULTS)}

    @property
    def missing(self):
        """Deliveries that have not come and are still waited for."""
        cdef Flow flow
        cdef uint64_t total = 0
        cdef uint32_t i
        for flow in self.flows:
            for i in range(flow.slots):
                total += flow.slot[i].left
        return total

    def measure_from_now(self):
        self.latency.clear()
        self.lag.clear()
        self.begin = clock_ns()
        self.end = <int64_t>1 << 62

    def measure_until_now(self):
        self.end = clock_ns()

    def start(self, flows not None, double rate=0.0):
        cdef Flow flow
        self.sending = True
        self.rate = rate
        self.reactor.touch()
        if rate == 0.0:
            for flow in flows:
                flow.fill(clock_ns())
            return
        self.order = list(flows)
        self.turn = 0
        self.started = clock_ns()
        self.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)
        if self.timer < 0:
            raise OSError(errno, os.strerror(errno))
        self._set_timer()
        self.reactor.loop.add_reader(self.timer, self)

    def stop(self):
        self.sending = False
        if self.timer >= 0:
            self.reactor.loop.remove_reader(self.timer)
            close(self.timer)
            self.timer = -1

    cdef int64_t _due(self, uint64_t turn) noexcept:
        return self.started + <int64_t>(<double>turn / self.rate * SECOND)

    cdef int _set_timer(self) except -1:
        cdef itimerspec when
        cdef int64_t due = self._due(self.turn)
        memset(&when, 0, sizeof(when))
        when.it_value.tv_sec = due // SECOND
        when.it_value.tv_nsec = due % SECOND
        if timerfd_settime(self.timer, TFD_TIMER_ABSTIME, &when, NULL):
            raise OSError(errno, os.strerror(errno))
        return 0

    def __call__(self):
        """The timer: everything that is due is sent."""
        cdef uint64_t times
        cdef int64_t due, now = clock_ns()
        self.reactor.touch()
        read(self.timer, &times, sizeof(times))
        due = self._due(self.turn)
        while due <= now:
            self.lag.add(now - due)
            (<Flow>self.order[self.turn % <uint64_t>len(self.order)]).send(due, now)
            self.turn += 1
            due = self._due(self.turn)
        self._set_timer()


@cython.final
cdef class Flow:
    def __cinit__(self, Load load not None, Sender sender not None, int shape, bytes head not None,
                  bytes filler not None, bytes tail not None, *, bytes source=None, uint32_t receivers=1,
                  uint32_t window=1, uint32_t page=0):
        cdef bytes mark
        self.index = len(load.flows)
        if self.index >= FLOWS:
            raise ValueError(f"more than {FLOWS} flows")
        self.load = load
        self.sender = sender
        self.shape = shape
        self.source = source
        self.receivers = receivers
        self.window = window
        self.page = page
        mark = b"%010d-%06d-%b" % (0, self.index, load.tag)
        for piece in (head, mark, filler, tail):
            buf_put(&self.stanza, <char*><bytes>piece, len(piece))
        self.at = len(head)
        self.text_n = MARK + len(filler)
        self.slots = FIRST_SLOTS
        self.slot = <Slot*>calloc(self.slots, sizeof(Slot))
        if self.slot == NULL:
            raise MemoryError
        load.flows.append(self)

    def __dealloc__(self):
        buf_free(&self.stanza)
        free(self.slot)

    cdef int send(self, int64_t due, int64_t now) except -1:
        cdef Slot* slot = &self.slot[self.number & (self.slots - 1)]
        while slot.left:
            self._grow()
            slot = &self.slot[self.number & (self.slots - 1)]
        slot.due = due
        slot.number = self.number
        slot.left = self.receivers
        write_digits(self.stanza.p + self.at, self.number, DIGITS)
        self.number += 1
        self.under_way += 1
        self.load.sent += 1
        return self.sender.put(self.stanza.p, self.stanza.n)

    cdef int fill(self, int64_t now) except -1:
        while self.under_way < self.window and self.load.sending:
            self.send(now, now)
        return 0

    cdef bint is_text(self, Str text) noexcept:
        return (text.n == self.text_n
                and memcmp(text.p + DIGITS, self.stanza.p + self.at + DIGITS, text.n - DIGITS) == 0)

    cdef Slot* find(self, uint32_t number) noexcept:
        cdef Slot* slot = &self.slot[number & (self.slots - 1)]
        return slot if slot.left and slot.number == number else NULL

    cdef int arrived(self, uint32_t number, int64_t now) except -1:
        cdef Slot* slot = self.find(number)
        if slot == NULL:
            return 0
        self.load.measure(slot.due, now)
        return self._done(slot, now)

    cdef int gave_up(self, uint32_t number, int64_t now) except -1:
        cdef Slot* slot = self.find(number)
        if slot == NULL:
            return 0
        return self._done(slot, now)

    cdef int _done(self, Slot* slot, int64_t now) except -1:
        slot.left -= 1
        if slot.left == 0:
            self.under_way -= 1
            if self.load.rate == 0.0:
                return self.fill(now)
        return 0

    cdef int _grow(self) except -1:
        cdef uint32_t i, n = 2 * self.slots
        cdef Slot* old = self.slot
        if n > MOST_SLOTS:
            raise OverflowError("the server has stopped: too many stanzas are under way")
        self.slot = <Slot*>calloc(n, sizeof(Slot))
        if self.slot == NULL:
            self.slot = old
            raise MemoryError
        for i in range(self.slots):
            if old[i].left:
                self.slot[old[i].number & (n - 1)] = old[i]
        self.slots = n
        free(old)
        return 0
