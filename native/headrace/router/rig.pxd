# Sessions without descriptors: bytes into a session, bytes out of its outbox, in one process and with no loop. For
# tests and measurements.
cimport cython
from libc.stdint cimport int64_t
from headrace.core.buf cimport Buf
from headrace.net.link cimport Link
from headrace.net.reactor cimport Reactor
from headrace.router.router cimport Router


@cython.final
cdef class Wire:
    """What a link has sent, and how much more its peer takes."""
    cdef Buf bytes
    cdef Py_ssize_t room    # bytes; negative: all


@cython.final
cdef class Rig:
    cdef readonly object loop
    cdef readonly Reactor reactor
    cdef readonly Router router
    cdef dict wires         # Link -> Wire
    cdef int64_t ahead      # ns that advance() has let pass

    cdef int tick(self) except -1
    cdef int capture(self, Link link) except -1
