# Stanza errors that the data plane sends by itself (RFC 6120 8.3).
from headrace.core.buf cimport Buf, Str
from headrace.router.parcel cimport Parcel

cdef enum Condition:
    BAD_REQUEST = 0
    JID_MALFORMED
    SERVICE_UNAVAILABLE
    RESOURCE_CONSTRAINT
    BLOCKED             # not-acceptable: the sender itself has blocked that JID (XEP-0191 3.3)
    POLICY_VIOLATION
    REMOTE_NOT_FOUND

# Write the error that answers a stanza, to whom it came from; from_: who answers.
cdef int write_error(Buf* out, const Parcel* parcel, Str from_, int condition) except -1
