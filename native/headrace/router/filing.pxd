# Where a message that must be kept is kept, before anybody gets it (protocol.md 3, 5 and 6).
cimport cython
from libc.stdint cimport uint32_t, uint64_t
from headrace.core.buf cimport Buf, Str
from headrace.router.account cimport Account
from headrace.router.archive cimport Archive
from headrace.router.parcel cimport Parcel
from headrace.router.session cimport Session


@cython.final
cdef class Filing:
    """Puts messages into the archive queue. What it gives a parcel to show is valid until the next one is filed."""
    cdef Buf text           # the message as it is stored
    cdef Buf piece          # <stanza-id/> of the recipient's archive, or of the sender's
    cdef Buf sent_piece

    # session: who sent it, None if that is no session here; visitor: then, the Visitor that it came as from another
    # worker, None: from none. account: whose sessions get it, None: it goes elsewhere,
    # and into the spool. kept: Keeping, but not KEEP_NOT. False: it can't be kept now.
    cdef bint file(self, Archive archive, Session session, object visitor, Account account, Parcel* parcel,
                   int kept) except -1
    cdef int queue(self, Archive archive, Session session, object visitor, Account account, const Parcel* parcel,
                   uint64_t number, Str a, Str b, uint32_t flags) except -1
    cdef Str stanza_id(self, Archive archive, Buf* out, uint64_t number, Str owner) except *
