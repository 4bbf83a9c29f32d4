# The tokenizer's events as Python tuples (events.pyi says which). Not the hot path: that works on view and tape.
from headrace.core.tokenizer cimport Tokenizer

cdef class EventReader:
    cdef readonly Tokenizer tokenizer
    cdef bytes data                     # keeps alive what was pushed; None once all of it has been read
    cdef tuple attributes(self, unsigned int start, unsigned int n)
    cdef list pieces(self)              # of the tape
    cdef bint copied(self, const char* base) except -1    # the element isn't where the caller's bytes are
