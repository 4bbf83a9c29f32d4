"""Latencies counted without a Python object each: see tally.pyi."""
cimport cython
from libc.stdlib cimport calloc, free
from libc.string cimport memset

cdef extern from *:
    int clz "__builtin_clzll"(unsigned long long value) noexcept nogil


@cython.final
@cython.no_gc
cdef class Tally:
    def __cinit__(self):
        self.bucket = <uint64_t*>calloc(BUCKETS, sizeof(uint64_t))
        if self.bucket == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.bucket)

    cdef void add(self, int64_t ns) noexcept:
        cdef uint64_t value = <uint64_t>min(max(ns, <int64_t>0), (<int64_t>1 << TOP_BIT) - 1)
        cdef int shift = 0
        if value >= EXACT:
            shift = 53 - clz(value)         # leaves the 11 highest bits
        self.bucket[shift * HALF + (value >> shift)] += 1
        self.total += 1

    def record(self, int64_t ns):
        self.add(ns)

    def counts(self):
        cdef list found = []
        cdef uint64_t shift, low
        cdef int i
        for i in range(BUCKETS):
            if self.bucket[i]:
                shift = i // HALF - 1 if i >= EXACT else 0
                low = (i - shift * HALF) << shift
                found.append((low + ((<uint64_t>1 << shift) >> 1), self.bucket[i]))
        return found

    def clear(self):
        memset(self.bucket, 0, BUCKETS * sizeof(uint64_t))
        self.total = 0
