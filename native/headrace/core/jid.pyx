"""Skeleton; its owner fills it."""

cdef class JidCache:
    cdef int prepare(self, Str raw, Str* out) noexcept:
        return 0


cdef void jid_split(Str prepared, JidParts* out) noexcept nogil:
    pass
