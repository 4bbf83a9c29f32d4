"""What the parsers for embedders share: see intake.pyi."""

from headrace.core.buf cimport Str
from headrace.core.tokenizer cimport KIND_OTHER, Tokenizer, Workspace
from headrace.core.tree cimport Names

from headrace.core import ns

RESTARTS = frozenset((ns.COMPRESS, ns.SASL, ns.TLS))


cdef class Scratch:
    def __cinit__(self):
        self.work = Workspace()

    cdef Names names(self):
        if self.found is None:
            self.found = Names()
        return self.found


cdef class Intake:
    cdef int prepare(self, int mode, object limits, object stop, Scratch scratch) except -1:
        self.tok = Tokenizer(Scratch().work if scratch is None else scratch.work, mode, limits)
        self.stops = frozenset(stop)
        return 0

    cdef int idle(self) except -1:
        if self.busy:
            raise RuntimeError("the parser is in the middle of a feed()")
        return 0

    cdef int take(self, object data) except -1:
        self.idle()
        self.data = <bytes>data if type(data) is bytes else bytes(memoryview(data))
        self.stopped = False
        self.busy = True
        self.tok.feed(self.data, len(self.data))
        return 0

    cdef int leave(self) except -1:
        try:
            self.tok.keep()
        except MemoryError:
            self.tok.reset(True)
            raise
        finally:
            self.data = None
            self.busy = False
        return 0

    cdef bint stops_here(self) except -1:
        cdef Str uri = self.tok.view.uri
        if self.tok.view.kind != KIND_OTHER:
            return False
        self.stopped = uri.p[:uri.n].decode() in self.stops
        return self.stopped

    def reset(self, *, bint drop_rest=False):
        self.idle()
        self.tok.reset(drop_rest)
        self.stopped = False

    @property
    def rest(self):
        cdef Str unread
        self.idle()
        unread = self.tok.rest()
        return unread.p[:unread.n]

    def use_limits(self, limits):
        self.idle()
        self.tok.use_limits(limits)

    @property
    def failed(self):
        return self.tok.failed

    @property
    def consumed(self):
        return self.tok.consumed

    @property
    def memory(self):
        return self.tok.memory + type(self.tok).__basicsize__ + type(self).__basicsize__
