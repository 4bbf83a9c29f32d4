# What stands between a stanza and an outbox: an inactive client (XEP-0352), a link that is lost (XEP-0198, XEP-0357).
from headrace.router.parcel cimport Parcel
from headrace.router.reader cimport Reader
from headrace.router.session cimport Session

# Is it to enter the outbox now? If not, it is held or dropped. parcel NULL: at once.
cdef bint opens(Session session, const Parcel* parcel) except -1
# The same of a stanza of ours.
cdef bint opens_for(Session session, Reader reader, bytes stanza) except -1
# Presence of `sender` (full JID), without `to`, to an inactive session. Answers whether it waits.
cdef bint hold_presence(Session session, bytes stanza, bytes to_attr, bytes sender) except -1
# CSI; also by resumption: active.
cdef int indicate(Session session, bint active) except -1
cdef int want_copies(Session session, bint on) except -1
# It has lost its link: its user is told if what was written to that may not have been seen.
cdef int tell_of_held(Session session, Reader reader) except -1
