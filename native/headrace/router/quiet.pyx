"""Client State Indication (XEP-0352): what an inactive session gets at once, and what waits.

    presence, available or not          the last of each sender waits
    message of type headline            waits, unless it has a body, an invitation or something of IM: news of PEP
    chat states and nothing else        dropped: they are of the moment
    anything else                       goes at once, behind what waits: the order is kept
"""
from libc.stdint cimport uint64_t
from headrace.core.names cimport (
    bit, K_BODY, K_CHATSTATE, K_DELAY, K_INVITE, K_MARKER, K_MUC_USER_X, K_NO_COPY, K_NO_PERMANENT_STORE, K_NO_STORE,
    K_OCCUPANT_ID, K_ORIGIN_ID, K_RECEIPT, K_STANZA_ID, K_THREAD
)
from headrace.core.tokenizer cimport KIND_MESSAGE, KIND_PRESENCE
from headrace.router.keeping cimport only
from headrace.router.parcel cimport MSG_ERROR, MSG_HEADLINE, PRES_AVAILABLE, PRES_UNAVAILABLE

cdef enum:
    MOST_HELD = 1000        # senders and events: more contacts than that are rarely here at once
    MOST_BYTES = 256 << 10


cdef inline uint64_t fleeting() noexcept nogil:
    """What may stand beside a chat state without making it worth anything."""
    return (bit(K_CHATSTATE) | bit(K_THREAD) | bit(K_NO_STORE) | bit(K_NO_PERMANENT_STORE) | bit(K_NO_COPY) |
            bit(K_ORIGIN_ID) | bit(K_STANZA_ID) | bit(K_DELAY) | bit(K_MUC_USER_X) | bit(K_OCCUPANT_ID))


cdef inline uint64_t talk() noexcept nogil:
    """What makes a headline more than news of a node. All that a carbon may be of (headrace.router.carbons.eligible) is
    among them: what waits is the message, not the copy."""
    return (bit(K_BODY) | bit(K_CHATSTATE) | bit(K_RECEIPT) | bit(K_MARKER) | bit(K_INVITE) | bit(K_MUC_USER_X))


cdef int verdict(const Parcel* parcel) noexcept nogil:
    if parcel.head.kind == KIND_PRESENCE:
        return V_PRESENCE if parcel.type == PRES_AVAILABLE or parcel.type == PRES_UNAVAILABLE else V_NOW
    if parcel.head.kind != KIND_MESSAGE or parcel.type == MSG_ERROR:
        return V_NOW
    if parcel.view.known & bit(K_CHATSTATE) and only(parcel.view, fleeting()):
        return V_DROP
    if parcel.type != MSG_HEADLINE:
        return V_NOW
    return V_NOW if parcel.view.known & talk() else V_EVENT


cdef class Quiet:
    def __cinit__(self):
        self.held = {}

    cdef int hold(self, object key, bytes stanza) except -1:
        cdef bytes before = self.held.pop(key, None)
        if before is not None:
            self.bytes -= len(before)
        self.held[key] = stanza
        self.bytes += len(stanza)
        return 0

    cdef int hold_event(self, bytes stanza) except -1:
        self.events += 1
        return self.hold(self.events, stanza)

    cdef bint full(self) noexcept:
        return len(self.held) >= MOST_HELD or self.bytes >= MOST_BYTES

    cdef list take(self):
        cdef list stanzas = list(self.held.values())
        self.held.clear()
        self.bytes = 0
        return stanzas
