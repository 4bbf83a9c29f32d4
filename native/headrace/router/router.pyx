"""Tables and delivery.

A stanza's way: element() -> held_back()? -> take() checks sender, address and shape -> dispatch() finds whose it is,
-> delivery and presence write it into outboxes, or the control plane gets it. Nothing on this way closes or unbinds
anything: the end of the turn does (Session.act).
"""
from libc.stdint cimport int64_t, uint64_t
from headrace.core.buf cimport Buf, buf_free, str_bytes, str_of
from headrace.core.jid cimport JidParts, jid_split
from headrace.core.names cimport NS_CSI, NS_SM
from headrace.core.stanza cimport stanza_copy
from headrace.core.tokenizer cimport KIND_IQ, KIND_MESSAGE, KIND_OTHER, KIND_PRESENCE
from headrace.core.writer cimport splice_allowed
from headrace.net.link cimport Link
from headrace.net.reactor cimport Reactor
from headrace.router.account cimport Account, AccountTable
from headrace.router.blocking cimport blocks
from headrace.router.carbons cimport copy_error, copy_sent
from headrace.router.delivery cimport deliver_iq, deliver_message, deliver_to, shares, takes_messages
from headrace.router.errors cimport (
    BAD_REQUEST, BLOCKED, JID_MALFORMED, RESOURCE_CONSTRAINT, SERVICE_UNAVAILABLE, write_error
)
from headrace.router.federation cimport Route, Routes
from headrace.router.filing cimport Filing
from headrace.router.gate cimport indicate, opens_for, tell_of_held, want_copies
from headrace.router.judged cimport CLIENT_JUDGED, FROM_CLIENT, FROM_PEER
from headrace.router.keeping cimport KEEP_NOT, keeping
from headrace.router.management cimport Answers
from headrace.router.order cimport Held, Order, take_ticket
from headrace.router.parcel cimport (
    IQ_GET, IQ_SET, PRES_ERROR, PRES_PROBE, PRES_SUBSCRIBE, PRES_UNAVAILABLE, UNKNOWN_TYPE,
    equal, fill, is_answer, named, packed
)
from headrace.router.presence cimport broadcast, depart, direct, hide, pass_error, part, rejoin, show
from headrace.router.quiet cimport V_DROP, V_EVENT, V_PRESENCE
from headrace.router.remote cimport hide_far, is_elsewhere, show_far
from headrace.router.reader cimport open_tokenizer, stand_on
from headrace.router.reentry cimport reenter_each
from headrace.router.resumption cimport manage_element
from headrace.router.session cimport (
    P_ABSENT, P_NONZA, P_PROBE, P_REMOTE, P_SERVER, P_SUBSCRIPTION, P_WATCHED, S_AVAILABLE, S_ENDED, S_HIBERNATED,
    S_INACTIVE, S_MANAGED
)
from headrace.router.tables cimport Tables

from hmac import compare_digest

from headrace.core.stanza import parse_stanza
from headrace.router import slow
from headrace.router.control import HoldAll
from headrace.stream.limits import SessionLimits

cdef enum:
    EVER = 1152921504606846976      # ns: 36 years
    MOST_PAST = 10000               # sessions with stream management that have ended: 2 MB


cdef bint valid(const Parcel* parcel) noexcept:
    """RFC 6120 8.1.3 and 8.2.3 for IQ, RFC 6121 4.7.1 for presence."""
    if parcel.head.kind == KIND_IQ:
        if parcel.type == UNKNOWN_TYPE or parcel.head.id.p == NULL:
            return False
        return parcel.view.children == 1 or not (parcel.type == IQ_GET or parcel.type == IQ_SET)
    return parcel.type != UNKNOWN_TYPE


cdef inline int64_t patience(double seconds) noexcept:
    return <int64_t>(seconds * 1e9) if seconds > 0 else EVER


cdef class Router(Tables):
    def __init__(self, Reactor reactor not None, control=None, limits=None):
        if limits is None:
            limits = SessionLimits()
        self.reactor = reactor
        self.control = control
        self.idle_ns = patience(limits.idle_seconds)
        self.keep_alive_ns = patience(limits.keep_alive_seconds)
        self.most_hibernated = limits.hibernated
        self.answers = Answers(reactor)
        self.past = {}
        self.waiting = limits.csi_presence << V_PRESENCE | limits.csi_chat_states << V_DROP
        self.waiting |= limits.csi_events << V_EVENT
        self.accounts = AccountTable()
        self.generation = 1
        self.domains = []
        self.reader = Reader()
        self.routes = Routes()
        self.pending = set()
        self.moved = []
        self.filing = Filing()

    def set_blocked(self, str bare not None, jids):
        cdef Account account = self.account_of(bare)
        cdef set before, after = {jid.encode() for jid in jids}
        if account is None:
            return
        self.reactor.touch()
        before = account.blocked or set()
        part(self, account, after - before)
        account.blocked = after or None
        self.generation += 1        # the peers that sessions remember were judged by the old list
        rejoin(self, account, before - after)

    # Sessions.

    def bind(self, Link link not None, Tokenizer tokenizer not None, str jid not None, str lang):
        cdef bytes full = jid.encode()
        cdef JidParts parts
        cdef Account account
        cdef Session session
        jid_split(str_of(full), &parts)
        account = self.accounts.find(parts.bare)
        if account is None:
            raise LookupError(f"the tables of {jid} are not loaded")
        session = Session(self, account, link, tokenizer, full, lang)
        account.sessions.append(session)
        self.generation += 1
        link.set_sink(session)
        return session

    cdef object flushed(self):
        cdef object queued = None if self.archive is None else self.archive.flushed()
        return queued if self.neighbours is None else self.neighbours.flushed(queued)

    cdef bint is_away(self, Str bare) noexcept:
        return self.neighbours is not None and self.neighbours.away(bare)

    cdef Session resource_of(self, Account account, Str resource):
        cdef Session session
        for session in account.sessions:
            if not session.flags & S_ENDED and equal(session.resource_str(), resource):
                return session
        return None

    def find(self, str full not None):
        cdef bytes jid = full.encode()
        cdef JidParts parts
        cdef Account account
        jid_split(str_of(jid), &parts)
        account = self.accounts.find(parts.bare)
        if account is None or parts.resource.p == NULL:
            return None
        return self.resource_of(account, parts.resource)

    def sessions(self, str bare not None):
        cdef Account account = self.account_of(bare)
        cdef Session session
        if account is None:
            return []
        return [session for session in account.sessions if not session.flags & S_ENDED]

    def everybody(self):
        cdef Account account
        cdef Session session
        return [session for account in self.accounts.all() for session in account.sessions
                if not session.flags & S_ENDED]

    def end(self, Session session not None, str condition not None, str text=""):
        session.stop(condition or None, text)

    cdef int leave(self, Session session) except -1:
        cdef Account account = session.account
        if session.management is not None:
            if len(self.past) >= MOST_PAST:
                del self.past[next(iter(self.past))]
            self.past[session.management.id] = (account.jid, session.management.h())
        depart(self, session)
        account.sessions.remove(session)
        want_copies(session, False)
        self.generation += 1
        if not account.sessions:
            self.accounts.remove(account)
        try:
            self.control.gone(session)
        except Exception as error:
            self.reactor.report("Control.gone failed", error)
        return 0

    # Sessions without a link (XEP-0198).

    def resumable(self, str bare not None, bytes id not None):
        cdef Account account = self.account_of(bare)
        cdef Session session
        for session in account.sessions if account is not None else ():
            if session.resumable() and compare_digest(session.management.id, id):
                return session
        return None

    def last_h(self, str bare not None, bytes id not None):
        jid, h = self.past.get(id, (None, None))
        return h if jid == bare.encode() else None

    cdef int hibernated(self, Session session) except -1:
        cdef Session other, oldest = None
        cdef int n = 0
        for other in session.account.sessions:
            if other.flags & (S_HIBERNATED | S_ENDED) == S_HIBERNATED:
                n += 1
                if oldest is None or other.lost < oldest.lost:
                    oldest = other
        tell_of_held(session, self.reader)
        return oldest.stop(None, None) if n > self.most_hibernated else 0

    cdef int reenter(self, Session session, list held) except -1:
        return reenter_each(self, self.reader, session, held)

    # Presence for the control plane.

    def show(self, str bare not None, str watcher not None):
        cdef Account account = self.account_of(bare)
        cdef Session session
        cdef bytes to = watcher.encode()
        if account is not None and is_elsewhere(self, str_of(to)):
            show_far(self, account, str_of(to))
        elif account is not None:
            for session in self._watchers(watcher):
                show(account, session)

    def hide(self, str bare not None, str watcher not None):
        cdef Account account = self.account_of(bare)
        cdef Session session
        cdef bytes to = watcher.encode()
        if account is not None and is_elsewhere(self, str_of(to)):
            hide_far(self, account, str_of(to))
        elif account is not None:
            for session in self._watchers(watcher):
                hide(account, session)

    def directed(self, str full not None, str to not None):
        cdef Session session = self.find(full)
        return session is not None and session.directed is not None and to.encode() in session.directed

    def _watchers(self, str jid):
        found = self.find(jid) if "/" in jid else None
        if found is not None or "/" in jid:
            return [found] if found is not None else []
        return [session for session in self.sessions(jid) if session.flags & S_AVAILABLE]

    # Stanzas of our own making.

    def deliver(self, Session session not None, bytes raw not None):
        if session.flags & S_INACTIVE and not opens_for(session, self.reader, raw):
            return
        session.put(raw, len(raw))

    def lend(self, Session session not None, bytes raw not None, uint64_t number=0):
        session.put_numbered(raw, len(raw), number)

    def answer(self, Session session not None, bytes raw not None):
        self.deliver(session, raw)
        if session.account.carbons:
            copy_error(self, self.reader, session, raw)

    def route(self, bytes raw not None, str from_=None):
        self.reactor.touch()
        self.route_own(raw, None if from_ is None else from_.encode())

    cdef int own(self, bytes stanza) except -1:
        return self.route_own(stanza, None)

    cdef int route_own(self, bytes stanza, bytes sender) except -1:
        cdef Parcel parcel
        cdef Tokenizer tok = self.reader.take(stanza)
        cdef object visitor = self.visitor
        self.visitor = None
        try:
            fill(&parcel, tok.view, tok.view.from_ if sender is None else str_of(sender), None)
            if tok.view.kind == KIND_OTHER or parcel.head.to.p == NULL or parcel.head.from_.p == NULL:
                raise ValueError("not a stanza with both addresses")
            if not valid(&parcel):
                raise ValueError("a malformed stanza")
            if not splice_allowed(tok.view):
                raise ValueError("a stanza of our own must be self-contained")
            jid_split(parcel.head.to, &parcel.to)
            self.dispatch(None, tok, &parcel)
        finally:
            self.visitor = visitor
            self.reader.give(tok)
        return 0

    # Intake.

    cdef int element(self, Session session, Tokenizer tok) except -1:
        if tok.view.kind != KIND_OTHER:
            self.reactor.received += 1
            if session.management is not None:
                session.management.count()
        elif tok.view.ns == NS_SM:      # never waits: it says what has come, whether that waits or not
            if session.flags & S_MANAGED or not equal(tok.view.name, str_of(b"enable")):
                return manage_element(session, tok)
            return self.take(session, tok)
        if session.order is not None and self.held_back(session, tok):
            return 0
        return self.take(session, tok)

    cdef bint held_back(self, Session session, Tokenizer tok) except -1:
        """protocol.md 2: it waits behind an unfinished request, or behind what waits for one."""
        cdef Str to = session.bare_str()
        cdef JidParts parts
        cdef bytes key
        cdef bint barrier
        if tok.view.to.p != NULL and self.reactor.jids.prepare(tok.view.to, &to) < 0:
            return False
        jid_split(to, &parts)
        key = str_bytes(parts.bare)
        # What is for the server or the account may change how later stanzas are treated.
        barrier = tok.view.kind != KIND_MESSAGE and (
            tok.view.to.p == NULL or parts.node.p == NULL or equal(parts.bare, session.bare_str()))
        if not session.order.must_hold(key, barrier):
            return False
        session.order.hold(tok.view.base[:tok.view.size], key, barrier,
                           0 if tok.view.kind == KIND_OTHER else session.hold())
        return True

    cdef int replay(self, Session session, Held held) except -1:
        cdef Order order = session.order
        if order.tok is None:
            order.tok = open_tokenizer(self.reactor.work, session.tok.outer_bindings())
        stand_on(order.tok, held.raw)
        if session.management is not None:
            session.management.current = held.ticket
        try:
            self.take(session, order.tok)
        finally:
            session.settle(held.ticket)
        order.tok.next()
        return 0

    cdef int take(self, Session session, Tokenizer tok) except -1:
        cdef const StanzaView* view = tok.view
        cdef Parcel parcel
        cdef Session peer = None
        fill(&parcel, view, str_of(session.full), session.lang_utf8)
        if view.kind == KIND_OTHER:
            if view.ns == NS_CSI and (named(view.name, "active", 6) or named(view.name, "inactive", 8)):
                return indicate(session, view.name.n == 6)
            return self.hand_over(session, tok, &parcel, P_NONZA)
        if view.from_.p != NULL and not self.is_own(session, view.from_):
            return session.stop("invalid-from", "'from' is not this session's address")     # RFC 6120 8.1.2.1
        if view.to.p == NULL:
            return self.without_to(session, tok, &parcel)
        if session.peer_generation == self.generation and equal(view.to, str_of((<Session>session.peer).full)):
            peer = <Session>session.peer
        elif self.reactor.jids.prepare(view.to, &parcel.head.to) < 0:
            parcel.head.to = view.to
            return self.bounce(session, &parcel, JID_MALFORMED, self.domain_of(session))
        if not valid(&parcel):
            return self.bounce(session, &parcel, BAD_REQUEST, parcel.head.to)
        if peer is not None and not peer.flags & S_ENDED and self.admitted(tok):
            if view.kind == KIND_MESSAGE:
                return deliver_to(self, session, peer, &parcel)
            if view.kind == KIND_IQ and (is_answer(&parcel) or shares(session, peer)):
                return peer.splice(&parcel, not is_answer(&parcel))
        if blocks(session.account, parcel.head.to):
            return self.bounce(session, &parcel, BLOCKED, parcel.head.to)
        jid_split(parcel.head.to, &parcel.to)
        return self.dispatch(session, tok, &parcel)

    cdef int without_to(self, Session session, Tokenizer tok, Parcel* parcel) except -1:
        """RFC 6120 10.3: the account itself is meant; presence goes to all who may see it."""
        if parcel.head.kind == KIND_PRESENCE and parcel.type == PRES_ERROR:
            return 0
        if not valid(parcel) or (parcel.head.kind == KIND_PRESENCE and parcel.type > PRES_UNAVAILABLE):
            return self.bounce(session, parcel, BAD_REQUEST, session.bare_str())
        if parcel.head.kind == KIND_IQ:
            return self.hand_over(session, tok, parcel, P_SERVER)
        if parcel.head.kind == KIND_MESSAGE:
            parcel.head.to = session.bare_str()
            jid_split(parcel.head.to, &parcel.to)
            return self.dispatch(session, tok, parcel)
        if not self.admitted(tok):
            return self.clean(session, tok, parcel)
        return broadcast(self, session, tok, parcel)

    cdef int dispatch(self, Session session, Tokenizer tok, Parcel* parcel) except -1:
        cdef Account account = None
        cdef Route route
        cdef bint remote, away = False      # to another server, to another worker
        cdef int kind = parcel.head.kind
        cdef bint subscribing = kind == KIND_PRESENCE and parcel.type >= PRES_SUBSCRIBE
        if parcel.to.node.p != NULL:
            account = self.accounts.find(parcel.to.bare)
            # Subscriptions change the sender's side in any case: the control plane knows whom they don't reach.
            if account is not None and not subscribing and blocks(account, parcel.head.from_):
                return self.turn_away(session, tok, parcel)
        remote = account is None and not self.is_host(parcel.to.domain)
        if account is None and self.neighbours is not None and not remote and parcel.to.node.p != NULL:
            remote = away = self.neighbours.away(parcel.to.bare)
        if not remote and (parcel.to.node.p == NULL or (kind == KIND_IQ and parcel.to.resource.p == NULL)):
            if kind == KIND_MESSAGE and self.admitted(tok):
                copy_sent(self, session, parcel)
            return self.hand_over(session, tok, parcel, P_SERVER)
        if not self.admitted(tok):
            return self.clean(session, tok, parcel)
        if kind == KIND_PRESENCE and (not remote or (session is not None and subscribing)):
            return self.deliver_presence(session, account, parcel)
        if remote:
            if kind == KIND_PRESENCE and parcel.type <= PRES_UNAVAILABLE:
                direct(self, session, None, parcel)
            if away:
                return self.neighbours.carry(session, parcel)
            # What is of our own making has nobody who relies on it.
            if (session is not None or self.arriving is not None) and not self.keep(session, None, parcel):
                return self.bounce(session, parcel, RESOURCE_CONSTRAINT, parcel.head.to)
            if kind == KIND_MESSAGE:
                copy_sent(self, session, parcel)
            route = self.routes.find(parcel)
            return self.punt(session, parcel, P_REMOTE) if route is None else route.carry(session, parcel)
        if kind == KIND_MESSAGE:
            return deliver_message(self, session, account, parcel)
        return deliver_iq(self, session, account, parcel)

    cdef int turn_away(self, Session session, Tokenizer tok, const Parcel* parcel) except -1:
        """From a blocked JID (XEP-0191 3.3): as if the account were not here."""
        if parcel.head.kind == KIND_PRESENCE:
            return 0
        if parcel.head.kind == KIND_MESSAGE and session is not None:
            if not self.admitted(tok):
                return self.clean(session, tok, parcel)
            copy_sent(self, session, parcel)
        return self.bounce(session, parcel, SERVICE_UNAVAILABLE, parcel.head.to)

    cdef int deliver_presence(self, Session session, Account account, Parcel* parcel) except -1:
        cdef JidParts sender
        if parcel.type == PRES_PROBE:
            return self.punt(session, parcel, P_PROBE)
        if parcel.type == PRES_ERROR:
            return pass_error(self, session, account, parcel)
        if parcel.type >= PRES_SUBSCRIBE:
            jid_split(parcel.head.from_, &sender)
            parcel.head.from_ = sender.bare             # RFC 6121 3.1.2: subscriptions are between bare JIDs
            parcel.head.to = parcel.to.bare
            return self.punt(session, parcel, P_SUBSCRIPTION)
        direct(self, session, account, parcel)
        if session is None and self.is_watched(parcel):
            return self.punt(None, parcel, P_WATCHED)
        return 0

    cdef bint admitted(self, Tokenizer tok) noexcept:
        """The splice rule (protocol.md 1). Only sessions read in the reactor's own workspace: what others read has been
        judged, or is of our own making."""
        return splice_allowed(tok.view) and (not tok.view.known & CLIENT_JUDGED or tok.work is not self.reactor.work)

    cdef int clean(self, Session session, Tokenizer tok, const Parcel* parcel) except -1:
        """The slow road: as a tree, cleaned, written anew, and in again."""
        cdef Tokenizer again
        cdef bytes cleaned      # alive until give(): the tokenizer reads it where it is
        try:
            cleaned = slow.clean(stanza_copy(tok, None, None), FROM_CLIENT, self.hosts)
            again = self.reader.take(cleaned)
        except Exception as error:
            self.reactor.report("a stanza could not be cleaned", error)
            return self.bounce(session, parcel, BAD_REQUEST, parcel.head.to)
        try:
            if not self.admitted(again):
                raise RuntimeError("the cleaned stanza may still not be copied")
            self.take(session, again)
        finally:
            self.reader.give(again)
        return 0

    cdef int arrive(self, Tokenizer tok, Str sender, Str to, bytes lang, Order order, bint fits) except -1:
        cdef Parcel parcel
        cdef Tokenizer again
        cdef bytes cleaned
        fill(&parcel, tok.view, sender, lang)
        parcel.head.to = to
        jid_split(to, &parcel.to)
        if not valid(&parcel):
            return self.bounce(None, &parcel, BAD_REQUEST, to)
        self.arriving = order
        try:
            if fits:
                return self.dispatch(None, tok, &parcel)
            cleaned = slow.clean(stanza_copy(tok, str_bytes(sender).decode(), str_bytes(to).decode()),
                                 FROM_PEER, self.hosts)
            again = self.reader.take(cleaned)
            try:
                parcel.view = again.view
                if again.view.lang.p != NULL:
                    parcel.head.lang = again.view.lang
                return self.dispatch(None, again, &parcel)
            finally:
                self.reader.give(again)
        finally:
            self.arriving = None

    # Answers.

    cdef bint is_own(self, Session session, Str sender) noexcept:
        cdef Str prepared
        if equal(sender, str_of(session.full)) or equal(sender, session.bare_str()):
            return True
        if self.reactor.jids.prepare(sender, &prepared) < 0:
            return False
        return equal(prepared, str_of(session.full)) or equal(prepared, session.bare_str())

    cdef Str domain_of(self, Session session) noexcept:
        cdef JidParts parts
        jid_split(session.bare_str(), &parts)
        return parts.domain

    cdef int bounce(self, Session session, const Parcel* parcel, int condition, Str from_) except -1:
        cdef Buf buf
        cdef Session target = session
        if is_answer(parcel):
            return 0
        if target is None:
            target = self.find(str_bytes(parcel.head.from_).decode())
        # What our hosts and accounts ask themselves comes from the control plane: there its error goes, and ends.
        if target is None and parcel.head.kind != KIND_IQ and not is_elsewhere(self, parcel.head.from_):
            return 0
        buf.p, buf.n, buf.cap = NULL, 0, 0
        try:
            write_error(&buf, parcel, from_, condition)
            if target is None:
                return self.own(buf.p[:buf.n])
            target.put(buf.p, buf.n)
            if parcel.head.kind == KIND_MESSAGE and target.account.carbons:
                copy_error(self, self.reader, target, buf.p[:buf.n])
            return 0
        finally:
            buf_free(&buf)

    # The control plane.

    cdef int hand_over(self, Session session, Tokenizer tok, const Parcel* parcel, int reason) except -1:
        """As received: what is for the server need not be fit to go on."""
        cdef bytes key = str_bytes(parcel.to.bare) if parcel.to.bare.p != NULL else str_bytes(session.bare_str())
        cdef str to = None if parcel.head.to.p == NULL else str_bytes(parcel.head.to).decode()
        return self.ask(session, stanza_copy(tok, str_bytes(parcel.head.from_).decode(), to), reason, key, None, 0)

    cdef bint keep(self, Session session, Account account, Parcel* parcel) except -1:
        cdef int kept
        if self.archive is None:
            return True
        kept = keeping(parcel)
        return kept == KEEP_NOT or self.filing.file(self.archive, session, self.visitor, account, parcel, kept)

    cdef int punt(self, Session session, const Parcel* parcel, int reason) except -1:
        cdef bytes key = str_bytes(parcel.to.bare)
        cdef Account account = self.accounts.find(parcel.to.bare) if reason == P_ABSENT else None
        if account is not None and not account.catching_up:
            account = None
        return self.ask(session, parse_stanza(packed(parcel)), reason, key, account, parcel.number)

    cdef int ask(self, Session session, Stanza stanza, int reason, bytes key, Account account,
                 uint64_t number) except -1:
        try:
            self.wait_for(session, self.control.punt(session, stanza, reason, number), key, account)
        except Exception as error:
            self.reactor.report("Control.punt failed", error)
        return 0

    cdef int came(self, Session session) except -1:
        try:
            self.catch_up(session, self.control.available(session))
        except Exception as error:
            self.reactor.report("Control.available failed", error)
        return 0

    cdef int rose(self, Session session) except -1:
        try:
            self.catch_up(session, self.control.rose(session))
        except Exception as error:
            self.reactor.report("Control.rose failed", error)
        return 0

    cdef int missed(self, Session session, const Parcel* parcel) except -1:
        try:
            self.control.missed(session, parse_stanza(packed(parcel)))
        except Exception as error:
            self.reactor.report("Control.missed failed", error)
        return 0

    cdef int catch_up(self, Session session, object outcome) except -1:
        """Until what waited for the account's first taker is handed over, nothing may overtake it. One that comes
        meanwhile waits for that, and looks what is left."""
        cdef Account account = session.account
        if takes_messages(account, session) and not account.catching_up:
            account = None
        return self.wait_for(session, outcome, str_bytes(session.bare_str()), account)

    cdef int wait_for(self, Session session, object outcome, bytes key, Account account) except -1:
        cdef Order order = None
        if outcome is None:
            return 0
        if isinstance(outcome, HoldAll):
            # On a server's stream are many users: one's request holds back only what goes to the same account.
            outcome, key = outcome.awaitable, key if session is None else None
        if session is not None and not session.left:
            if session.order is None:
                session.order = Order(self.reactor, session)
            order = session.order
        elif session is None:
            order = self.arriving
        return take_ticket(outcome, self.reactor, order, key, account, self.pending)
