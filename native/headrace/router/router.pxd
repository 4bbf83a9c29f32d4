# Tables and delivery (RFC 6121 section 8), all in one process: every account has its home here (protocol.md 19).
from headrace.core.buf cimport Str
from headrace.core.tokenizer cimport StanzaView
from headrace.net.reactor cimport Reactor
from headrace.router.account cimport Account
from headrace.router.session cimport Session

cdef class Router:
    cdef readonly Reactor reactor
    cdef readonly object control            # the control plane (see router.pyi: class Control)
    # Route the current element of a bound session. Returns nothing to the caller: errors come back as stanzas.
    cdef int route_from(self, Session session, const StanzaView* view) except -1
