# Which number stands for which bare JID, in memory and without the GIL.
from libc.stdint cimport int64_t, uint32_t, uint64_t

from headrace.core.buf cimport Buf

cdef enum:
    KNOWN = 131072          # JIDs at most: with 30 bytes each some 10 MB


cdef struct Slot:
    uint64_t hash           # never 0 where used
    int64_t number
    uint32_t at             # of the JID's bytes
    uint32_t n


cdef struct Addresses:
    # An open table of JIDs that have been seen lately; full, it starts again from none.
    uint64_t k0, k1         # seed of the hash
    Slot* slots
    size_t used
    Buf text                # the JIDs' bytes

cdef int addresses_init(Addresses* self) except -1
cdef void addresses_free(Addresses* self) noexcept nogil
cdef int64_t addresses_get(const Addresses* self, const char* jid, uint32_t n) noexcept nogil       # 0: not there
# It is not there. Nothing if there is no memory for it.
cdef void addresses_put(Addresses* self, const char* jid, uint32_t n, int64_t number) noexcept nogil
cdef void addresses_clear(Addresses* self) noexcept nogil
