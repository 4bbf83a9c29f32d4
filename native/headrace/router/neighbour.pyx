"""Stanzas between workers."""
from libc.stdint cimport uint8_t
from libc.string cimport memcpy
from headrace.core.buf cimport str_bytes, str_of
from headrace.core.jid cimport JidParts, jid_split
from headrace.core.tokenizer cimport KIND_MESSAGE
from headrace.router.account cimport archives
from headrace.router.carbons cimport copy_to_others, others_want
from headrace.router.errors cimport RESOURCE_CONSTRAINT
from headrace.router.keeping cimport KEEP_ARCHIVE, keeping
from headrace.router.management cimport Management
from headrace.router.parcel cimport fill, is_answer, is_last_word, packed
from headrace.router.siphash cimport siphash13

from asyncio import ensure_future, get_running_loop

cdef enum:
    MOST = 10000            # stanzas that one worker has not handled of another's: what comes then is refused
    MOST_BYTES = 16 << 20
    HOME_K0 = 19            # any key will do on which all workers agree
    HOME_K1 = 2
    F_STANZA = 1            # kinds of frames
    F_PLACED
    F_HANDLED

cdef struct Frame:
    # In front of the stanza's bytes.
    uint64_t id
    uint64_t number         # F_STANZA: sm_key; else the number in the archives
    uint32_t h
    uint32_t size           # of the stanza
    uint8_t kind
    uint8_t archives


cdef inline int home(Str bare, int workers) noexcept:
    return <int>(siphash13(HOME_K0, HOME_K1, bare.p, bare.n) % <uint64_t>workers)


def home_of(str bare not None, int workers):
    cdef bytes jid = bare.encode()
    return home(str_of(jid), workers)


cdef bytes framed(Frame* frame, bytes stanza):
    frame.size = <uint32_t>len(stanza)
    return (<char*>frame)[:sizeof(Frame)] + stanza


cdef uint32_t counted(Session session, uint64_t ticket) noexcept:
    """h, once the stanza of this ticket is kept: one before it that is still open it must not cover."""
    cdef Management management = session.management
    cdef uint64_t handled = management.handled()
    return <uint32_t>((ticket if handled == ticket - 1 else handled) - management.forgotten)


cdef class Visitor:
    def hold(self):
        self.holds += 1
        return self.id

    def again(self, uint64_t ticket):
        return self.hold()

    def committing(self, uint64_t ticket):
        return self.h

    def kept(self, uint64_t number):
        self.number = number
        return self.hold(), self.sm_key, self.h

    def settle(self, uint64_t ticket):
        self.holds -= 1
        if self.holds == 0:
            self.neighbour.say(F_HANDLED, self, len(self.neighbour.out))


cdef class Neighbour(Task):
    def __init__(self, Neighbours all not None, int worker):
        self.all = all
        self.worker = worker
        self.out = []
        self.open = {}
        self.waiting = []
        self.held = {}
        self.order = Order(all.router.reactor, self)

    # What goes there.

    cdef int carry(self, Session session, const Parcel* parcel) except -1:
        cdef Frame frame
        cdef Posted posted = Posted.__new__(Posted)
        cdef bytes stanza = packed(parcel)
        frame.kind = F_STANZA
        frame.id = self.last = self.last + 1
        frame.number = frame.h = frame.archives = 0
        posted.size = len(stanza)
        if session is not None:
            posted.session = session
            posted.ticket = session.hold()
            if posted.ticket:
                frame.number = session.sm_key
                frame.h = counted(session, posted.ticket)
            if parcel.head.kind == KIND_MESSAGE:
                posted.archives = keeping(parcel) == KEEP_ARCHIVE and archives(session.account, parcel.head.to)
                frame.archives = posted.archives
                if others_want(session.account, session):
                    posted.account, posted.stanza = session.account, stanza
        self.open[self.last] = posted
        self.bytes += posted.size
        self.out.append(framed(&frame, stanza))
        return self.all.router.reactor.later(self)

    cdef int act(self) except -1:
        cdef Held held
        cdef Visitor visitor
        cdef Tokenizer tok
        while True:
            held = self.order.next()
            if held is None:
                break
            visitor = self.held.pop(held.ticket)
            tok = self.all.reader.take(held.raw)
            try:
                self.visit(visitor, tok)
            finally:
                self.all.reader.give(tok)
        if self.out:
            batch = b"".join(self.out)
            self.out = []
            self.all.post(self.worker, batch)
        return 0

    # What comes from there.

    def receive(self, bytes batch not None):
        cdef Frame frame
        cdef Visitor visitor
        cdef size_t at = 0
        self.all.router.reactor.touch()
        while at < <size_t>len(batch):
            memcpy(&frame, <char*>batch + at, sizeof(Frame))
            at += sizeof(Frame)
            try:
                if frame.kind == F_STANZA:
                    visitor = Visitor.__new__(Visitor)
                    visitor.neighbour, visitor.id, visitor.archives = self, frame.id, frame.archives
                    visitor.sm_key, visitor.h = frame.number, frame.h
                    self.came(visitor, batch[at:at + frame.size])
                elif frame.id in self.open:
                    posted = self.open[frame.id]
                    try:
                        self.placed(posted, frame.number)
                    finally:
                        if frame.kind == F_HANDLED:
                            self.handled(frame.id, posted)
            except Exception as error:
                self.all.router.reactor.report("a stanza of another worker failed", error)
            at += frame.size

    cdef int came(self, Visitor visitor, bytes raw) except -1:
        cdef JidParts parts
        cdef bytes key
        cdef Tokenizer tok = self.all.reader.take(raw)
        try:
            if not self.order.idle():
                jid_split(tok.view.to, &parts)
                key = str_bytes(parts.bare)
                if self.order.must_hold(key, False):
                    self.held[visitor.id] = visitor
                    return self.order.hold(raw, key, False, visitor.id)
            return self.visit(visitor, tok)
        finally:
            self.all.reader.give(tok)

    cdef int visit(self, Visitor visitor, Tokenizer tok) except -1:
        cdef Exchange router = self.all.router
        cdef Py_ssize_t at = len(self.out)
        visitor.holds = 1
        router.visitor = visitor
        try:
            router.arrive(tok, tok.view.from_, tok.view.to, None, self.order, True)
        except Exception as error:
            router.reactor.report("a stanza of another worker failed", error)
        finally:
            router.visitor = None
        if visitor.holds > 1 or at < len(self.out):
            self.say(F_PLACED, visitor, at)
        visitor.settle(visitor.id)
        return 0

    cdef int say(self, int kind, Visitor visitor, Py_ssize_t at) except -1:
        cdef Frame frame
        frame.kind, frame.id, frame.number = kind, visitor.id, visitor.number
        frame.h = frame.archives = 0
        self.out.insert(at, framed(&frame, b""))
        return self.all.router.reactor.later(self)

    # What becomes of what has gone there.

    cdef int placed(self, Posted posted, uint64_t number) except -1:
        """Once; the sender's other sessions get their copies."""
        cdef Parcel parcel
        cdef Tokenizer tok
        cdef Account account = posted.account
        if posted.stanza is None:
            return 0
        tok = self.all.reader.take(posted.stanza)
        try:
            fill(&parcel, tok.view, tok.view.from_, None)
            jid_split(parcel.head.to, &parcel.to)
            if number and posted.archives:
                parcel.sent_piece = self.all.filing.stanza_id(
                    self.all.router.archive, &self.all.filing.sent_piece, number, str_of(account.jid))
            copy_to_others(self.all.router, account, posted.session, &parcel)
        finally:
            posted.stanza = posted.account = None
            self.all.reader.give(tok)
        return 0

    cdef int handled(self, uint64_t id, Posted posted) except -1:
        cdef uint64_t first
        del self.open[id]
        self.bytes -= posted.size
        if posted.session is not None:
            posted.session.settle(posted.ticket)
        first = next(iter(self.open), self.last + 1)
        while self.waiting and self.waiting[0][0] < first:
            future = self.waiting.pop(0)[1]
            if not future.done():
                future.set_result(None)
        return 0

    def settled(self):
        future = get_running_loop().create_future()
        if self.open:
            self.waiting.append((self.last, future))
        else:
            future.set_result(None)
        return future


cdef class Neighbours:
    def __init__(self, Exchange router not None, int here, int workers, post not None):
        self.router = router
        self.here = here
        self.workers = workers
        self.post = post
        self.reader = Reader()
        self.filing = Filing()
        self.others = [None if worker == here else Neighbour(self, worker) for worker in range(workers)]

    cdef bint away(self, Str bare) noexcept:
        return home(bare, self.workers) != self.here

    cdef int carry(self, Session session, const Parcel* parcel) except -1:
        cdef Neighbour there = self.others[home(parcel.to.bare, self.workers)]
        if is_answer(parcel) or (len(there.open) < MOST and there.bytes < MOST_BYTES):
            return there.carry(session, parcel)     # as many as they ask: their own bound
        if is_last_word(parcel):
            return 0
        return self.router.bounce(session, parcel, RESOURCE_CONSTRAINT, parcel.head.to)

    def receive(self, int worker, bytes batch not None):
        (<Neighbour>self.others[worker]).receive(batch)

    def flushed(self, queued):
        return ensure_future(self._flushed(queued), loop=self.router.reactor.loop)

    async def _flushed(self, queued):
        if queued is not None:
            await queued
        await self.settled()

    async def settled(self):
        for there in self.others:
            if there is not None:
                await there.settled()
