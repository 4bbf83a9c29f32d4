# The queue towards the archive: numbers, packed groups, tickets, refusal (protocol.md 3 and 6). The data plane fills
# it; headrace.storage.group drives it.
cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t

from headrace.core.buf cimport Str
from headrace.router.account cimport Account
from headrace.router.group cimport Group

cpdef enum:
    FULL_GROUP = 500        # messages that start a commit at once: larger groups cost a third per message
    QUIET = 10              # with fewer messages in the last LONGEST_WAIT there is no company to wait for
    STANZA_ID = 32          # bytes of a stanza-id


cpdef uint64_t number_at(double time) noexcept      # the first of that unix time


@cython.final
cdef class Archive:
    cdef uint64_t k0, k1                # of the stanza-ids' hash
    cdef readonly uint64_t last         # the last number given
    cdef readonly uint64_t reserved     # none above it has been given in an earlier run, as committed
    cdef uint64_t added                 # the last number that came with a message
    cdef Group filling
    cdef Group writing                  # None: the writer is idle
    cdef int64_t arrivals[QUIET - 1]    # ns, monotonic: when the last ones came; a ring
    cdef int arrival
    cdef int woken                      # what wake() was last told since the writer became idle
    cdef public object wake             # called with the seconds after which take() shall be called
    cdef public bint closed             # nothing more is taken
    cdef public size_t most_bytes       # uncommitted, packed: beyond it nothing more is taken
    cdef public double stale            # s; with one uncommitted for longer nothing more is taken
    cdef object clock                   # in place of the monotonic clock; None

    # A message's number; 0: refused, the store is stuck or full. What is given a number is added before the next one
    # is given.
    cdef uint64_t next(self) except? 0
    # Queue it: a self-contained stanza without stanza-id. account: b's, None where it is not in memory. ticket: of
    # Session.hold(), settled after the commit; 0: there is none. sm_key, h: of that session, Session.committing().
    # (An object, since sessions know archives and two modules can't both be the other's first.)
    cdef int add(self, uint64_t number, const char* stanza, size_t n, Str a, Str b, uint32_t flags, Account account,
                 object session, uint64_t ticket, uint64_t sm_key, uint32_t h) except -1
    # The message of this number has got to the server it is for: it leaves the spool, with the next group or soon.
    cpdef int done(self, uint64_t number) except -1
    # What `owner` knows the message by: STANZA_ID bytes at dst.
    cdef Str stanza_id(self, uint64_t number, Str owner, char* dst) noexcept

    cdef uint64_t numbered(self, double time) except? 0
    cdef int refusal(self) except -1
    cdef int64_t now(self) except -1
    cdef int arrived(self) except -1
    cdef int call(self, bint at_once) except -1     # wake() if it is due
    cdef int call_later(self) except -1             # likewise, where nobody waits for the commit
