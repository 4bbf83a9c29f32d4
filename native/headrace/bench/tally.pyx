"""Latencies counted without a Python object each: see tally.pyi."""
cimport cython
from libc.stdlib cimport calloc, free
from libc.string cimport memset

cdef extern from *:
    int clz "__builtin_clzll"(unsigned long long value) noexcept nogil


cdef uint64_t middle(int bucket) noexcept:
    """The value in the middle of a bucket."""
    cdef uint64_t shift = bucket // HALF - 1 if bucket >= EXACT else 0
    return ((bucket - shift * HALF) << shift) + ((<uint64_t>1 << shift) >> 1)


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
        cdef int i
        for i in range(BUCKETS):
            if self.bucket[i]:
                found.append((middle(i), self.bucket[i]))
        return found

    def percentile(self, double percent):
        cdef uint64_t seen = 0
        cdef double wanted = self.total * percent / 100
        cdef int i
        for i in range(BUCKETS):
            seen += self.bucket[i]
            if self.bucket[i] and seen >= wanted:
                return middle(i)
        return None

    def clear(self):
        memset(self.bucket, 0, BUCKETS * sizeof(uint64_t))
        self.total = 0
