# Messages on their way to the storage, packed (protocol.md 3).
cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t

from headrace.core.buf cimport Buf
from headrace.router.account cimport Account


cpdef enum MessageFlag:
    # Sender and recipient are `a` and `b`.
    M_OFFLINE = 1           # waits for an acknowledgement by a session of b, and is in no archive of b; goes then
    M_ARCHIVE_A = 2         # is in a's archive
    M_ARCHIVE_B = 4         # is in b's archive
    M_GIVEN = 8             # of the kind that a login is given (XEP-0160), if it lies beyond b's mark
    M_SPOOL = 16            # waits until b's server has it: is in the outgoing spool, whatever else it is in


cdef struct Row:
    # In front of a's, b's and the stanza's bytes.
    int64_t id
    uint64_t sm_key         # of the sender's session (XEP-0198); 0: it manages no stream
    uint32_t h              # that session's, once this and all before it are kept
    uint32_t flags          # MessageFlag
    uint32_t a              # bytes
    uint32_t b
    uint32_t stanza


@cython.final
cdef class Group:
    """Messages to be committed together, in id order, and who waits for that."""
    cdef Buf rows
    cdef list waiting       # of Account, for each row of M_OFFLINE alone, in their order: whose it is; None: not known
    cdef Buf done           # int64_t: ids of messages that leave the spool in the same commit
    cdef readonly int count
    cdef int64_t since      # ns, monotonic: when the first came
    cdef list sessions      # of Session; their tickets lie in `tickets`, in the same order
    cdef Buf tickets        # uint64_t
    cdef list futures       # of (Future, id)

    cdef int put(self, const Row* row, const char* a, const char* b, const char* stanza, Account account) except -1
    cdef int drop_reached(self) except -1           # what has got to its recipient meanwhile, and is in no archive
    cdef int finish(self, uint64_t id) except -1    # that one leaves the spool
    cdef bint empty(self) noexcept
    cdef int wait(self, object session, uint64_t ticket) except -1
    cdef int settle(self) except -1         # it is committed: tell who waits
    cdef int drop(self) except -1           # nobody waits any more
