"""XEP-0198, both ways."""
from libc.stdio cimport snprintf
from libc.stdlib cimport free, malloc
from libc.string cimport memset
from headrace.core.buf cimport buf_put

cdef enum:
    FEWEST = 16             # of the ring; a power of two, as all its sizes
    ASK_EVERY = 32          # stanzas: some 10 KB of chat that wait for an answer
    ASK_NS = 2000000000     # and the last ones of a burst after this: the radio of a phone is still awake

cdef double PATIENCE = 0.05     # set at import: s that the answer to <r/> waits for what is being handled


cdef inline Open* open_of(Management m, uint64_t ticket) noexcept:
    """ticket: in the ring."""
    return m.open + ((m.first + <size_t>(ticket - m.base - 1)) & (m.room - 1))


cdef class Management:
    def __init__(self, bytes id, int64_t patience, Task owner, Outbox outbox, Answers answers):
        self.id = id
        self.patience = patience
        self.owner = owner
        self.reactor = answers.reactor
        self.outbox = outbox
        self.answers = answers
        self.asked_at = self.reactor.now - ASK_NS

    def __dealloc__(self):
        free(self.open)

    # What the peer sends.

    cdef void count(self) noexcept:
        self.received += 1
        self.current = self.received

    cdef uint64_t hold(self, uint64_t ticket) except? 0:
        if ticket <= self.void or (self.length and ticket <= self.base):
            return 0
        if self.length == 0:
            if ticket != self.received:
                return 0
            self.base = ticket - 1      # all before it is settled
        if ticket - self.base > self.length:
            self.widen(ticket)
        open_of(self, ticket).holds += 1
        return ticket

    cdef int widen(self, uint64_t ticket) except -1:
        """Room up to this ticket. Those between are settled: nobody has asked to wait for them."""
        cdef size_t room = self.room if self.room else FEWEST
        cdef size_t wanted = <size_t>(ticket - self.base), i
        cdef Open* made
        while room < wanted:
            room *= 2
        if room > self.room:
            made = <Open*>malloc(room * sizeof(Open))
            if made == NULL:
                raise MemoryError
            for i in range(self.length):
                made[i] = self.open[(self.first + i) & (self.room - 1)]
            free(self.open)
            self.open = made
            self.room = room
            self.first = 0
        i = self.length
        self.length = wanted
        while i < wanted:
            memset(open_of(self, self.base + 1 + i), 0, sizeof(Open))
            i += 1
        return 0

    cdef int settle(self, uint64_t ticket) except -1:
        cdef Open* entry
        if ticket <= self.base or ticket - self.base > self.length:
            return 0
        entry = open_of(self, ticket)
        if entry.holds == 0:
            return 0
        entry.holds -= 1
        if entry.queued > entry.holds:
            entry.queued = entry.holds
        while self.length and self.open[self.first].holds == 0:
            self.first = (self.first + 1) & (self.room - 1)
            self.length -= 1
            self.base += 1
        if self.length == 0 and self.room > FEWEST:
            free(self.open)
            self.open = NULL
            self.room = self.first = 0
        if (self.promised and self.handled() >= self.promised) or (self.waiting is not None and not self.length):
            self.reactor.later(self.owner)
        return 0

    cdef uint32_t committing(self, uint64_t ticket) noexcept:
        cdef uint64_t at = self.base
        cdef Open* entry
        if ticket > self.base and ticket - self.base <= self.length:
            entry = open_of(self, ticket)
            if entry.queued < entry.holds:
                entry.queued += 1
        while at < self.base + self.length:
            entry = open_of(self, at + 1)
            if entry.holds > entry.queued:
                break
            at += 1
        if at == self.base + self.length:
            at = self.received
        return <uint32_t>(at - self.forgotten)

    cdef uint64_t handled(self) noexcept:
        return self.base if self.length else self.received

    cdef uint32_t h(self) noexcept:
        return <uint32_t>(self.handled() - self.forgotten)

    cdef int request(self, Link link) except -1:
        if self.length == 0:
            return self.answer(link)
        self.promised = self.received
        self.owed = True
        if not self.listed:
            self.listed = True
            self.answers.add(self)
        return 0

    cdef int answer(self, Link link) except -1:
        cdef char text[64]
        cdef int n = snprintf(text, sizeof(text), "<a xmlns='urn:xmpp:sm:3' h='%u'/>", self.h())
        self.owed = self.overdue = False
        if self.handled() >= self.promised:
            self.promised = 0
        return link.write(text, n)

    cdef int act(self, Link link) except -1:
        cdef list waiting = self.waiting
        if waiting is not None and not self.length:
            self.waiting = None
            for future in waiting:
                if not future.done():
                    future.set_result(None)
        if link is not None and (self.overdue or (self.promised and self.handled() >= self.promised)):
            return self.answer(link)
        return 0

    # What we send.

    cdef void drained(self, Link link) noexcept:
        cdef Outbox outbox = self.outbox
        cdef uint64_t written = outbox.acknowledged + outbox.unacknowledged
        if self.asked > outbox.acknowledged or outbox.unacknowledged == 0:
            return
        if written - self.asked >= ASK_EVERY or self.reactor.now - self.asked_at >= ASK_NS:
            self.ask(link)
        elif not self.tail:
            self.tail = True
            self.reactor.deadline(self.owner, ASK_NS)

    cdef int remind(self, Link link) except -1:
        if self.tail:
            self.tail = False
            if self.outbox.unsent == 0 and self.outbox.unacknowledged and self.asked <= self.outbox.acknowledged:
                self.ask(link)
                link.dirty()
        return 0

    cdef void ask(self, Link link) noexcept:
        """Behind what is written, with the next bytes that the link writes: within this flush, if there is one."""
        buf_put(&link.out, <const char*>b"<r xmlns='urn:xmpp:sm:3'/>", 26)
        self.asked = self.outbox.acknowledged + self.outbox.unacknowledged
        self.asked_at = self.reactor.now

    cdef void restart(self) noexcept:
        self.forgotten += self.received - self.handled()
        self.base = self.void = self.received
        self.length = self.first = 0
        self.promised = 0
        self.owed = self.overdue = self.tail = False
        self.asked = self.outbox.acknowledged
        self.asked_at = self.reactor.now - ASK_NS

    cdef int close(self) except -1:
        for future in self.waiting or ():
            if not future.done():
                future.set_result(None)
        self.owner = self.reactor = self.outbox = self.answers = self.waiting = None
        return 0


cdef class Answers:
    def __init__(self, Reactor reactor not None):
        self.reactor = reactor
        self.late = []

    cdef int add(self, Management management) except -1:
        if not self.late:
            self.reactor.loop.call_later(PATIENCE, self)
        self.late.append(management)
        return 0

    def __call__(self):
        """Each has waited for at most PATIENCE, some for less: they are told again when all is handled."""
        cdef Management management
        cdef list late = self.late
        self.late = []
        self.reactor.touch()
        for management in late:
            management.listed = False
            if management.owed and management.owner is not None:
                management.overdue = True
                self.reactor.later(management.owner)
