# A bound resource: gets its link's stanzas, judges and routes them, and queues what others send it.
from libc.stdint cimport int8_t, uint8_t, uint16_t, uint32_t, uint64_t
from headrace.core.buf cimport Buf, Str
from headrace.core.tokenizer cimport Tokenizer
from headrace.net.link cimport Link, Sink
from headrace.router.account cimport Account
from headrace.router.outbox cimport Outbox
from headrace.router.router cimport Router

cpdef enum SessionFlag:
    S_AVAILABLE = 1         # has sent initial presence
    S_INTERESTED = 2        # has asked for the roster: gets pushes
    S_ENDED = 4             # unbound; takes nothing any more

cpdef enum Reason:
    # Why a stanza is punted to the control plane; what comes with each: session.pyi.
    P_NONZA = 1
    P_SERVER
    P_SUBSCRIPTION
    P_PROBE
    P_ABSENT
    P_REMOTE

cdef class Session(Sink):
    cdef readonly Router router
    cdef readonly Account account           # None once ended
    cdef readonly Link link                 # None while there is none
    cdef readonly Tokenizer tok
    cdef readonly Outbox outbox
    cdef readonly bytes jid                 # prepared full JID
    cdef readonly bytes resource
    cdef readonly int priority              # -128..127, of the last available presence
    cdef readonly uint16_t flags            # SessionFlag
    cdef readonly bytes presence            # last broadcast presence, as a stanza without `to`; None before
    cdef readonly str lang                  # the stream's xml:lang
    cdef public object state                # the control plane's own, opaque here
