# JIDs, prepared (protocol.md 18). Prepared form is the only table key.
from headrace.core.buf cimport Str


cdef struct JidParts:
    # Spans in a *prepared* full JID; node.p / resource.p NULL if absent.
    Str node
    Str domain
    Str resource
    Str bare            # node@domain or domain


cdef class JidCache:
    """Raw JID bytes -> prepared bytes, bounded; one per Reactor (and one per thread that prepares JIDs).

    A raw JID that is plain ASCII and already prepared never enters the cache: it is its own prepared form."""
    # Prepare raw. out points at raw itself (already prepared) or into the cache (valid until the next prepare()).
    # Answers 0, or -1 for what is not a JID (no exception).
    cdef int prepare(self, Str raw, Str* out) noexcept

# Split an already prepared JID.
cdef void jid_split(Str prepared, JidParts* out) noexcept nogil
