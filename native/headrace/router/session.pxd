# A bound resource: gets its link's stanzas, has them judged and routed, and queues what others send it.
#
# A session ends in three steps, whoever wants it to: stop() only marks it (it takes nothing any more); the end of the
# turn says good-bye on the link, and, once nothing is held any more, has the router tell its contacts and unbind it;
# when the link has gone too, close() drops all it refers to.
#
# With stream management that allows it, a session whose link is lost does not end: it hibernates, as present as before,
# until attach() gives it another link, or its time is over.
cimport cython
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from headrace.core.buf cimport Str
from headrace.core.tokenizer cimport Tokenizer
from headrace.net.link cimport Link, Sink
from headrace.net.reactor cimport Reactor
from headrace.router.account cimport Account, AccountTable
from headrace.router.archive cimport Archive
from headrace.router.management cimport Answers, Management
from headrace.router.order cimport Held, Order
from headrace.router.outbox cimport Outbox
from headrace.router.parcel cimport Parcel
from headrace.router.quiet cimport Quiet


cpdef enum SessionFlag:
    S_AVAILABLE = 1         # has sent initial presence
    S_INTERESTED = 2        # has asked for the roster: gets pushes
    S_ENDED = 4             # unbound, or about to be: takes nothing any more
    S_BLOCKLIST = 8         # has asked for the block list: gets pushes
    S_CARBONS = 16          # gets copies of its account's messages (XEP-0280)
    S_INACTIVE = 32         # its user looks elsewhere (XEP-0352): what can wait waits
    S_HIBERNATED = 64       # has no link, and may come back: takes stanzas into its outbox
    S_MANAGED = 128         # stream management is on
    S_PUSHED = 256          # hibernated, and its user has been told that something waits


cpdef enum Reason:
    # Why a stanza is punted to the control plane; what comes with each: session.pyi.
    P_NONZA = 1
    P_SERVER
    P_SUBSCRIPTION
    P_PROBE
    P_ABSENT
    P_REMOTE
    P_WATCHED


cdef class Exchange:
    """What a session, and the rules of delivery, need of the router above them."""
    cdef readonly Reactor reactor
    cdef AccountTable accounts
    cdef public Archive archive  # where messages are kept; None: nowhere
    cdef list moved             # accounts whose sessions are done with more than Router.acknowledged() has told
    cdef uint64_t generation    # goes up whenever a session is bound or unbound: what sessions remember of others ends
    cdef readonly Answers answers
    cdef int64_t idle_ns        # a session that has heard nothing for so long ends
    cdef int waiting            # bits of quiet.Verdict: what inactive sessions need not have at once
    cdef int64_t keep_alive_ns  # after so long a silence of both sides, white space is sent
    cdef public object visitor  # headrace.router.neighbour.Visitor of the stanza that is being routed; None: it is ours

    # The current element of a session's tokenizer.
    cdef int element(self, Session session, Tokenizer tok) except -1
    # An element that has waited its turn.
    cdef int replay(self, Session session, Held held) except -1
    # The session ends: tell its contacts, unbind it.
    cdef int leave(self, Session session) except -1
    # It has lost its link and waits for another.
    cdef int hibernated(self, Session session) except -1
    # What it was given and its client never acknowledged, or was never written: to whom it concerns now. held: as
    # Outbox.orphans() tells.
    cdef int reenter(self, Session session, list held) except -1
    # A stanza from another server or a component, both addresses prepared. lang: its stream's; fits: it may be
    # copied as it is; order: what its handler must wait for holds back later ones to the same account.
    cdef int arrive(self, Tokenizer tok, Str sender, Str to, bytes lang, Order order, bint fits) except -1
    # Hand a stanza to the control plane, self-contained (session: None for one of our own making).
    cdef int punt(self, Session session, const Parcel* parcel, int reason) except -1
    # A stanza of our own making; names its sender in `from`.
    cdef int own(self, bytes stanza) except -1
    # The session has become available.
    cdef int came(self, Session session) except -1
    # Its priority was negative and is not any more.
    cdef int rose(self, Session session) except -1
    # Answer with an error stanza, unless the stanza is one; from_: who answers.
    cdef int bounce(self, Session session, const Parcel* parcel, int condition, Str from_) except -1
    # Before a message goes to local sessions of account, or (None) to another server: into the archives and offline
    # rows that it belongs in, and the parcel gets what its receivers' copies show of that. False: it can't be kept now.
    cdef bint keep(self, Session session, Account account, Parcel* parcel) except -1
    # A future of when all that has come so far is kept, here or at another worker; None: it is.
    cdef object flushed(self)
    # A message came for a hibernated session. It is in the middle of its delivery, and so is its parcel: what the
    # control plane is told of it must route nothing before it returns.
    cdef int missed(self, Session session, const Parcel* parcel) except -1
    # Do we serve this domain?
    cdef bint is_host(self, Str domain) noexcept
    # Is another worker the home of this account (protocol.md 19)? It is on a domain that we serve.
    cdef bint is_away(self, Str bare) noexcept
    # The session of a full JID's resource; None if there is none that takes anything.
    cdef Session resource_of(self, Account account, Str resource)


@cython.final
@cython.no_gc
cdef class Session(Sink):
    cdef readonly Exchange router
    cdef Account account
    cdef readonly Link link                 # None while there is none
    cdef readonly Tokenizer tok
    cdef readonly Outbox outbox
    cdef bytes full                         # prepared full JID
    cdef Py_ssize_t bare_n                  # bytes of its bare JID
    cdef readonly int priority              # -128..127, of the last available presence
    cdef readonly uint16_t flags            # SessionFlag
    cdef int64_t heard                      # ns, Reactor.now: when bytes last came
    cdef int64_t since                      # ns: when it was bound
    cdef int64_t lost                       # ns: when its last link was
    cdef readonly bytes presence            # last broadcast presence, as a stanza without `to`; None while unavailable
    cdef readonly str lang                  # the stream's xml:lang
    cdef bytes lang_utf8
    cdef bytes to_attr                      # " to='...'" with its full JID; None until used
    cdef Quiet quiet                        # None unless S_INACTIVE
    cdef dict directed                      # prepared addresses that were sent presence -> None; None until used
    cdef Management management              # None without stream management
    cdef readonly uint64_t sm_key           # the first half of its SM-ID as a number; 0 without stream management
    cdef Order order                        # None while nothing is waited for
    cdef PyObject* peer                     # the session that the last full JID led to; not owned, see generation
    cdef uint64_t peer_generation           # Exchange.generation when it was remembered
    cdef bint stalled                       # elements may be unread in the tokenizer; the link is paused
    cdef bint bequest                       # they still count, though the link is lost and the session takes nothing
    cdef bint overrun                       # ends because its peer doesn't read
    cdef bint told                          # the stream's end has been queued
    cdef bint left                          # unbound
    cdef list orphans                       # cut from its outbox, for others to take once it is unbound
    cdef list marks                         # (Outbox.written_bytes, future) of written(), in order; None while empty
    cdef uint64_t mark                      # the first of them; 0: nobody waits
    cdef str condition                      # of the stream error that ends it; None: just </stream:stream>
    cdef str text
    cdef bytes extra                        # the application's condition
    cdef public object state                # the control plane's own, opaque here

    cdef Str bare_str(self) noexcept
    cdef Str resource_str(self) noexcept
    # Queue a stanza; an ended session takes nothing, and says nothing.
    cdef int splice(self, const Parcel* parcel, bint sole) except -1    # one that goes on; sole: to nobody else
    cdef int put(self, const char* p, size_t n) except -1   # one that is written already
    # A message that is kept for the account until written() tells; in its archive by this number, 0: in none.
    cdef int put_numbered(self, const char* p, size_t n, uint64_t number) except -1
    # Presence of `sender` (full JID), without `to`.
    cdef int put_presence(self, bytes stanza, bytes to_attr, bytes sender) except -1
    # A copy of this message, `to` missing; number: as Parcel.number.
    cdef int put_copy(self, const Parcel* parcel, const char* p, size_t n, uint64_t number) except -1
    # With to_attr put in at attrs_at; its outbox is open (headrace.router.gate). number: as in put_numbered.
    cdef int put_to(self, const char* p, size_t n, size_t attrs_at, bytes to_attr, uint64_t number) except -1
    cdef int added(self, size_t n, int sole, uint64_t number) except -1
    # What it is given now is for its full JID: it takes no messages to the bare one, or has not got the older ones.
    cdef bint apart(self) noexcept
    cdef int done_with(self) except -1      # stanzas of the outbox are
    # What its client sent (protocol.md 3). The stanza being handled is not done with yet: h stays below it. Answers a
    # ticket to be settled once it is, refused or committed; 0 where nothing is counted. Tickets settle in any order,
    # as often as they were held; on an ended session that does nothing.
    cpdef uint64_t hold(self) except? 0
    cpdef uint64_t again(self, uint64_t ticket) except? 0   # held once more
    cpdef int settle(self, uint64_t ticket) except -1
    # The commit that comes next settles this ticket, and every one that was queued before it: h once it is done.
    cpdef uint32_t committing(self, uint64_t ticket) noexcept
    cdef bint must_wait(self) noexcept
    cdef int pull(self) except -1           # route what the tokenizer has
    cdef int stall(self) except -1          # leave the rest for later
    cdef int answer_marks(self) except -1                           # tell who waits for written()
    cdef int stop(self, str condition, str text) except -1          # Router.end()
    cdef int farewell(self) except -1
    cdef int pass_on(self, list orphans) except -1  # what it was given and its peer never got, to whom it concerns now
    cdef int close(self) except -1
    cdef bint resumable(self) noexcept      # it has a link or may get another (XEP-0198)


# How far the account is done with what it was sent: its mark moves.
cdef int reach(Exchange exchange, Account account) except -1
