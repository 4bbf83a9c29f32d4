"""Skeleton; its owner fills it."""

cdef class Outbox:
    cdef char* reserve(self, size_t n) except NULL:
        raise NotImplementedError
    cdef int commit(self, size_t n, size_t attrs_at) except -1:
        return 0
    cdef size_t pending(self, const char** p) noexcept:
        return 0
    cdef void written(self, size_t n) noexcept:
        pass
    cdef size_t to_border(self) noexcept:
        return 0
    cdef void close(self) noexcept:
        pass
