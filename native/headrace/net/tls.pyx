"""Skeleton; its owner fills it."""

cdef class TlsContext:
    pass

cdef class TlsEngine:
    pass
