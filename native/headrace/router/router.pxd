# Tables and delivery (RFC 6121 section 8) of the accounts whose home is here: alone, of all (protocol.md 19).
cimport cython
from libc.stdint cimport uint64_t
from headrace.core.buf cimport Str
from headrace.core.stanza cimport Stanza
from headrace.core.tokenizer cimport StanzaView, Tokenizer
from headrace.router.account cimport Account
from headrace.router.federation cimport Routes
from headrace.router.filing cimport Filing
from headrace.router.neighbour cimport Neighbours
from headrace.router.order cimport Order
from headrace.router.parcel cimport Parcel
from headrace.router.reader cimport Reader
from headrace.router.session cimport Session
from headrace.router.tables cimport Tables


@cython.final
cdef class Router(Tables):
    cdef public object control              # headrace.router.control.Control
    cdef Reader reader
    cdef Filing filing
    cdef int most_hibernated                # sessions of an account
    cdef dict past                          # SM-ID -> (bare JID, h) of sessions that have ended, in order
    cdef set pending                        # futures that handlers have left unfinished
    cdef readonly Routes routes             # to other servers and components
    cdef public Neighbours neighbours       # homes of other accounts; None: this one is alone
    cdef Order arriving                     # of the stream that a stanza is coming from; None: no server's

    # Intake: what came from a session, up to where it goes.
    cdef bint held_back(self, Session session, Tokenizer tok) except -1
    cdef int take(self, Session session, Tokenizer tok) except -1
    cdef int without_to(self, Session session, Tokenizer tok, Parcel* parcel) except -1
    cdef int dispatch(self, Session session, Tokenizer tok, Parcel* parcel) except -1
    cdef int turn_away(self, Session session, Tokenizer tok, const Parcel* parcel) except -1
    cdef int deliver_presence(self, Session session, Account account, Parcel* parcel) except -1
    cdef int clean(self, Session session, Tokenizer tok, const Parcel* parcel) except -1
    cdef bint admitted(self, Tokenizer tok) noexcept
    cdef bint is_own(self, Session session, Str sender) noexcept
    cdef Str domain_of(self, Session session) noexcept
    # The control plane.
    cdef int hand_over(self, Session session, Tokenizer tok, const Parcel* parcel, int reason) except -1
    # account: to whom older messages are being handed over; none overtakes this one on its way to the storage either.
    # number: of the message in the spool; 0: it is not there.
    cdef int ask(self, Session session, Stanza stanza, int reason, bytes key, Account account,
                 uint64_t number) except -1
    # It has become able to take messages.
    cdef int catch_up(self, Session session, object outcome) except -1
    # account: it takes no messages until the outcome is there.
    cdef int wait_for(self, Session session, object outcome, bytes key, Account account) except -1
    cdef int route_own(self, bytes stanza, bytes sender) except -1
