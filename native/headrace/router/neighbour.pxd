# Stanzas between workers (protocol.md 19): every account has one home, and what is for an account whose home is another
# worker goes there over the bus.
#
#     home of the sender                                       home of the recipient
#     Posted  --- stanza, is it for the sender's archive? -->  Visitor: section 8.5, blocking, carbons, archive, offline
#             <-- placed: its number in the archives --------  before what is said in answer to it
#             <-- handled ----------------------------------   when it is kept, refused, or nothing more becomes of it
#
# Only then does the sender's h pass it: handing a stanza to the bus is no reason to acknowledge. The sender's carbons
# go out when it is placed, for they tell its number, and before an error that answers it. Stanzas of ours (errors,
# presence, answers) go the same way, and nobody waits for them.
#
# What one worker sends another arrives in the order in which it was sent, in batches: one a turn.
cimport cython
from libc.stdint cimport uint32_t, uint64_t
from headrace.core.buf cimport Str
from headrace.core.tokenizer cimport Tokenizer
from headrace.net.reactor cimport Task
from headrace.router.account cimport Account
from headrace.router.filing cimport Filing
from headrace.router.order cimport Held, Order
from headrace.router.parcel cimport Parcel
from headrace.router.reader cimport Reader
from headrace.router.session cimport Exchange, Session


@cython.final
cdef class Posted:
    """A stanza that has gone to another worker, and is not handled."""
    cdef Session session        # None: it is ours
    cdef uint64_t ticket        # of Session.hold()
    cdef size_t size            # bytes
    cdef Account account        # the sender's, where somebody may want carbons; else None, as below
    cdef bytes stanza
    cdef bint archives          # the sender's archive takes it


@cython.final
cdef class Visitor:
    """A stanza that has come from another worker, on its way here. Whoever lets it wait holds it, as a Session."""
    cdef Neighbour neighbour
    cdef uint64_t id            # Posted's
    cdef readonly bint archives  # the sender's archive takes it
    cdef readonly uint64_t sm_key   # the sender's session's; 0: it manages no stream
    cdef uint32_t h             # of that session, once this is kept
    cdef int holds              # unsettled
    cdef uint64_t number        # in the archives; 0: in none


@cython.final
cdef class Neighbour(Task):
    """Another worker."""
    cdef Neighbours all
    cdef int worker
    cdef list out               # frames of this turn
    cdef uint64_t last          # id given
    cdef dict open              # id -> Posted, in the order of ids
    cdef size_t bytes           # of them
    cdef list waiting           # (id, future): of those who wait until all up to that one are handled
    cdef Order order            # what comes from there and must wait
    cdef dict held              # id -> Visitor of what does

    cdef int carry(self, Session session, const Parcel* parcel) except -1
    cdef int came(self, Visitor visitor, bytes raw) except -1
    cdef int visit(self, Visitor visitor, Tokenizer tok) except -1
    cdef int say(self, int kind, Visitor visitor, Py_ssize_t at) except -1
    cdef int placed(self, Posted posted, uint64_t number) except -1
    cdef int handled(self, uint64_t id, Posted posted) except -1


@cython.final
cdef class Neighbours:
    """All other workers; a router's."""
    cdef Exchange router
    cdef readonly int here      # the number of this one
    cdef readonly int workers
    cdef object post            # called with a worker's number and a batch
    cdef list others            # by number; None: this one
    cdef Reader reader
    cdef Filing filing

    # Is another worker the home of this account?
    cdef bint away(self, Str bare) noexcept
    # To its home. session: the sender's, to be told errors; None: it is ours, or has come from another server.
    cdef int carry(self, Session session, const Parcel* parcel) except -1
