# XEP-0198 of a session, both ways: what of its client's stanzas is done with, and asking what of ours is. Nonzas go to
# the link, never into the outbox.
cimport cython
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from headrace.net.link cimport Link
from headrace.net.reactor cimport Reactor, Task
from headrace.router.outbox cimport Outbox


cdef struct Open:
    # A stanza that is not done with, or lies behind one.
    uint16_t holds          # unsettled
    uint16_t queued         # of them, by the commit to come


@cython.final
@cython.no_gc
cdef class Management:
    """Counts what the peer sends and says up to where it is handled (protocol.md 3).

    A stanza is done with when count() returns for the next one, unless hold() was called for it: then when each of its
    holds is settled. What happens to it in an archive queue that commits in order may be told beforehand: committing().
    """
    cdef readonly bytes id      # the SM-ID
    cdef int64_t patience       # ns that the peer may be away and come back; 0: not at all
    cdef Task owner             # acts when there is something to say
    cdef Reactor reactor
    cdef Outbox outbox
    cdef Answers answers

    cdef uint64_t received      # stanzas since <enabled/>, those included that the peer had to send again
    cdef uint64_t forgotten     # of them, not counted: the peer was told to send them again
    cdef uint64_t current       # the one being handled; a ticket is such a number
    cdef uint64_t void          # tickets up to this one mean nothing any more
    cdef uint64_t base          # all up to this one are settled, where any is open
    cdef Open* open             # of those behind base, a ring; the first `length` are in use
    cdef size_t first, length, room

    cdef uint64_t promised      # the peer is to be told once all up to this one is handled; 0: nothing
    cdef bint owed              # it has asked, and had no answer
    cdef bint overdue           # and has waited for long enough
    cdef bint listed            # it is on the list of `answers`
    cdef list waiting           # futures of those who wait until all is handled; None: nobody
    cdef uint64_t asked         # stanzas written when we last asked
    cdef int64_t asked_at       # ns
    cdef bint tail              # the owner's deadline has been set to ask for the rest

    cdef void count(self) noexcept
    cdef uint64_t hold(self, uint64_t ticket) except? 0     # one hold more on it; 0: it is done with
    cdef int settle(self, uint64_t ticket) except -1        # one less
    # One of its holds is settled by a commit that settles all others which were queued before: h once that is done.
    cdef uint32_t committing(self, uint64_t ticket) noexcept
    cdef uint64_t handled(self) noexcept    # the last number such that nothing up to it is open
    cdef uint32_t h(self) noexcept
    cdef int widen(self, uint64_t ticket) except -1

    cdef int request(self, Link link) except -1     # <r/> came: answered now, or as soon as all before it is handled
    cdef int answer(self, Link link) except -1      # <a/>
    cdef int act(self, Link link) except -1         # the owner's: says what has become due. link None: there is none
    cdef void drained(self, Link link) noexcept     # all is written: time to ask, perhaps
    cdef int remind(self, Link link) except -1      # the owner's deadline has passed: ask for the rest
    cdef void ask(self, Link link) noexcept
    # Another link: what is still open is not counted, for the peer is told to send it again; nothing has been asked.
    cdef void restart(self) noexcept
    cdef int close(self) except -1


@cython.final
cdef class Answers:
    """The time-out of all answers that wait: one timer for all."""
    cdef Reactor reactor
    cdef list late              # of Management

    cdef int add(self, Management management) except -1
