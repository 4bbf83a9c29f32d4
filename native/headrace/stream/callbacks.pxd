# A stream as calls of Python: start, text, end.
cimport cython
from headrace.core.tree cimport Names
from headrace.stream.intake cimport Intake


@cython.final
cdef class CallbackParser(Intake):
    cdef Names names
    cdef object start           # None: nobody asks
    cdef object text
    cdef object end
    cdef str root               # its name

    cdef int read(self) except -1
    cdef int tell(self) except -1       # the tokenizer's current element
