"""The class around the machine of machine.h."""

for _enum in (Mode, Ev, Kind, Flag, TapeKind):
    globals().update(_enum.__members__)


def scans():
    return ("portable",)


cdef class Workspace:
    def __init__(self, scan=None):
        pass

    @property
    def memory(self):
        return 0


cdef class Tokenizer:
    def __init__(self, Workspace work, int mode=0, limits=None, int content=2):
        self.work = work
        self.mode = mode
        self.content = content

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
        return self.rest()
    cdef Str uri(self, int index) noexcept:
        return self.rest()
    cdef Str value(self, const Record* r) noexcept:
        return self.rest()
    cdef tuple outer_bindings(self):
        return ()
    cdef void close(self) noexcept:
        pass
