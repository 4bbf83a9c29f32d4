"""Numbers of bare JIDs in memory. See addresses.pxd."""
import os

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcmp, memcpy, memset

from headrace.core.buf cimport Buf, buf_free
from headrace.router.siphash cimport siphash13

cdef enum:
    MOST_TEXT = 1 << 26     # bytes of JIDs
    SLOTS = KNOWN * 2       # a power of two; at most half full: a miss ends after two probes on average


cdef int addresses_init(Addresses* self) except -1:
    self.k0, self.k1 = int.from_bytes(os.urandom(8), "little"), int.from_bytes(os.urandom(8), "little")
    self.slots = <Slot*>calloc(SLOTS, sizeof(Slot))
    if self.slots == NULL:
        raise MemoryError
    return 0


cdef void addresses_free(Addresses* self) noexcept nogil:
    free(self.slots)
    self.slots = NULL
    buf_free(&self.text)


cdef inline uint64_t hash_of(const Addresses* self, const char* jid, uint32_t n) noexcept nogil:
    cdef uint64_t hash = siphash13(self.k0, self.k1, jid, n)
    return hash if hash else 1


cdef int64_t addresses_get(const Addresses* self, const char* jid, uint32_t n) noexcept nogil:
    cdef uint64_t hash = hash_of(self, jid, n)
    cdef size_t i = hash & (SLOTS - 1)
    cdef const Slot* slot
    while self.slots[i].hash:
        slot = &self.slots[i]
        if slot.hash == hash and slot.n == n and not memcmp(self.text.p + slot.at, jid, n):
            return slot.number
        i = (i + 1) & (SLOTS - 1)
    return 0


cdef void addresses_put(Addresses* self, const char* jid, uint32_t n, int64_t number) noexcept nogil:
    cdef uint64_t hash = hash_of(self, jid, n)
    cdef size_t i
    if self.used == KNOWN or not room(&self.text, n):
        addresses_clear(self)
        if not room(&self.text, n):
            return
    i = hash & (SLOTS - 1)
    while self.slots[i].hash:
        i = (i + 1) & (SLOTS - 1)
    memcpy(self.text.p + self.text.n, jid, n)
    self.text.n += n
    self.slots[i] = Slot(hash, number, <uint32_t>(self.text.n - n), n)
    self.used += 1


cdef bint room(Buf* text, uint32_t n) noexcept nogil:
    cdef size_t cap = max(text.cap * 2, <size_t>65536)
    cdef char* p
    if text.n + n <= text.cap:
        return True
    if cap > MOST_TEXT or text.n + n > cap:
        return False
    p = <char*>realloc(text.p, cap)
    if p == NULL:
        return False
    text.p, text.cap = p, cap
    return True


cdef void addresses_clear(Addresses* self) noexcept nogil:
    if self.used:
        memset(self.slots, 0, SLOTS * sizeof(Slot))
    self.used = 0
    self.text.n = 0
