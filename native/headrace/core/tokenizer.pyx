"""Skeleton; its owner fills it."""

cdef class Workspace:
    pass

cdef class Tokenizer:
    cdef void feed(self, const char* data, size_t n) noexcept:
        pass
    cdef int next(self) noexcept:
        return 0
    cdef int keep(self) except -1:
        return 0
    cdef Str rest(self) noexcept:
        cdef Str s
        s.p = NULL
        s.n = 0
        return s
    cdef void reset(self, bint drop_rest) noexcept:
        pass
    cdef void set_limits(self, const Limits* limits) noexcept:
        pass
    cdef Str attr(self, const char* name) noexcept:
        cdef Str s
        s.p = NULL
        s.n = 0
        return s
    cdef Str uri(self, int index) noexcept:
        cdef Str s
        s.p = NULL
        s.n = 0
        return s
    cdef Str value(self, const Record* r) noexcept:
        cdef Str s
        s.p = NULL
        s.n = 0
        return s
    cdef tuple outer_bindings(self):
        return ()
    cdef void close(self) noexcept:
        pass
