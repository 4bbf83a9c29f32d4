"""XEP-0198: what of the peer's stanzas is done with."""
from libc.stdlib cimport free, malloc
from libc.string cimport memset

cdef enum:
    FEWEST = 16             # of the ring; a power of two, as all its sizes


cdef inline Open* open_of(Management m, uint64_t ticket) noexcept:
    """ticket: in the ring."""
    return m.open + ((m.first + <size_t>(ticket - m.base - 1)) & (m.room - 1))


cdef class Management:
    def __dealloc__(self):
        free(self.open)

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

    cdef bint settle(self, uint64_t ticket) noexcept:
        cdef Open* entry
        cdef uint64_t before = self.base
        if ticket <= self.base or ticket - self.base > self.length:
            return False
        entry = open_of(self, ticket)
        if entry.holds == 0:
            return False
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
        return self.base > before

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

    cdef void forget(self) noexcept:
        self.forgotten += self.received - self.handled()
        self.base = self.void = self.received
        self.length = self.first = 0
