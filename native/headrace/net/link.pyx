"""Skeleton; its owner fills it."""

cdef class Sink:
    cdef int on_bytes(self, const char* data, size_t n) except -1:
        return 0
    cdef int on_gone(self, bint clean) except -1:
        return 0
    cdef int on_secure(self) except -1:
        return 0
    cdef size_t pending(self, const char** p) noexcept:
        return 0
    cdef void sent(self, size_t n) noexcept:
        pass
    cdef size_t to_border(self) noexcept:
        return 0
    cdef int on_writable(self) except -1:
        return 0

cdef class Link(Task):
    cdef void set_sink(self, Sink sink):
        pass
    cdef int write(self, const char* p, size_t n) except -1:
        return 0
    cdef int dirty(self) except -1:
        return 0
    cdef void pause(self) noexcept:
        pass
    cdef void resume(self) noexcept:
        pass
    cdef int start_tls(self, TlsContext context) except -1:
        return 0
    cdef int finish(self) except -1:
        return 0
    cdef int abort(self) except -1:
        return 0
