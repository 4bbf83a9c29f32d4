"""Skeleton; its owner fills it."""

cdef class Account:
    pass
