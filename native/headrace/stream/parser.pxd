# Streams for embedders, sans-IO: bytes in, one object a stanza out.
cimport cython
from headrace.core.stanza cimport Stanza
from headrace.core.tokenizer cimport Tokenizer
from headrace.stream.intake cimport Intake


cdef enum:
    SMALL_PIECE = 4096      # bytes of a fed piece that a stanza may keep alive
    LARGE_PART = 16         # or so many times its own size


@cython.final
cdef class StreamParser(Intake):
    cdef tuple outer            # bindings around the stanzas, once the root is open

    cdef list read(self)
    cdef inline Stanza stanza(self)     # the tokenizer's current element
    cdef object other(self, int event)

# The header that the tokenizer stands at (EV_OPEN), as `kind(name=..., namespace=..., ..., **more)`.
cdef object header_of(Tokenizer tok, object kind, dict more)
