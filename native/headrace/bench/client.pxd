# One client connection of a load: bytes in are counted and checked here, what it has to say waits here.
#
# Stanzas of a flow never reach Python. What is no flow's (negotiation, answers to single requests, a ping of the
# server's) goes to a dialog in Python.
cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t
from headrace.bench.flow cimport Flow, Load, Sender
from headrace.core.buf cimport Buf, Str
from headrace.core.tokenizer cimport Tokenizer
from headrace.net.link cimport Link

cdef struct Expect:
    uint32_t flow
    uint32_t number         # of the stanza that must come next
    uint32_t skipped        # that have not come, though later ones have


@cython.final
cdef class Client(Sender):
    cdef object __weakref__
    cdef readonly Link link
    cdef Tokenizer tok
    cdef public object dialog       # headrace.bench.wire.Dialog
    cdef readonly Load load         # None: it takes no part yet
    cdef bytes bare                 # its bare JID, which carbon copies must come from
    cdef Buf out                    # not yet written from `taken` on
    cdef size_t taken
    cdef Expect* expect             # by flow
    cdef uint32_t expects
    cdef uint32_t last              # index of the one that matched last
    cdef bint gone                  # the link has ended
    # Stream management (XEP-0198)
    cdef public bint managed        # counting
    cdef public uint32_t heard      # stanzas that came
    cdef public uint32_t said       # stanzas sent
    cdef public uint32_t acked      # of those, acknowledged
    cdef bint asked                 # an <r/> is not answered
    # A page of an archive that is coming
    cdef public uint32_t page       # messages of it so far
    cdef uint32_t page_flow
    cdef uint32_t page_number

    cdef int _say(self, const char* p, size_t n) except -1
    cdef int _pump(self) except -1
    cdef int _element(self, int64_t now) except -1
    cdef int _nonza(self) except -1
    cdef int _message(self, int64_t now) except -1
    cdef int _carbon(self, int64_t now) except -1
    cdef int _archived(self) except -1
    cdef int _presence(self, int64_t now) except -1
    cdef int _iq(self, int64_t now) except -1
    cdef int _refused(self) except -1
    cdef int _text(self, Str text, Str source, int64_t now) except -1
    cdef int _in_turn(self, Flow flow, Expect* expect, uint32_t number, int64_t now) except -1
    cdef Flow _flow(self, uint32_t index)
    cdef Expect* _expected(self, uint32_t flow) noexcept
    cdef int _blame(self, int fault) except -1
    cdef int _tell(self) except -1
