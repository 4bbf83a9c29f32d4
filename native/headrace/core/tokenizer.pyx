# distutils: extra_compile_args = -fno-tree-vectorize
"""The classes around the machine: run.h is the state machine itself, pull.h what feeds it, scan.h its vector scans.

The vectors are those: what a compiler makes of neighbouring stores beside them costs 3 % of the time (5 % in chats).
"""

import os

from headrace.core.limits import CLIENT

cimport cython
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, strlen
from headrace.core.names cimport NS_CLIENT

cdef extern from "headrace/core/pull.h":
    ctypedef struct Scanner:
        const char* name
        Run run

    int scanners(Scanner* out) noexcept nogil
    void ns_slots_fill(Work* w) noexcept nogil
    void frame_free(Frame* f) noexcept nogil
    size_t frame_memory(const Frame* f) noexcept nogil
    void machine_feed(Machine* m, const char* data, size_t n) noexcept nogil
    int machine_next(Machine* m) noexcept nogil
    int machine_keep(Machine* m) noexcept nogil
    void machine_reset(Machine* m, int drop_rest) noexcept nogil
    void machine_limits(Machine* m, const Limits* limits) noexcept nogil
    void drop_frame(Machine* m) noexcept nogil
    void drop_pend(Machine* m) noexcept nogil
    Str uri_of(const Machine* m, const Frame* f, const char* base, uint32_t ns) noexcept nogil
    Str head_value(const Frame* f, const Record* r) noexcept nogil
    size_t decode_value(char* out, const char* p, size_t n, int attribute, int cdata) noexcept nogil

for _enum in (Mode, Ev, Kind, Flag, TapeKind):
    globals().update(_enum.__members__)


def scans():
    cdef Scanner found[4]
    cdef int n = scanners(found)
    return tuple([found[i].name.decode() for i in range(n)])


cdef int fill_limits(Limits* out, object limits) except -1:
    out.stanza = limits.stanza
    out.header = limits.header
    out.elements = limits.elements
    out.depth = limits.depth
    out.attrs = limits.attrs
    out.decls = limits.decls
    out.name = limits.name
    out.total = limits.total
    out.tops = limits.tops
    return 0


@cython.final
cdef class Workspace:
    def __cinit__(self, str scan=None):
        cdef Scanner found[4]
        cdef int i, n = scanners(found)
        cdef bytes seed = os.urandom(8)
        for i in range(n):
            if scan is None or found[i].name.decode() == scan:
                self.w.run = found[i].run
                self.w.scan = found[i].name
                break
        else:
            raise ValueError(f"this machine can't scan with {scan}; it has {', '.join(scans())}")
        self.w.seed = (<const uint64_t*><const char*>seed)[0]
        ns_slots_fill(&self.w)

    def __dealloc__(self):
        cdef Frame* f
        while self.w.free != NULL:
            f = self.w.free
            self.w.free = f.next
            frame_free(f)
        free(self.w.value)

    @property
    def scan(self):
        return self.w.scan.decode()

    @property
    def memory(self):
        cdef size_t total = self.w.value_cap
        cdef Frame* f = self.w.free
        while f != NULL:
            total += frame_memory(f)
            f = f.next
        return total


cdef Str absent() noexcept:
    cdef Str s
    s.p = NULL
    s.n = 0
    return s


@cython.final
@cython.no_gc
cdef class Tokenizer:
    def __cinit__(self, Workspace work not None, int mode=MODE_STREAM, limits=None, int content=NS_CLIENT):
        cdef Limits bounds
        if mode not in (MODE_STREAM, MODE_FRAME, MODE_BODY):
            raise ValueError(f"no mode has the number {mode}")
        fill_limits(&bounds, CLIENT if limits is None else limits)
        self.work = work
        self.mode = self.m.mode = mode
        self.content = self.m.content = content
        self.m.work = &work.w
        machine_limits(&self.m, &bounds)
        machine_reset(&self.m, True)

    def __dealloc__(self):
        self.close()

    cdef void feed(self, const char* data, size_t n) noexcept:
        self.view = NULL
        machine_feed(&self.m, data, n)

    cdef int next(self) noexcept:
        cdef int event = machine_next(&self.m)
        self.consumed = self.m.consumed
        self.view = NULL
        if event == EV_ELEMENT or event == EV_OPEN:
            self.view = &self.m.frame.view
            self.tape = self.m.frame.tape
            self.tape_n = self.m.frame.tape_n
            self.content = self.m.content
        elif event == EV_ERROR:
            self.failed = True
            self.error_condition = self.m.condition
            self.error_text = self.m.message
            self.error_offset = self.m.error_at
        return event

    cdef int keep(self) except -1:
        if machine_keep(&self.m):
            raise MemoryError
        return 0

    cdef Str rest(self) noexcept:
        cdef Str s
        s.p = self.m.in_
        s.n = self.m.in_end - self.m.in_
        return s

    cdef bint begun(self) noexcept:
        return self.m.base != NULL and not self.m.done

    cdef Str skip_space(self) noexcept:
        while self.m.in_ < self.m.in_end and self.m.in_[0] in b" \t\r\n":
            self.m.in_ += 1
            self.m.consumed += 1
        return self.rest()

    cdef void reset(self, bint drop_rest) noexcept:
        machine_reset(&self.m, drop_rest)
        self.view = NULL
        self.failed = False
        self.consumed = 0

    cdef void set_limits(self, const Limits* limits) noexcept:
        machine_limits(&self.m, limits)

    cdef Str attr(self, const char* name) noexcept:
        cdef size_t n = strlen(name)
        cdef Record* r
        cdef uint32_t i
        if self.view == NULL:
            return absent()
        for i in range(1, self.m.frame.head_attrs + 1):
            r = &self.tape[i]
            if r.name_n == n and not r.flags & R_PREFIXED and memcmp(self.view.base + r.name, name, n) == 0:
                return head_value(self.m.frame, r)
        return absent()

    cdef Str uri(self, int index) noexcept:
        return uri_of(&self.m, self.m.frame, self.m.base, index)

    cdef Str value(self, const Record* r) noexcept:
        cdef Str s
        cdef char* grown
        s.p = self.m.base + r.value
        s.n = r.value_n
        if r.flags & R_REFS:
            if self.work.w.value_cap < s.n:
                grown = <char*>realloc(self.work.w.value, s.n)
                if grown == NULL:
                    return absent()
                self.work.w.value = grown
                self.work.w.value_cap = s.n
            s.n = decode_value(self.work.w.value, s.p, s.n, r.kind == T_ATTR, r.flags & R_CDATA)
            s.p = self.work.w.value
        return s

    cdef tuple outer_bindings(self):
        cdef Outer* o = self.m.outer
        cdef OuterBind* b
        cdef Str uri
        cdef uint32_t i
        found = []
        if o != NULL:
            uri = uri_of(&self.m, NULL, NULL, o.ns)
            if uri.n:
                found.append((None, uri.p[:uri.n].decode()))
            for i in range(o.binds):
                b = &o.bind[i]
                uri = uri_of(&self.m, NULL, NULL, b.ns)
                found.append((o.text[b.prefix:b.prefix + b.prefix_n].decode(), uri.p[:uri.n].decode()))
        return tuple(found)

    cdef void close(self) noexcept:
        if self.m.work == NULL:
            return
        machine_reset(&self.m, True)
        self.m.failed = 2

    def use_limits(self, limits):
        cdef Limits bounds
        fill_limits(&bounds, limits)
        self.set_limits(&bounds)

    @property
    def error(self):
        if not self.failed:
            return None
        return self.error_condition.decode(), self.error_text.decode(), self.error_offset

    @property
    def memory(self):
        cdef size_t total = self.m.pend_n
        if self.m.frame != NULL:
            total += frame_memory(self.m.frame)
        if self.m.outer != NULL:
            total += self.m.outer.size
        return total
