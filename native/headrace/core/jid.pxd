# JIDs, prepared (protocol.md 18). Prepared form is the only table key.
cimport cython
from libc.stdint cimport uint32_t, uint64_t
from headrace.core.buf cimport Str


cdef struct JidParts:
    # Spans in a *prepared* full JID; node.p / resource.p NULL if absent.
    Str node
    Str domain
    Str resource
    Str bare            # node@domain or domain

cdef enum:
    PART_BYTES = 1023   # RFC 7622 3.1, each part
    JID_BYTES = 3 * PART_BYTES + 3      # with @ and /, and a trailing dot that preparation drops
    WAYS = 4            # entries that one raw JID may use: bounds a lookup whatever a stranger sends

cdef struct Remembered:
    uint64_t hash
    char* text          # the raw bytes, then the prepared ones; NULL: a free entry
    uint32_t raw_n
    uint32_t prepared_n     # 0: not a JID
    uint64_t used       # JidCache.tick of the last use


@cython.final
@cython.no_gc
cdef class JidCache:
    """Raw JID bytes -> prepared bytes, bounded; one per Reactor (and one per thread that prepares JIDs).

    A raw JID that is plain ASCII and already prepared never enters the cache: it is its own prepared form."""
    cdef Remembered* entries
    cdef uint64_t sets          # a power of two
    cdef uint64_t tick
    cdef uint64_t seed          # from the system, so that nobody can choose colliding addresses
    cdef readonly uint64_t used     # entries in use
    cdef char folded[JID_BYTES]     # the last ASCII JID that had to be changed

    # Prepare raw. out points at raw itself (already prepared) or into the cache (valid until the next prepare()).
    # Answers 0, or -1 for what is not a JID (no exception).
    cdef int prepare(self, Str raw, Str* out) noexcept
    cdef void fold(self, const JidParts* parts, Str* out) noexcept
    cdef int recall(self, Str raw, Str* out) noexcept   # by the cache, for what the fast path leaves open
    cdef int remember(self, Remembered* entry, uint64_t hash, Str raw) noexcept


@cython.final
cdef class JID:
    """A prepared JID; frozen, hashable, equal by its full form."""
    cdef readonly str local             # None if absent
    cdef readonly str domain
    cdef readonly str resource          # None if absent
    cdef readonly str bare              # local@domain or domain
    cdef readonly str full              # with the resource, where there is one

# Split an already prepared JID.
cdef void jid_split(Str prepared, JidParts* out) noexcept nogil
