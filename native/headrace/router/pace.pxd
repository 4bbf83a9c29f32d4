# How fast a domain may send: buckets of bytes and of stanzas that fill steadily. Whose are empty is not read from.
cimport cython
from libc.stdint cimport int64_t
from headrace.net.reactor cimport Reactor, Task


@cython.final
cdef class Pace(Task):
    """One domain's, whatever streams it sends on."""
    cdef object __weakref__
    cdef Reactor reactor
    cdef double rate[2]         # bytes and stanzas a second; infinite: no bound
    cdef double room[2]         # of them; below 0: more has come than may
    cdef int64_t filled         # ns: up to when the buckets have been filled
    cdef readonly bint behind   # nothing more is to be read from that domain now
    cdef list waiting           # Tasks to act() when it may go on

    # So many bytes, in one element, have come.
    cdef int took(self, size_t n) except -1
    # The task acts when the domain is not behind any more.
    cdef int hold(self, Task task) except -1
    # A stream of the domain ends. What it has used up stays so: a new stream is not a new bucket.
    cdef int leave(self, Task task) except -1
    cdef void fill(self) noexcept
    cdef int64_t until(self, double seconds) noexcept   # ns until each bucket holds what fills it in so many seconds
