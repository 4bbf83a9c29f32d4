"""Which messages must be kept."""
from libc.stdint cimport uint32_t, uint64_t
from headrace.core.names cimport (
    bit, K_BODY, K_CHATSTATE, K_DELAY, K_MARKER, K_NO_COPY, K_NO_PERMANENT_STORE, K_NO_STORE, K_ORIGIN_ID, K_STANZA_ID,
    K_STORE, K_THREAD
)
from headrace.core.tokenizer cimport KIND_MESSAGE, MAX_CHILDREN
from headrace.router.parcel cimport MSG_CHAT, MSG_NORMAL

cdef enum:
    # States of the moment, and what accompanies content: alone they are no reason to keep a message.
    FLEETING = (1 << K_CHATSTATE) | (1 << K_MARKER) | (1 << K_THREAD) | (1 << K_DELAY) | (1 << K_STANZA_ID) | (
        1 << K_ORIGIN_ID) | (1 << K_NO_COPY) | (1 << K_NO_PERMANENT_STORE)


cdef bint only(const StanzaView* view, uint64_t kinds) noexcept nogil:
    cdef uint32_t i
    if view.children > MAX_CHILDREN:
        return False
    for i in range(view.children):
        if not bit(view.child[i].known) & kinds:
            return False
    return True


cdef int keeping(const Parcel* parcel) noexcept nogil:
    cdef uint64_t known = parcel.view.known
    if parcel.head.kind != KIND_MESSAGE or not (parcel.type == MSG_CHAT or parcel.type == MSG_NORMAL):
        return KEEP_NOT
    if known & bit(K_NO_STORE):
        return KEEP_NOT
    if not known & (bit(K_BODY) | bit(K_STORE)) and only(parcel.view, FLEETING):
        return KEEP_NOT
    return KEEP_OFFLINE if known & bit(K_NO_PERMANENT_STORE) else KEEP_ARCHIVE
