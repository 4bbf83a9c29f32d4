# A growable byte buffer and a byte string that is only looked at: the two shapes in which bytes travel natively.
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy


cdef extern from "headrace/core/str.h":
    ctypedef struct Str:
        # Bytes that somebody else owns. p == NULL: absent (an absent attribute); n == 0 with p set: empty.
        const char* p
        size_t n


cdef struct Buf:
    # Owned, growable. All zeros is a valid empty Buf; give it back with buf_free.
    char* p
    size_t n        # bytes used
    size_t cap      # bytes allocated


cdef inline int buf_reserve(Buf* b, size_t more) except -1 nogil:
    """Make room for `more` bytes behind b.n. Raises MemoryError."""
    cdef size_t cap
    cdef char* p
    if b.n + more <= b.cap:
        return 0
    cap = b.cap * 2 if b.cap else 256
    if cap < b.n + more:
        cap = b.n + more
    p = <char*>realloc(b.p, cap)
    if p == NULL:
        with gil:
            raise MemoryError
    b.p = p
    b.cap = cap
    return 0


cdef inline int buf_put(Buf* b, const void* p, size_t n) except -1 nogil:
    buf_reserve(b, n)
    if n:
        memcpy(b.p + b.n, p, n)
        b.n += n
    return 0


cdef inline void buf_free(Buf* b) noexcept nogil:
    free(b.p)
    b.p = NULL
    b.n = b.cap = 0


cdef inline Str str_of(bytes value):
    """A look at a bytes object (which the caller keeps alive); None gives the absent Str."""
    cdef Str s
    s.p = NULL
    s.n = 0
    if value is not None:
        s.p = value
        s.n = len(value)
    return s


cdef inline bytes str_bytes(Str s):
    """A copy as bytes; None if absent."""
    return None if s.p == NULL else s.p[:s.n]
