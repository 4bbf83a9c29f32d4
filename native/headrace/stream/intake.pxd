# What the parsers for embedders share: taking bytes, stopping where a stream may restart, restarting.
cimport cython
from headrace.core.tokenizer cimport Tokenizer, Workspace
from headrace.core.tree cimport Names


@cython.final
cdef class Scratch:
    """The tokenizers' workspace, and the names that have been made into str."""
    cdef readonly Workspace work
    cdef Names found            # None until somebody asks
    cdef Names names(self)


cdef class Intake:
    cdef Tokenizer tok
    cdef bytes data             # what is being read: the tokenizer looks at it
    cdef frozenset stops        # namespaces of elements behind which feed() returns
    cdef readonly bint stopped  # it has
    cdef bint busy              # inside of feed()

    cdef int prepare(self, int mode, object limits, object stop, Scratch scratch) except -1
    cdef int take(self, object data) except -1      # begins a feed: busy until leave()
    cdef int leave(self) except -1                  # ends it; keeps what is unread
    cdef bint stops_here(self) except -1            # behind the tokenizer's current element; notes it
    cdef int idle(self) except -1                   # raises RuntimeError inside of feed()
