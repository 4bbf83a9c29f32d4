# Latencies counted in buckets, as an HDR histogram does: each value to within a thousandth, whatever its size.
cimport cython
from libc.stdint cimport int64_t, uint64_t
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

cdef enum:
    EXACT = 2048        # values below are counted one by one
    HALF = 1024         # buckets of each doubling above
    TOP_BIT = 42        # values end at 2**42 ns, 73 minutes; a longer one counts as that
    BUCKETS = (TOP_BIT - 9) * HALF


cdef inline int64_t clock_ns() noexcept nogil:
    cdef timespec t
    clock_gettime(CLOCK_MONOTONIC, &t)
    return <int64_t>t.tv_sec * 1000000000 + t.tv_nsec


@cython.final
@cython.no_gc
cdef class Tally:
    cdef uint64_t* bucket       # BUCKETS counts
    cdef readonly uint64_t total

    cdef void add(self, int64_t ns) noexcept
