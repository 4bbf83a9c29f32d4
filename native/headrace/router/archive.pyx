"""The queue towards the archive. See archive.pxd.

Numbers are 64 bits: unix microseconds and 10 bits below them, which a burst within one microsecond takes; 63 bits then
last until 2255. They grow, in this run and over all runs: what has been given may have been seen before it is
committed, so a reservation ahead of the clock is committed with every group that comes near its end. After a crash
numbers, and the times read from them, start behind it.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy
from posix.time cimport CLOCK_MONOTONIC, CLOCK_REALTIME, clock_gettime, timespec

from headrace.core.buf cimport str_of
from headrace.router.group cimport M_OFFLINE, Row
from headrace.router.siphash cimport siphash13

from asyncio import get_running_loop

cdef enum:
    BITS = 10                   # of a number, below the microseconds
    LONGEST_WAIT_NS = 5000000   # the oldest waits no longer for company
    AHEAD_US = 10000000         # as much as numbers can be ahead of the clock after a crash
    MOST_JID = 3071             # bytes of a bare JID in UTF-8 (RFC 7622 3.1), and to spare

cdef enum:
    # Archive.woken, Archive.refusal()
    ASLEEP = 0
    LATER
    SOON
    AT_ONCE
    TAKES = 0
    STUCK
    FULL

LONGEST_WAIT = LONGEST_WAIT_NS / 1e9
STALE = 2.0
DONE_WAIT = 0.5


cpdef uint64_t number_at(double time) noexcept:
    return <uint64_t>(time * 1e6) << BITS


def time_of(uint64_t number):
    return (number >> BITS) / 1e6


cdef double unix_time() noexcept nogil:
    cdef timespec t
    clock_gettime(CLOCK_REALTIME, &t)
    return t.tv_sec + t.tv_nsec * 1e-9


cdef class Archive:
    def __init__(self, bytes secret not None, uint64_t reserved=0, *, size_t most_bytes=64 << 20, double stale=STALE,
                 clock=None):
        if len(secret) < 16:
            raise ValueError("the secret is at least 16 bytes")
        memcpy(&self.k0, <char*>secret, 8)
        memcpy(&self.k1, <char*>secret + 8, 8)
        self.last = self.reserved = reserved
        self.most_bytes = most_bytes
        self.stale = stale
        self.clock = clock
        self.filling = Group()

    # Numbers.

    cdef uint64_t next(self) except? 0:
        return 0 if self.refusal() else self.numbered(unix_time())

    cdef uint64_t numbered(self, double time) except? 0:
        self.last = max(self.last + 1, number_at(time))
        return self.last

    def number(self, time=None):
        return 0 if self.refusal() else self.numbered(unix_time() if time is None else time)

    def reservation(self):
        cdef uint64_t ahead = <uint64_t>AHEAD_US << BITS
        return 0 if self.last + ahead // 2 < self.reserved else self.last + ahead

    def reserve(self, uint64_t reserved):
        self.reserved = reserved

    def start_above(self, uint64_t reserved):
        self.reserved = reserved
        self.last = max(self.last, reserved)

    cdef Str stanza_id(self, uint64_t number, Str owner, char* dst) noexcept:
        cdef char key[8 + MOST_JID]
        cdef size_t n = min(owner.n, <size_t>MOST_JID)
        cdef uint64_t hash
        cdef Str made
        memcpy(key, &number, 8)
        memcpy(key + 8, owner.p, n)
        hash = siphash13(self.k0, self.k1, key, 8 + n)
        put_hex(dst, number)
        put_hex(dst + 16, hash)
        made.p = dst
        made.n = STANZA_ID
        return made

    def id_of(self, uint64_t number, bytes owner not None):
        cdef char text[STANZA_ID]
        self.stanza_id(number, str_of(owner), text)
        return text[:STANZA_ID].decode()

    def number_of(self, str id not None, bytes owner not None):
        try:
            number = int(id[:16], 16)
        except ValueError:
            return 0
        return number if 0 < number < 1 << 63 and id == self.id_of(number, owner) else 0

    # The queue.

    cdef int add(self, uint64_t number, const char* stanza, size_t n, Str a, Str b, uint32_t flags, Account account,
                 object session, uint64_t ticket, uint64_t sm_key, uint32_t h) except -1:
        cdef Group group = self.filling
        cdef Row row
        if number <= self.added or number > self.last:
            raise ValueError("messages are added in the order in which they got their numbers")
        row.id = <int64_t>number
        row.sm_key = sm_key
        row.h = h
        row.flags = flags
        row.a, row.b, row.stanza = <uint32_t>a.n, <uint32_t>b.n, <uint32_t>n
        group.put(&row, a.p, b.p, stanza, account)
        self.added = number
        if ticket:
            group.wait(session, ticket)
        return self.arrived()

    def add_ready(self, uint64_t number, bytes stanza not None, bytes a not None, bytes b not None,
                  uint32_t flags=M_OFFLINE, session=None, uint64_t ticket=0):
        cdef Group group = self.filling
        cdef uint64_t sm_key = 0
        cdef uint32_t h = 0
        future = get_running_loop().create_future()
        if ticket:
            sm_key, h = session.sm_key, session.committing(ticket)
        self.add(number, stanza, len(stanza), str_of(a), str_of(b), flags, None, session, ticket, sm_key, h)
        group.futures.append((future, number))
        return future

    cpdef int done(self, uint64_t number) except -1:
        self.filling.finish(number)
        return self.call_later() if self.writing is None else 0

    def flushed(self):
        """A future of the commit of all that is queued; None if nothing is."""
        cdef Group last = self.filling if self.filling.count else self.writing
        if last is None:
            return None
        future = get_running_loop().create_future()
        last.futures.append((future, self.added))
        return future

    cdef int refusal(self) except -1:
        cdef Group oldest = self.filling if self.writing is None or self.writing.count == 0 else self.writing
        cdef size_t size = self.filling.rows.n
        if self.writing is not None:
            size += self.writing.rows.n
        if oldest.count and self.now() - oldest.since > self.stale * 1e9:
            return STUCK
        return FULL if size > self.most_bytes or self.closed else TAKES

    @property
    def refuses(self):
        refusal = self.refusal()
        if refusal == STUCK:
            return f"the storage does not commit: messages wait for more than {self.stale:g} s"
        return "the storage takes no more messages now" if refusal == FULL else None

    @property
    def idle(self):
        return self.writing is None and self.filling.empty()

    @property
    def waiting(self):
        return self.filling.count + (0 if self.writing is None else self.writing.count)

    cdef int64_t now(self) except -1:
        cdef timespec t
        if self.clock is not None:
            return <int64_t>(self.clock() * 1e9)
        clock_gettime(CLOCK_MONOTONIC, &t)
        return <int64_t>t.tv_sec * 1000000000 + t.tv_nsec

    # When the writer starts (protocol.md 3).

    cdef int arrived(self) except -1:
        cdef int64_t now = self.now()
        cdef int64_t before = self.arrivals[self.arrival]      # QUIET - 1 messages ago
        cdef bint quiet = before == 0 or now - before > LONGEST_WAIT_NS
        self.arrivals[self.arrival] = now or 1
        self.arrival = (self.arrival + 1) % (QUIET - 1)
        if self.filling.count == 1:
            self.filling.since = now
        if self.writing is not None:
            return 0
        return self.call(quiet)

    cdef int call(self, bint at_once) except -1:
        """At once is at the end of the turn at the earliest, so that what one turn brings goes together."""
        cdef double wait = 0
        if self.wake is None or self.filling.empty():
            return 0
        if self.filling.count == 0 and not at_once:
            return self.call_later()
        if at_once or self.filling.count >= FULL_GROUP:
            if self.woken == AT_ONCE:
                return 0
            self.woken = AT_ONCE
        elif self.woken < SOON:
            self.woken = SOON
            wait = max(0, self.filling.since + LONGEST_WAIT_NS - self.now()) / 1e9
        else:
            return 0
        self.wake(wait)
        return 0

    cdef int call_later(self) except -1:
        if self.woken == ASLEEP and self.wake is not None:
            self.woken = LATER
            self.wake(DONE_WAIT)
        return 0

    def take(self):
        if self.writing is not None or self.filling.empty():
            return None
        self.writing, self.filling = self.filling, Group()
        self.woken = ASLEEP
        self.writing.drop_reached()
        if self.writing.empty() and not self.reservation():
            self.committed()
            return None
        return self.writing

    def committed(self):
        cdef Group group = self.writing
        self.writing = None
        group.settle()
        self.call(self.closed)

    def failed(self, error not None):
        cdef Group group = self.writing
        self.writing = None
        group.fail(error)
        self.call(self.closed)


cdef void put_hex(char* dst, uint64_t value) noexcept:
    cdef int i
    for i in range(16):
        dst[i] = b"0123456789abcdef"[(value >> (60 - 4 * i)) & 15]
