# The Sink of a connection that is not bound yet: pulls its elements and hands them to a negotiation in Python.
from headrace.core.tokenizer cimport Tokenizer
from headrace.net.link cimport Link, Sink
from headrace.net.tls cimport TlsContext
from headrace.session.work cimport Work


cdef class Handshake(Sink):
    cdef Link link                  # None once it is over
    cdef Tokenizer tok
    cdef object sessions            # headrace.session.ports.Sessions, for bind()
    cdef TlsContext tls             # for STARTTLS; None where it is not offered
    cdef object config              # C2SConfig
    cdef object negotiator          # headrace.session.ports.Negotiator
    cdef set under_way              # where this is until it is over
    cdef Work task                  # what the negotiation waits for; None while it doesn't
    cdef readonly str address       # the peer's, without port
    cdef list said                  # not on the link yet: who asks more in the same breath gets all in one packet
    cdef bint pumping               # inside of _pump(), which sends what was said in the end
    cdef bint over                  # finished, gone or bound: nothing is read any more

    cdef int _pump(self) except -1          # pull until the input is used up, somebody waits, or it is over
    cdef int _event(self, int ev) except -1
    cdef int _speak(self) except -1         # what was said, to the link
    cdef int _wait(self, object work) except -1
    cdef int _finished(self, Work task) except -1
    cdef int _interrupt(self, str condition, str text) except -1    # end it from outside
    cdef int _drop(self) except -1          # let go of everything; once
