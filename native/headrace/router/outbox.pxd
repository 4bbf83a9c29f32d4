# The queue of stanzas towards one session: an append-only list of chunks, each with its stanzas from the front and
# their entries from the back (native.md, "Outbox"; protocol.md 7).
#
# Four marks, in this order, always: acknowledged <= written <= committed <= end. Without stream management a stanza is
# done with when it is written: acknowledged is written, and a chunk is given back when its last byte is. With it
# (manage()) stanzas stay until acknowledge() covers them, and rewind() has them written once more.
cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t
from headrace.net.reactor cimport Reactor
from headrace.router.archive cimport Archive


cdef enum Whose:
    SHARED = 0              # others were given it too, or it is of no use to anybody else
    SOLE                    # nobody else was given it: goes to another taker if it is never done with
    LENT                    # somebody keeps it until it is written, with stream management; then it is SOLE
    APART = 4               # beside the others: older ones wait elsewhere, so that its number says nothing of them
    ALONE = 8               # SOLE, and in no archive: while it is here, storage must not drop it
    WHOSE = 3               # without these two


cdef struct Entry:
    uint32_t size           # bytes of the stanza
    uint32_t sole           # Whose, and perhaps APART and ALONE
    int64_t queued          # ns, Reactor.now
    uint64_t number         # of the recipient's copy in the archive, or of the message in the spool; 0: in neither


cdef struct Chunk:
    Chunk* next
    uint32_t size           # bytes of the whole block, this head included
    uint32_t fill           # bytes of stanzas in it
    uint32_t sent           # of them, written
    uint32_t stanzas        # entries
    uint32_t done           # of them, written whole
    uint32_t past           # of these, done with


@cython.final
@cython.no_gc
cdef class Outbox:
    cdef Reactor reactor
    cdef Chunk* head                        # the first that is not done with; NULL: all is
    cdef Chunk* at                          # where the next unsent byte is, or will be; NULL if head is
    cdef Chunk* tail
    cdef readonly uint64_t unsent_bytes
    cdef readonly uint64_t unsent           # stanzas not yet written whole
    cdef readonly uint64_t written_bytes    # ever; what rewind() has written again counts once
    cdef readonly bint managed              # stanzas stay until they are acknowledged
    cdef bint skip                          # the stanza under way began before that: written, it is done with
    cdef readonly uint64_t unacknowledged   # stanzas written whole but not acknowledged
    cdef readonly uint64_t unacknowledged_bytes     # with what is written of the next
    cdef readonly uint64_t acknowledged     # stanzas, since manage(); h is its lower half
    cdef readonly uint64_t reached          # the highest number that is done with
    cdef uint64_t alone                     # stanzas that are ALONE and not done with
    cdef Archive spool                      # is told of each number that is done with; None: they are not of the spool
    cdef uint64_t committed                 # bytes ever handed to a write that may have to be repeated as it was
    cdef readonly int64_t progress          # ns, when something was last written, or became unsent
    cdef size_t left                        # bytes to the border of the stanza that the last write stopped inside
    cdef size_t burst                       # bytes queued since it was last empty
    cdef size_t first                       # what the next first chunk should hold: the last burst

    # n contiguous bytes; commit() of at most these must follow: no chunk is left without a stanza.
    cdef char* reserve(self, size_t n) except NULL
    cdef int commit(self, size_t n, int sole, uint64_t number) except -1
    cdef size_t pending(self, const char** p) noexcept              # next contiguous unsent run; 0 if none
    cdef void written(self, size_t n) noexcept                      # the first n bytes of it
    cdef size_t to_border(self) noexcept
    # Stream management. From now on, from the next border on, stanzas are numbered from 1.
    cdef void manage(self) noexcept
    cdef bint acknowledge(self, uint32_t h) noexcept    # False: more than was written. What is behind is no news
    cdef void adopt(self) noexcept          # what is LENT is SOLE
    cdef void rewind(self) noexcept         # all that is not acknowledged is unsent again, from its first byte
    cdef uint64_t first_alone(self) noexcept        # its number; 0: there is none
    # (stanza, number, queued, ALONE) of each sole stanza that is not done with, in order.
    cdef list orphans(self)
    cdef void cut(self) noexcept            # drops every stanza that no write has begun on
    cdef void close(self) noexcept          # gives all chunks back
    cdef Chunk* grow(self, size_t n) except NULL
    cdef void drop_head(self) noexcept
    cdef void pass_entry(self) noexcept     # the first of head is done with
