# The queue of stanzas towards one session: an append-only list of chunks and a ring of entries (native.md, "Outbox";
# protocol.md 7). acknowledged <= written <= committed <= end.
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from headrace.net.reactor cimport Reactor


cdef struct Entry:
    uint32_t size           # bytes of the stanza
    uint16_t attrs_at       # where the head's attributes begin
    int64_t queued          # ns, Reactor.now

cdef class Outbox:
    cdef Reactor reactor
    cdef readonly uint64_t unsent_bytes
    cdef readonly uint64_t unsent           # stanzas
    cdef readonly uint64_t held_bytes       # written, not acknowledged (0 without stream management)
    cdef bint managed                       # XEP-0198: written is not acknowledged

    cdef char* reserve(self, size_t n) except NULL                  # n contiguous bytes; then commit()
    cdef int commit(self, size_t n, size_t attrs_at) except -1
    cdef size_t pending(self, const char** p) noexcept              # next contiguous unsent run
    cdef void written(self, size_t n) noexcept
    cdef size_t to_border(self) noexcept
    cdef void close(self) noexcept
