"""Skeleton; its owner fills it."""

cdef class Session(Sink):
    pass
