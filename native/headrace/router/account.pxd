# An account's tables in memory while one of its sessions is bound (or logging in): who is here, who may see it, who is
# kept away.
cimport cython
from cpython.object cimport PyObject
from libc.stdint cimport uint64_t
from headrace.core.buf cimport Str


cpdef enum Subscription:
    # Bits of a roster item, as the data plane needs them.
    SUB_TO = 1              # we see the contact's presence
    SUB_FROM = 2            # the contact sees ours
    SUB_LISTED = 4          # it is in the roster, whatever the subscription


cpdef enum ArchiveMode:
    # Whose messages an account's archive takes (XEP-0441), the exceptions aside.
    A_ALWAYS = 0            # everybody's
    A_NEVER
    A_ROSTER                # those of contacts in the roster


@cython.final
cdef class Account:
    cdef readonly bytes jid                 # prepared bare JID
    cdef bytes to_attr                      # " to='...'" with that JID: what a broadcast writes for each receiver
    cdef list sessions                      # of Session, in order of binding
    cdef dict contacts                      # prepared bare JID (bytes) -> int of Subscription
    cdef set blocked                        # prepared JIDs (bytes) of any form that it has blocked; None: nobody
    cdef int catching_up                    # sessions that came while none took messages, and wait for older ones
    cdef uint64_t highest                   # archive number that one of its sessions is done with
    # The same, but below what another alone holds: up to here storage may drop offline messages.
    cdef readonly uint64_t reached
    cdef list apart                         # numbers of messages that resources got beside what waits; None: none
    cdef bint moved                         # it is higher than Router.acknowledged() has told
    cdef int archive_mode                   # ArchiveMode
    cdef set archive_always                 # prepared JIDs (bytes), bare or full: the exceptions; None: nobody
    cdef set archive_never                  # it comes first, where both name one
    cdef int carbons                        # sessions that want copies (S_CARBONS)
    cdef uint64_t* copied                   # what its messages that were copied are known by; NULL until there are some
    cdef uint64_t copies                    # how many there have been
    cdef uint64_t hash                      # of jid, in the table that it is in

    cdef int note_apart(self, uint64_t number) except -1
    # Bits of Subscription that the account has given `contact`; 0 if it is not in the table.
    cdef int bits(self, bytes contact) except -1


# Does the account's archive take what passes between it and this JID (prepared; the bare one without a resource)?
cdef bint archives(Account account, Str peer) except -1


@cython.final
@cython.no_gc
cdef class AccountTable:
    """Prepared bare JID -> Account, by a seeded hash in an open table: a look-up makes no object."""
    cdef uint64_t k0, k1                    # the seed
    cdef PyObject** slots                   # owned references; NULL: free
    cdef size_t mask                        # slots - 1
    cdef readonly size_t used

    cdef Account find(self, Str bare)       # None if it is not there
    cdef list all(self)
    cdef int add(self, Account account) except -1       # must not be there
    cdef int remove(self, Account account) except -1    # must be there
    cdef int resize(self, size_t slots) except -1
