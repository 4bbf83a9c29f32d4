# XEP-0198: what of the peer's stanzas is done with. For any Sink whose outbox is managed.
cimport cython
from libc.stdint cimport uint16_t, uint32_t, uint64_t


cdef struct Open:
    # A stanza that is not done with, or lies behind one.
    uint16_t holds          # unsettled
    uint16_t queued         # of them, by the commit to come


@cython.final
@cython.no_gc
cdef class Management:
    """Counts what the peer sends and says up to where it is handled (protocol.md 3).

    A stanza is done with when count() returns for the next one, unless hold() was called for it: then when each of its
    holds is settled. What happens to it in an archive queue that commits in order may be told beforehand: committing()."""
    cdef uint64_t received      # stanzas since <enabled/>, those included that the peer had to send again
    cdef uint64_t forgotten     # of them, not counted: the peer was told to send them again
    cdef uint64_t current       # the one being handled; a ticket is such a number
    cdef uint64_t void          # tickets up to this one mean nothing any more
    cdef uint64_t base          # all up to this one are settled, where any is open
    cdef Open* open             # of those behind base, a ring; the first `length` are in use
    cdef size_t first, length, room

    cdef void count(self) noexcept
    cdef uint64_t hold(self, uint64_t ticket) except? 0     # one hold more on it; 0: it is done with
    cdef bint settle(self, uint64_t ticket) noexcept        # one less; has h gone up?
    # One of its holds is settled by a commit that settles all others which were queued before: h once that is done.
    cdef uint32_t committing(self, uint64_t ticket) noexcept
    cdef uint64_t handled(self) noexcept    # the last number such that nothing up to it is open
    cdef uint32_t h(self) noexcept
    cdef void forget(self) noexcept         # what is still open is not counted: the peer will send it again
    cdef int widen(self, uint64_t ticket) except -1
