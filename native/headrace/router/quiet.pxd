# XEP-0352: what waits in front of the outbox of a session whose user looks elsewhere (protocol.md 7).
cimport cython
from headrace.router.parcel cimport Parcel

cdef enum Verdict:
    V_NOW               # it goes, and what is held goes before it
    V_PRESENCE          # held until another one of the same sender takes its place
    V_EVENT             # held
    V_DROP

cdef int verdict(const Parcel* parcel) noexcept nogil


@cython.final
cdef class Quiet:
    cdef dict held          # prepared full JID of a presence, or an event's number -> stanza, as written; in order
    cdef long events        # ever held
    cdef size_t bytes       # of all stanzas in it

    cdef int hold(self, object key, bytes stanza) except -1
    cdef int hold_event(self, bytes stanza) except -1
    cdef bint full(self) noexcept
    cdef list take(self)                    # all, in order; nothing is held then
