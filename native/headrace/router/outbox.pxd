# The queue of stanzas towards one session: an append-only list of chunks, each with its stanzas from the front and
# their entries from the back (native.md, "Outbox"; protocol.md 7).
#
# Four marks, in this order, always: acknowledged <= written <= committed <= end. Without stream management a stanza is
# done with when it is written: acknowledged is written, and a chunk is given back when its last byte is.
cimport cython
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from headrace.net.reactor cimport Reactor


cdef struct Entry:
    uint32_t size           # bytes of the stanza
    uint16_t attrs_at       # where the head's attributes begin
    uint16_t sole           # nobody else was given it: goes to another taker if it is never written
    int64_t queued          # ns, Reactor.now


cdef struct Chunk:
    Chunk* next
    uint32_t size           # bytes of the whole block, this head included
    uint32_t fill           # bytes of stanzas in it
    uint32_t sent           # of them, written
    uint32_t stanzas        # entries
    uint32_t done           # of them, written whole
    uint32_t spare


@cython.final
@cython.no_gc
cdef class Outbox:
    cdef Reactor reactor
    cdef Chunk* head                        # the chunk that is being written; NULL: nothing is unsent
    cdef Chunk* tail
    cdef readonly uint64_t unsent_bytes
    cdef readonly uint64_t unsent           # stanzas not yet written whole
    cdef readonly uint64_t written_bytes    # ever
    cdef uint64_t committed                 # bytes ever handed to a write that may have to be repeated as it was
    cdef readonly int64_t progress          # ns, when something was last written, or became unsent
    cdef size_t left                        # bytes to the border of the stanza that the last write stopped inside
    cdef size_t burst                       # bytes queued since it was last empty
    cdef size_t first                       # what the next first chunk should hold: the last burst

    cdef char* reserve(self, size_t n) except NULL                  # n contiguous bytes; then commit() at most these
    cdef int commit(self, size_t n, size_t attrs_at, bint sole) except -1
    cdef size_t pending(self, const char** p) noexcept              # next contiguous unsent run; 0 if none
    cdef void written(self, size_t n) noexcept                      # the first n bytes of it
    cdef size_t to_border(self) noexcept
    cdef list orphans(self)                 # copies of the sole stanzas that are not written whole, in order
    cdef void cut(self) noexcept            # drops every stanza that no write has begun on
    cdef void close(self) noexcept          # gives all chunks back
    cdef Chunk* grow(self, size_t n) except NULL
    cdef void drop_head(self) noexcept
