"""Streams with other servers."""
from libc.stdint cimport uint32_t
from libc.string cimport memcmp, memcpy
from headrace.core.buf cimport str_bytes, str_of
from headrace.core.jid cimport JidParts, jid_split
from headrace.core.stanza cimport stanza_copy
from headrace.core.names cimport NS_NONE, NS_SM, K_DELAY, K_STANZA_ID, bit
from headrace.core.tokenizer cimport (
    EV_CLOSE, EV_ELEMENT, EV_MORE, EV_OPEN, KIND_OTHER, MAX_CHILDREN, MODE_STREAM, T_ATTR, T_START,
    Child, StanzaView
)
from headrace.core.writer cimport splice_allowed, splice_bound, splice_size, splice_write
from headrace.router.errors cimport JID_MALFORMED, POLICY_VIOLATION, REMOTE_NOT_FOUND, RESOURCE_CONSTRAINT
from headrace.router.judged cimport PEER_JUDGED
from headrace.router.order cimport Held
from headrace.router.outbox cimport SHARED, SOLE
from headrace.router.parcel cimport equal, fill, is_last_word
from headrace.router.reader cimport open_tokenizer, stand_on
from headrace.router.resumption cimport read_count
from headrace.stream.parser cimport header_of

from functools import partial
from weakref import WeakValueDictionary

from headrace.stream.header import Header, default_language

cdef enum:
    STALL_BYTES = 4 << 20           # unsent, and nothing taken for STALL_NS: the peer has stopped reading
    STALL_NS = 30000000000
    MOST_BYTES = 16 << 20           # unsent or unacknowledged, whatever the peer's pace: what comes then is refused
    PEER_BYTES = 131072             # of a stanza, for a peer that has announced no bound (protocol.md 8)
    TIMES = 16                      # a stanza so many times over the bound ends the stream
    MOST_OVERSIZE = 10              # in a minute, likewise
    MINUTE = 60000000000
    MANY = 256                      # unacknowledged stanzas after which we ask, though more are to be written


cdef bytes pair_key(Str a, Str b):
    return a.p[:a.n] + b"\0" + b.p[:b.n]


cdef inline bint is_pair(bytes pair, Str a, Str b) noexcept:
    cdef const char* p
    if pair is None or <size_t>len(pair) != a.n + 1 + b.n:
        return False
    p = pair
    return not memcmp(p, a.p, a.n) and p[a.n] == 0 and not memcmp(p + a.n + 1, b.p, b.n)


cdef inline Str domain_of(Str jid) noexcept:
    cdef JidParts parts
    jid_split(jid, &parts)
    return parts.domain


cdef class Route(Sink):
    cdef int carry(self, Session session, const Parcel* parcel) except -1:
        raise NotImplementedError


cdef class Routes:
    def __init__(self):
        self.pairs = {}
        self.domains = {}
        self.paces = WeakValueDictionary()
        self.work = Workspace()

    cdef Route find(self, const Parcel* parcel):
        cdef Str theirs = parcel.to.domain
        cdef Route route = None
        if self.domains:
            route = self.domains.get(theirs.p[:theirs.n])
        if route is None and self.pairs:
            route = self.pairs.get(pair_key(domain_of(parcel.head.from_), theirs))
        return route


cdef class Peer(Route):
    def __init__(self, Exchange router not None, Routes routes not None, Link link not None, config not None,
                 tls=None):
        after = config.after
        self.router = router
        self.routes = routes
        self.link = link
        self.tls = tls
        self.after = after._replace(stanza=after.stanza * TIMES, elements=after.elements * TIMES)
        self.most_in = after.stanza
        self.most_elements = after.elements
        self.most_out = PEER_BYTES
        self.idle_ns = int(config.idle_seconds * 1e9)
        self.keep_alive_ns = int(config.keep_alive_seconds * 1e9)
        self.tok = Tokenizer(routes.work, MODE_STREAM, config.before)
        self.outbox = Outbox(router.reactor)
        self.order = Order(router.reactor, self)
        self.pairs = set()
        self.rates = (config.bytes_per_second, config.stanzas_per_second)
        self.paces = {}
        self.carried = []
        self.heard = self.stirred = router.reactor.now
        router.reactor.deadline(self, int(config.negotiation.seconds * 1e9))

    # What the negotiator asks for.

    def start(self, negotiator not None):
        self.negotiator = negotiator

    @property
    def address(self):
        return "" if self.link is None else self.link.peer[0]

    @property
    def channel(self):
        if self.link is None or self.link.tls is None or not self.link.tls.established:
            return None
        return self.link.tls

    @property
    def unsent(self):
        return self.outbox.unsent_bytes

    def send(self, bytes data not None):
        if self.link is not None:
            self.link.write(data, len(data))

    def restart(self, bint proven=False):
        self.renewing = proven
        if self.tok is not None and not proven:
            self.tok.reset(False)

    def start_tls(self, context=None, str host=None):
        if self.link is not None:
            self.tok.reset(True)
            self.link.start_tls(self.tls if context is None else context, host)

    def settle(self):
        if self.ended or self.settled:
            return
        self.settled = True
        self.tok.use_limits(self.after)
        if self.link.listener is not None:
            self.link.listener.authenticated(self.link)
        self.router.reactor.deadline(self, min(self.idle_ns, self.keep_alive_ns))

    def admit(self, str theirs not None, str ours not None):
        self.pairs.add(theirs.encode() + b"\0" + ours.encode())
        self.keep_pace(theirs.encode())

    def admit_all(self, str theirs not None):
        self.pairs.add(theirs.encode() + b"\0")
        self.keep_pace(theirs.encode())

    cdef int keep_pace(self, bytes theirs) except -1:
        cdef Pace pace
        if theirs in self.paces or not any(self.rates):
            return 0
        pace = self.routes.paces.get(theirs)
        if pace is None:
            pace = self.routes.paces[theirs] = Pace(self.router.reactor, *self.rates)
        self.paces[theirs] = pace
        if self.pace is None:
            self.pace = pace
        return 0

    def takes(self, str domain not None):
        cdef bytes key = domain.encode()
        if not self.ended:
            self.routes.domains[key] = self
            self.domain = key

    def carries(self, str ours not None, str theirs not None):
        cdef bytes key = ours.encode() + b"\0" + theirs.encode()
        if not self.ended:
            self.routes.pairs[key] = self
            self.carried.append(key)

    def manage(self):
        self.outbox.manage()
        self.received = 0

    def put(self, bytes stanza not None, uint64_t number=0):
        cdef size_t n = len(stanza)
        if self.ended or n > self.most_out:
            return False
        memcpy(self.outbox.reserve(n), <char*>stanza, n)
        self.added(n, number)
        return True

    def stop(self, bytes last not None):
        if self.ended:
            return
        self.last = last
        self.leave()

    def abort(self):
        self.leave()
        self.told = True
        if self.link is not None:
            self.link.abort()

    # Bytes in.

    cdef int on_bytes(self, const char* data, size_t n) except -1:
        if self.ended:
            return 0
        self.heard = self.router.reactor.now
        self.tok.feed(data, n)
        return self.pull()

    cdef int on_secure(self) except -1:
        self.negotiator.secured()
        return 0

    cdef int pull(self) except -1:
        cdef int ev
        while not self.ended:
            if self.renewing and not self.renew():
                return self.tok.keep()
            ev = self.tok.next()
            if ev == EV_MORE:
                return 0
            self.event(ev)
            if self.must_wait():
                self.stalled = True
                self.tok.keep()
                if self.link is not None:
                    self.link.pause()
                return 0
        return 0

    cdef bint renew(self) noexcept:
        """A new stream begins, unless what comes is one more stanza of the old one. False: it can't be told yet."""
        cdef Str rest
        if self.tok.begun():
            return True
        rest = self.tok.skip_space()
        if not rest.n or (rest.n > 1 and rest.p[1] in b"mpi"):
            return True
        if rest.n > 1:
            self.renewing = False
            self.tok.reset(False)
        return rest.n > 1

    cdef bint must_wait(self) except -1:
        """Is nothing more to be read now? act() looks again."""
        if self.pace is not None and self.pace.behind:
            self.pace.hold(self)
            return True
        return self.order.full()

    cdef int event(self, int ev) except -1:
        cdef size_t size
        if ev == EV_ELEMENT:
            size = self.tok.view.size
            self.element()
            return 0 if self.pace is None else self.pace.took(size)
        if ev == EV_OPEN:
            opened = header_of(self.tok, Header, {})
            lang = default_language(opened.lang)
            self.lang_utf8 = None if lang is None else lang.encode()
            self.negotiator.opened(opened)
        elif ev == EV_CLOSE:
            self.negotiator.closed()
            return self.leave()
        else:
            condition, text, _ = self.tok.error
            return self.fail(condition, text)
        return 0

    cdef int element(self) except -1:
        cdef const StanzaView* view = self.tok.view
        if view.kind == KIND_OTHER and view.ns == NS_SM and self.outbox.managed:
            return self.count()
        if view.kind == KIND_OTHER:
            self.negotiator.element(stanza_copy(self.tok, None, None))
            return 0
        self.router.reactor.received += 1
        self.received += 1
        self.stirred = self.router.reactor.now
        if not self.pairs:
            return self.fail("not-authorized", "no domain has been proven")
        return self.take(self.tok)

    cdef int take(self, Tokenizer tok) except -1:
        cdef const StanzaView* view = tok.view
        cdef bytes sender_copy = None, to_copy = None, key
        cdef Str sender, to
        cdef JidParts parts
        cdef bint malformed
        if view.from_.p == NULL or view.to.p == NULL:
            return self.fail("improper-addressing", "a stanza between servers has 'from' and 'to'")
        if self.router.reactor.jids.prepare(view.from_, &sender) < 0:
            return self.fail("invalid-from", "'from' is not an address")
        if sender.p != view.from_.p:    # the cache keeps it until it prepares another
            sender_copy = str_bytes(sender)
            sender = str_of(sender_copy)
        malformed = self.router.reactor.jids.prepare(view.to, &to) < 0
        if malformed:
            to = view.to
        elif to.p != view.to.p:
            to_copy = str_bytes(to)
            to = str_of(to_copy)
        if malformed or not self.may_send(sender, to):
            return self.not_here(tok, sender, malformed)
        if view.size > self.most_in or view.elements > self.most_elements:
            return self.too_large(tok, sender, to)
        if tok is self.tok and not self.order.idle():
            jid_split(to, &parts)
            key = str_bytes(parts.bare)
            if self.order.must_hold(key, False):
                return self.order.hold(view.base[:view.size], key, False, 0)
        return self.router.arrive(tok, sender, to, self.lang_utf8, self.order, fits_peer(tok, sender, self.router))

    # Stream management (XEP-0198). What is acknowledged is handled: nothing before it waits for anybody, and what had
    # to be kept is.

    cdef int count(self) except -1:
        cdef Str name = self.tok.view.name, h = self.tok.attr(b"h")
        cdef uint32_t n
        if name.n == 1 and name.p[0] == c"r":
            self.asked = True
        elif name.n == 1 and name.p[0] == c"a":
            if not read_count(h, &n) or not self.outbox.acknowledge(n):
                return self.fail("undefined-condition", "more is acknowledged than was sent")
            self.asking = False
        else:
            return self.fail("unsupported-stanza-type", "stream management is on")
        return self.router.reactor.later(self)

    cdef int answer(self) except -1:
        self.asked = False
        future = self.router.flushed()
        if future is None:
            return self.say_handled(self.received)
        future.add_done_callback(partial(self._kept, self.received))
        return 0

    def _kept(self, uint64_t n, future):
        if self.router is None:
            return
        self.router.reactor.touch()
        if future.cancelled() or future.exception() is not None:
            self.asked = True       # what is not kept is not acknowledged: with what comes next, perhaps
        else:
            self.say_handled(n)

    cdef int say_handled(self, uint64_t n) except -1:
        cdef bytes answer = f"<a xmlns='urn:xmpp:sm:3' h='{n & 0xFFFFFFFF}'/>".encode()
        if self.ended:
            return 0
        return self.link.write(answer, len(answer))

    cdef int fail(self, str condition, str text) except -1:
        self.negotiator.failed(condition, text)
        return self.leave()

    cdef bint may_send(self, Str sender, Str to) except -1:
        """Has this pair of domains been proven? Most often it is the one that came last."""
        cdef Str theirs = domain_of(sender), ours = domain_of(to)
        cdef bytes key
        if is_pair(self.pair, theirs, ours):
            return True
        key = pair_key(theirs, ours)
        if key not in self.pairs and key[:theirs.n + 1] not in self.pairs:
            return False
        self.pair = key
        self.pace = self.paces.get(key[:theirs.n])
        return True

    cdef int not_here(self, Tokenizer tok, Str sender, bint malformed) except -1:
        """A false sender, or a domain that is not meant, is its server's fault. Where others share the stream, only the
        sender is told; so is a user whose `to` is no address."""
        cdef bytes theirs = str_bytes(domain_of(sender)) + b"\0", pair
        cdef list ours = [pair[len(theirs):] for pair in self.pairs if pair.startswith(theirs)]
        if not ours:
            return self.fail("invalid-from", "that domain has not been proven on this stream")
        if malformed:       # a component has no domain of ours to be answered by
            return self.refuse(tok, sender, str_of(ours[0] or theirs[:len(theirs) - 1]), JID_MALFORMED)
        if len(self.pairs) == 1:
            return self.fail("host-unknown", "that domain has not been asked for on this stream")
        return self.refuse(tok, sender, str_of(ours[0]), REMOTE_NOT_FOUND)

    cdef int too_large(self, Tokenizer tok, Str sender, Str to) except -1:
        cdef int64_t now = self.router.reactor.now
        if now - self.oversize_since > <int64_t>MINUTE:
            self.oversize_since = now
            self.oversize = 0
        self.oversize += 1
        if self.oversize > MOST_OVERSIZE:
            return self.fail("policy-violation", "too many stanzas are too large")
        return self.refuse(tok, sender, to, POLICY_VIOLATION)

    cdef int refuse(self, Tokenizer tok, Str sender, Str from_, int condition) except -1:
        cdef Parcel parcel
        fill(&parcel, tok.view, sender, None)
        parcel.head.to = from_
        return self.router.bounce(None, &parcel, condition, from_)

    # Bytes out.

    cdef int carry(self, Session session, const Parcel* parcel) except -1:
        cdef size_t n, most
        cdef char* dst
        if self.outbox.unsent_bytes + self.outbox.unacknowledged_bytes > MOST_BYTES:
            return self.turn_back(session, parcel, RESOURCE_CONSTRAINT)
        most = splice_bound(&parcel.head, parcel.view, 0)
        if most > self.most_out and splice_size(&parcel.head, parcel.view, 0) > self.most_out:
            return self.turn_back(session, parcel, POLICY_VIOLATION)
        dst = self.outbox.reserve(most)
        n = splice_write(dst, &parcel.head, parcel.view, NULL, 0) - dst
        return self.added(n, parcel.number)

    cdef int turn_back(self, Session session, const Parcel* parcel, int condition) except -1:
        if is_last_word(parcel):
            return 0
        self.router.bounce(session, parcel, condition, parcel.head.to)
        return self.router.archive.done(parcel.number) if parcel.number else 0

    cdef int added(self, size_t n, uint64_t number) except -1:
        cdef uint64_t before = self.outbox.unsent_bytes
        if number:
            self.outbox.spool = self.router.archive
        self.outbox.commit(n, SOLE, number)
        self.router.reactor.sent += 1
        self.stirred = self.router.reactor.now
        if before == 0:
            self.link.dirty()
        elif before <= STALL_BYTES < self.outbox.unsent_bytes:
            self.router.reactor.deadline(self, STALL_NS)
        return 0

    cdef size_t pending(self, const char** p) noexcept:
        return self.outbox.pending(p)

    cdef void sent(self, size_t n) noexcept:
        self.outbox.written(n)
        if self.outbox.managed and not self.asking and (
                self.outbox.unsent == 0 or self.outbox.unacknowledged >= MANY):
            self.router.reactor.later(self)

    cdef size_t to_border(self) noexcept:
        return self.outbox.to_border()

    cdef int expire(self) except -1:
        cdef int64_t now = self.router.reactor.now
        cdef int64_t silent = now - self.heard, still = now - self.outbox.progress
        cdef int64_t wait = STALL_NS
        if self.ended:
            return 0
        if not self.settled:
            self.negotiator.expired()
            return self.leave()
        if self.outbox.unsent_bytes > STALL_BYTES and still >= <int64_t>STALL_NS:
            return self.fail("resource-constraint", "nothing has been read for 30 seconds")
        if now - self.stirred >= self.idle_ns:
            self.negotiator.closed()
            return self.leave()
        if self.outbox.unsent_bytes == 0:
            if min(silent, still) >= self.keep_alive_ns:
                self.link.write(b" ", 1)
                self.outbox.progress = now
                still = 0
            wait = self.keep_alive_ns - min(silent, still)
        return self.router.reactor.deadline(self, min(wait, self.idle_ns - (now - self.stirred)))

    # The end.

    cdef int leave(self) except -1:
        if self.ended:
            return 0
        self.ended = True
        for key in self.carried:
            if self.routes.pairs.get(key) is self:
                del self.routes.pairs[key]
        if self.domain is not None:
            del self.routes.domains[self.domain]
        for pace in self.paces.values():
            (<Pace>pace).leave(self)
        return self.router.reactor.later(self)

    cdef int act(self) except -1:
        cdef Held held
        if self.router is None:     # its link went in the turn in which it was to end
            return 0
        while True:
            held = self.order.next()
            if held is None:
                break
            self.replay(held)
        if self.stalled and not self.ended and not self.must_wait():
            self.stalled = False
            self.pull()
            if not self.stalled and self.link is not None:
                self.link.resume()
        if self.ended:
            return self.farewell()
        if self.asked and self.order.idle():
            self.answer()
        if self.outbox.unacknowledged and not self.asking:
            self.asking = True
            self.link.write(b"<r xmlns='urn:xmpp:sm:3'/>", 26)
        return 0

    cdef int replay(self, Held held) except -1:
        if self.order.tok is None:
            self.order.tok = open_tokenizer(self.routes.work, self.tok.outer_bindings())
        stand_on(self.order.tok, held.raw)
        self.take(self.order.tok)
        self.order.tok.next()
        return 0

    cdef int farewell(self) except -1:
        if not self.told and self.link is not None:
            self.told = True
            if self.last is not None:
                memcpy(self.outbox.reserve(len(self.last)), <char*>self.last, len(self.last))
                self.outbox.commit(len(self.last), SHARED, 0)
            self.link.finish()
        if self.link is None and not self.order.waiting:
            return self.close()
        return 0

    cdef int on_gone(self, bint clean) except -1:
        cdef str error = self.link.error
        self.link = None
        self.leave()
        left = [(stanza, number) for stanza, number, *_ in self.outbox.orphans()]
        self.negotiator.gone(error, left[self.outbox.unacknowledged:], left[:self.outbox.unacknowledged])
        return self.act()

    cdef int close(self) except -1:
        if self.router is None:
            return 0
        self.router.reactor.deadline(self, 0)
        self.order.close()
        self.tok.close()
        self.outbox.close()
        self.order = self.tok = self.router = self.negotiator = self.routes = self.paces = self.pace = None
        return 0


# Judged children (protocol.md 1) of what other servers send.

cdef Str attribute_of(Tokenizer tok, const Child* child, bytes name) noexcept:
    """Decoded; valid until the tokenizer decodes another."""
    cdef Str absent
    cdef uint32_t i = 0
    absent.p, absent.n = NULL, 0
    while i < tok.tape_n and not (tok.tape[i].kind == T_START and tok.tape[i].value == child.start):
        i += 1
    for i in range(i + 1, tok.tape_n):
        if tok.tape[i].kind != T_ATTR:
            break
        if tok.tape[i].ns == NS_NONE and tok.tape[i].name_n == <size_t>len(name) and not memcmp(
                tok.view.base + tok.tape[i].name, <char*>name, len(name)):
            return tok.value(&tok.tape[i])
    return absent


cdef bint stamped_by(Tokenizer tok, const Child* child, Str sender) noexcept:
    """A stanza-id stays that names its sender, as a room does (XEP-0359 6)."""
    cdef Str by = attribute_of(tok, child, b"by")
    cdef JidParts parts
    jid_split(sender, &parts)
    return by.p != NULL and (equal(by, parts.bare) or equal(by, parts.domain))


cdef bint delayed_elsewhere(Tokenizer tok, const Child* child, Exchange router) noexcept:
    cdef Str by = attribute_of(tok, child, b"from"), prepared
    if by.p == NULL:
        return True
    return router.reactor.jids.prepare(by, &prepared) == 0 and not router.is_host(domain_of(prepared))


cdef bint fits_peer(Tokenizer tok, Str sender, Exchange router) except -1:
    """May it go on as it is?"""
    cdef const StanzaView* view = tok.view
    cdef uint32_t i
    if not splice_allowed(view):
        return False
    if not view.known & PEER_JUDGED:
        return True
    if view.children > MAX_CHILDREN:    # one that has not been recorded may be among them
        return False
    for i in range(view.children):
        if view.child[i].known == K_STANZA_ID:
            if not stamped_by(tok, &view.child[i], sender):
                return False
        elif view.child[i].known == K_DELAY:
            if not delayed_elsewhere(tok, &view.child[i], router):
                return False
        elif bit(view.child[i].known) & PEER_JUDGED:
            return False
    return True
