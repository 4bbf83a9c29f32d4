"""How fast a domain may send."""
from libc.math cimport INFINITY

cdef enum:
    BURST = 4       # seconds' worth at once: somebody's roster and rooms, at the start of a stream


cdef class Pace(Task):
    def __init__(self, Reactor reactor not None, double bytes_per_second, double stanzas_per_second):
        self.reactor = reactor
        self.rate[0] = bytes_per_second or INFINITY
        self.rate[1] = stanzas_per_second or INFINITY
        self.room[0] = BURST * self.rate[0]
        self.room[1] = BURST * self.rate[1]
        self.filled = reactor.now
        self.waiting = []

    cdef int took(self, size_t n) except -1:
        self.room[0] -= n
        self.room[1] -= 1
        if self.room[0] < 0 or self.room[1] < 0:
            self.fill()
            self.behind = self.room[0] < 0 or self.room[1] < 0
        return 0

    cdef void fill(self) noexcept:
        cdef double seconds = (self.reactor.now - self.filled) / 1e9
        cdef int i
        self.filled = self.reactor.now
        for i in range(2):
            self.room[i] = min(self.room[i] + seconds * self.rate[i], BURST * self.rate[i])

    cdef int64_t until(self, double seconds) noexcept:
        cdef double longest = 0, missing
        cdef int i
        for i in range(2):
            if self.rate[i] != INFINITY:
                missing = seconds - self.room[i] / self.rate[i]
                longest = max(longest, missing)
        return <int64_t>(longest * 1e9)

    cdef int hold(self, Task task) except -1:
        if task not in self.waiting:
            self.waiting.append(task)
        if len(self.waiting) == 1:
            self.fill()
            self.reactor.deadline(self, self.until(0) + 1)
        return 0

    cdef int leave(self, Task task) except -1:
        if task in self.waiting:
            self.waiting.remove(task)
        if not self.waiting:
            self.fill()
            self.reactor.deadline(self, self.until(BURST))      # so long the wheel keeps it, if nobody else does
        return 0

    cdef int expire(self) except -1:
        cdef list waiting = self.waiting
        cdef Task task
        self.fill()
        self.behind = self.room[0] < 0 or self.room[1] < 0
        if self.behind:
            return self.reactor.deadline(self, self.until(0) + 1)
        self.waiting = []
        for task in waiting:
            self.reactor.later(task)
        return 0
