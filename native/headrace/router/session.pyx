"""A bound resource."""
from libc.string cimport memcpy
from headrace.core.tokenizer cimport EV_CLOSE, EV_ELEMENT, EV_ERROR, EV_MORE
from headrace.core.writer cimport splice_bound, splice_write
from headrace.router.gate cimport hold_presence, indicate, opens, want_copies
from headrace.router.outbox cimport ALONE, APART, LENT, SHARED, SOLE
from headrace.router.parcel cimport MESSAGE_AT, PRESENCE_AT
from headrace.router.resumption cimport detach, hibernate, resume_on

from asyncio import get_running_loop
from headrace.core.writer import escape
from headrace.stream.errors import stream_error

cdef enum:
    STALL_BYTES = 4 << 20           # unsent, and nothing taken for STALL_NS: the peer has stopped reading
    STALL_NS = 30000000000
    MOST_BYTES = 16 << 20           # unsent or unacknowledged, whatever the peer's pace
    MOST_KEPT = 5000                # stanzas likewise, with stream management: an evening away in busy rooms
    ID_BYTES = 16                   # 128 random bits (protocol.md 11)
    CLOSED = S_ENDED | S_INACTIVE | S_HIBERNATED    # the outbox: not everything enters at once
    HALF_BYTES = STALL_BYTES // 2   # from here on a client's own requests wait unread until it has read its replies


cdef class Exchange:
    cdef int element(self, Session session, Tokenizer tok) except -1:
        raise NotImplementedError

    cdef int replay(self, Session session, Held held) except -1:
        raise NotImplementedError

    cdef int leave(self, Session session) except -1:
        raise NotImplementedError

    cdef int hibernated(self, Session session) except -1:
        raise NotImplementedError

    cdef int reenter(self, Session session, list held) except -1:
        raise NotImplementedError

    cdef int arrive(self, Tokenizer tok, Str sender, Str to, bytes lang, Order order, bint fits) except -1:
        raise NotImplementedError

    cdef int punt(self, Session session, const Parcel* parcel, int reason) except -1:
        raise NotImplementedError

    cdef int bounce(self, Session session, const Parcel* parcel, int condition, Str from_) except -1:
        raise NotImplementedError

    cdef bint keep(self, Session session, Account account, Parcel* parcel) except -1:
        raise NotImplementedError

    cdef bint is_host(self, Str domain) noexcept:
        return False

    cdef bint is_away(self, Str bare) noexcept:
        return False

    cdef object flushed(self):
        raise NotImplementedError

    cdef Session resource_of(self, Account account, Str resource):
        raise NotImplementedError

    cdef int own(self, bytes stanza) except -1:
        raise NotImplementedError

    cdef int came(self, Session session) except -1:
        raise NotImplementedError

    cdef int rose(self, Session session) except -1:
        raise NotImplementedError

    cdef int missed(self, Session session, const Parcel* parcel) except -1:
        raise NotImplementedError


cdef class Session(Sink):
    def __init__(self, Exchange router not None, Account account not None, Link link not None,
                 Tokenizer tok not None, bytes full not None, str lang):
        self.router = router
        self.account = account
        self.link = link
        self.tok = tok
        self.outbox = Outbox(router.reactor)
        self.full = full
        self.bare_n = len(account.jid)
        self.lang = lang
        self.lang_utf8 = None if lang is None else lang.encode()
        self.stalled = True         # the login may have left elements unread
        self.heard = self.since = router.reactor.now
        router.reactor.sessions += 1
        router.reactor.later(self)
        router.reactor.deadline(self, min(router.idle_ns, router.keep_alive_ns))

    @property
    def jid(self):
        return self.full.decode()

    @property
    def bare(self):
        return self.full[:self.bare_n].decode()

    @property
    def resource(self):
        return self.full[self.bare_n + 1:].decode()

    @property
    def silence(self):
        if self.router is None:
            return 0.0
        self.router.reactor.touch()
        return max(0, self.router.reactor.now - self.heard) / 1e9

    def set_flag(self, int flag, bint on=True):
        if flag == S_CARBONS:
            want_copies(self, on)
        elif flag == S_INACTIVE:
            indicate(self, not on)
        elif flag == S_INTERESTED or flag == S_BLOCKLIST:
            self.flags = self.flags | flag if on else self.flags & ~flag
        else:
            raise ValueError("this flag is not set from outside")

    def written(self):
        cdef uint64_t mark = self.outbox.written_bytes + self.outbox.unsent_bytes
        future = get_running_loop().create_future()
        if self.flags & (S_ENDED | S_HIBERNATED) or self.outbox.unsent_bytes == 0:
            future.set_result(not self.flags & S_ENDED)     # an ended one takes nothing any more
            return future
        if self.marks is None:
            self.marks = []
            self.mark = mark
        self.marks.append((mark, future))
        return future

    cdef Str bare_str(self) noexcept:
        cdef Str s
        s.p = <char*>self.full
        s.n = self.bare_n
        return s

    cdef Str resource_str(self) noexcept:
        cdef Str s
        s.p = <char*>self.full + self.bare_n + 1
        s.n = len(self.full) - self.bare_n - 1
        return s

    # Stream management.

    def manage(self, bytes id not None, double seconds):
        if self.flags & (S_ENDED | S_MANAGED):
            raise RuntimeError("stream management is switched on once")
        if len(id) != ID_BYTES:
            raise ValueError(f"an SM-ID has {ID_BYTES} bytes")
        self.management = Management(id, <int64_t>(seconds * 1e9), self, self.outbox, self.router.answers)
        self.sm_key = int.from_bytes(id[:8], "big")
        self.outbox.manage()
        self.flags |= S_MANAGED

    @property
    def h(self):
        return 0 if self.management is None else self.management.h()

    def handled(self):
        future = get_running_loop().create_future()
        if self.management is None or self.management.length == 0:
            future.set_result(None)
            return future
        if self.management.waiting is None:
            self.management.waiting = []
        self.management.waiting.append(future)
        return future

    def attach(self, Link link not None, Tokenizer tok not None, uint32_t h, str lang):
        return resume_on(self, link, tok, h, lang)

    cdef bint resumable(self) noexcept:
        return not self.flags & S_ENDED and self.management is not None and self.management.patience > 0

    cpdef uint64_t hold(self) except? 0:
        return 0 if self.management is None else self.management.hold(self.management.current)

    cpdef uint64_t again(self, uint64_t ticket) except? 0:
        return 0 if self.management is None else self.management.hold(ticket)

    cpdef int settle(self, uint64_t ticket) except -1:
        return 0 if self.management is None else self.management.settle(ticket)

    cpdef uint32_t committing(self, uint64_t ticket) noexcept:
        return 0 if self.management is None else self.management.committing(ticket)

    # Bytes in.

    cdef int on_bytes(self, const char* data, size_t n) except -1:
        if self.flags & S_ENDED:
            return 0
        self.heard = self.router.reactor.now
        self.tok.feed(data, n)
        return self.pull()

    cdef int pull(self) except -1:
        cdef int event
        while self.bequest or not self.flags & S_ENDED:
            event = self.tok.next()
            if event == EV_ELEMENT:
                self.router.element(self, self.tok)
                if self.must_wait():
                    return self.stall()
                continue
            self.bequest = False
            if event == EV_MORE:
                return 0
            if event == EV_CLOSE:
                self.stop(None, None)
            elif event == EV_ERROR:
                self.stop(self.tok.error_condition.decode(), self.tok.error_text.decode())
        return 0

    cdef bint must_wait(self) noexcept:
        if self.order is not None and self.order.full():
            return True
        return self.outbox.unsent_bytes > HALF_BYTES and self.link is not None

    cdef int stall(self) except -1:
        self.stalled = True
        self.tok.keep()
        if self.link is not None:
            self.link.pause()
        if self.outbox.unsent_bytes > HALF_BYTES:
            self.router.reactor.deadline(self, STALL_NS)
        return 0

    # Bytes out.

    cdef int splice(self, const Parcel* parcel, bint sole) except -1:
        cdef char* dst
        cdef char* end
        cdef int whose
        if self.flags & CLOSED and not opens(self, parcel):
            return 0
        dst = self.outbox.reserve(splice_bound(&parcel.head, parcel.view, parcel.piece.n))
        end = splice_write(dst, &parcel.head, parcel.view, parcel.piece.p, parcel.piece.n)
        whose = SOLE if sole else SHARED
        if sole and parcel.offline:
            whose |= ALONE
        if parcel.number and self.apart():
            self.account.note_apart(parcel.number)
            whose |= APART
        return self.added(end - dst, whose, parcel.number)

    cdef bint apart(self) noexcept:
        return not self.flags & S_AVAILABLE or self.priority < 0 or self.account.catching_up

    cdef int put(self, const char* p, size_t n) except -1:
        if self.flags & CLOSED and not opens(self, NULL):
            return 0
        memcpy(self.outbox.reserve(n), p, n)
        return self.added(n, SHARED, 0)

    cdef int put_numbered(self, const char* p, size_t n, uint64_t number) except -1:
        if self.flags & CLOSED and not opens(self, NULL):
            return 0
        memcpy(self.outbox.reserve(n), p, n)
        if not self.flags & S_MANAGED:
            return self.added(n, SHARED, number)
        return self.added(n, SOLE if self.flags & S_HIBERNATED else LENT, number)

    cdef int put_to(
            self, const char* p, size_t n, size_t attrs_at, bytes to_attr, uint64_t number) except -1:
        cdef size_t more = len(to_attr)
        cdef char* dst = self.outbox.reserve(n + more)
        memcpy(dst, p, attrs_at)
        memcpy(dst + attrs_at, <char*>to_attr, more)
        memcpy(dst + attrs_at + more, p + attrs_at, n - attrs_at)
        return self.added(n + more, SHARED, number)

    cdef int put_presence(self, bytes stanza, bytes to_attr, bytes sender) except -1:
        if self.flags & S_INACTIVE and hold_presence(self, stanza, to_attr, sender):
            return 0
        if self.flags & CLOSED and not opens(self, NULL):
            return 0
        return self.put_to(stanza, len(stanza), PRESENCE_AT, to_attr, 0)

    cdef int put_copy(self, const Parcel* parcel, const char* p, size_t n, uint64_t number) except -1:
        if self.flags & CLOSED and not opens(self, parcel):
            return 0
        if self.to_attr is None:
            self.to_attr = f" to='{escape(self.jid)}'".encode()
        return self.put_to(p, n, MESSAGE_AT, self.to_attr, 0 if self.apart() else number)

    cdef int added(self, size_t n, int sole, uint64_t number) except -1:
        cdef uint64_t before = self.outbox.unsent_bytes
        self.outbox.commit(n, sole, number)
        self.router.reactor.sent += 1
        if self.management is not None and (
                self.outbox.unsent + self.outbox.unacknowledged > MOST_KEPT
                or self.outbox.unsent_bytes + self.outbox.unacknowledged_bytes > MOST_BYTES):
            self.overrun = True
            return self.stop("resource-constraint", "too much is waiting to be acknowledged")
        if before == 0:
            if self.link is not None:
                self.link.dirty()
        elif self.outbox.unsent_bytes > STALL_BYTES:
            if before <= STALL_BYTES:
                self.router.reactor.deadline(self, STALL_NS)
            if self.outbox.unsent_bytes > MOST_BYTES:
                self.overrun = True
                self.stop("resource-constraint", "too much is waiting to be read")
        return 0

    cdef size_t pending(self, const char** p) noexcept:
        return self.outbox.pending(p)

    cdef void sent(self, size_t n) noexcept:
        self.outbox.written(n)
        if self.management is not None and self.outbox.unsent == 0 and not self.flags & S_ENDED:
            self.management.drained(self.link)
        self.done_with()

    cdef int done_with(self) except -1:
        cdef Account account = self.account
        if self.outbox.reached > account.highest:
            account.highest = self.outbox.reached
        if account.highest > account.reached:
            reach(self.router, account)
        if (self.stalled and not self.must_wait()) or (self.mark and self.outbox.written_bytes >= self.mark):
            self.router.reactor.later(self)
        return 0

    cdef size_t to_border(self) noexcept:
        return self.outbox.to_border()

    cdef int expire(self) except -1:
        """Some time has passed: does the peer take what it is sent, and is it still there?"""
        cdef int64_t silent = self.router.reactor.now - self.heard
        cdef int64_t still = self.router.reactor.now - self.outbox.progress
        cdef int64_t wait = STALL_NS
        if self.flags & S_ENDED:
            return 0
        if self.flags & S_HIBERNATED:
            wait = self.lost + self.management.patience - self.router.reactor.now
            return self.router.reactor.deadline(self, wait) if wait > 0 else self.stop(None, None)
        if self.outbox.unsent_bytes > STALL_BYTES and still >= <int64_t>STALL_NS:
            self.overrun = True
            return self.stop("resource-constraint", "nothing has been read for 30 seconds")
        if silent >= self.router.idle_ns:
            if not self.resumable():
                return self.stop("connection-timeout", "nothing has been heard from you for too long")
            detach(self, "connection-timeout", "nothing has been heard from you for too long")
            return hibernate(self)
        if self.management is not None:
            self.management.remind(self.link)
        if self.outbox.unsent_bytes == 0:
            if min(silent, still) >= self.router.keep_alive_ns:
                self.link.write(b" ", 1)
                self.outbox.progress = self.router.reactor.now
                still = 0
            wait = self.router.keep_alive_ns - min(silent, still)
        return self.router.reactor.deadline(self, min(wait, self.router.idle_ns - silent))

    # The end of a turn.

    cdef int act(self) except -1:
        cdef Held held
        if self.mark and self.outbox.written_bytes >= self.mark:
            self.answer_marks()
        if self.management is not None:
            self.management.act(self.link)
        while self.order is not None:
            held = self.order.next()
            if held is None:
                break
            self.router.replay(self, held)
        if self.order is not None and self.order.idle():
            self.order.close()
            self.order = None
        if self.stalled and not self.must_wait() and (self.bequest or not self.flags & S_ENDED):
            self.stalled = False
            self.pull()
            if not self.stalled and self.link is not None:
                self.link.resume()
        if self.flags & S_ENDED:
            return self.farewell()
        return 0

    cdef int answer_marks(self) except -1:
        """Those whose bytes are written; when nothing can be written any more, all."""
        cdef bint kept = self.flags & S_HIBERNATED != 0
        cdef bint ends = self.link is None
        cdef uint64_t mark
        while self.marks:
            mark, future = self.marks[0]
            if mark > self.outbox.written_bytes and not ends:
                self.mark = mark
                return 0
            del self.marks[0]
            if not future.done():
                future.set_result(kept or mark <= self.outbox.written_bytes)
        self.marks = None
        self.mark = 0
        return 0

    cdef int stop(self, str condition, str text) except -1:
        if self.flags & S_ENDED:
            return 0
        self.flags |= S_ENDED
        self.condition = condition
        self.text = text
        return self.router.reactor.later(self)

    cdef int farewell(self) except -1:
        cdef bytes last
        if not self.told and self.link is not None:
            self.told = True
            last = b"</stream:stream>"
            if self.condition is not None:
                last = stream_error(self.condition, self.text, extra=self.extra or b"") + last
            if self.overrun:
                self.orphans = self.outbox.orphans()
                self.outbox.cut()       # what the peer does not read is not waited for
                del self.orphans[:len(self.outbox.orphans())]
            # The stream's end follows the last stanza; nothing of an ended session's outbox is ever replayed.
            memcpy(self.outbox.reserve(len(last)), <char*>last, len(last))
            self.outbox.commit(len(last), SHARED, 0)
            self.link.finish()
        if not self.left and not self.bequest and (self.order is None or not self.order.waiting):
            self.left = True
            self.router.leave(self)
        if self.left and self.orphans is not None and not self.flags & S_MANAGED:
            self.pass_on(self.orphans)
            self.orphans = None
        if self.left and self.link is None:
            self.pass_on(self.outbox.orphans() + (self.orphans or []))
            reach(self.router, self.account)        # what it alone held is with others now, or kept anew
            self.close()
        return 0

    cdef int pass_on(self, list orphans) except -1:
        """protocol.md 5: by RFC 6121 8.5 once more. Storage, another resource or an error to the sender."""
        return self.router.reenter(self, orphans) if orphans else 0

    cdef int on_gone(self, bint clean) except -1:
        self.link = None
        if self.resumable():
            return hibernate(self)
        if not self.flags & S_ENDED:
            self.flags |= S_ENDED
            self.bequest = self.stalled     # what had come before the link was lost is not lost with it
        self.answer_marks()     # first: the order of what has come may wait for one who waits for these bytes
        return self.act()

    cdef int close(self) except -1:
        if self.router is None:
            return 0
        self.router.reactor.deadline(self, 0)
        self.router.reactor.sessions -= 1
        if self.order is not None:
            self.order.close()
        if self.management is not None:
            self.management.close()
        self.tok.close()
        self.outbox.close()
        self.order = self.state = self.directed = self.tok = self.management = self.router = None
        return 0


cdef int reach(Exchange exchange, Account account) except -1:
    cdef Session session
    cdef uint64_t number = account.highest, alone
    for session in account.sessions:
        alone = session.outbox.first_alone()
        if alone and alone <= number:
            number = alone - 1
    if number > account.reached:
        account.reached = number
        if not account.moved:
            account.moved = True
            exchange.moved.append(account)
    return 0
