"""A session without a link, and with another one; what its client says of stream management."""
from libc.stdint cimport uint64_t
from headrace.net.link cimport Sink
from headrace.net.reactor cimport Reactor
from headrace.router.gate cimport indicate
from headrace.router.outbox cimport Outbox
from headrace.router.session cimport S_HIBERNATED, S_MANAGED

from headrace.stream.errors import stream_error

cdef bytes UNEXPECTED = (   # set at import
    b"<failed xmlns='urn:xmpp:sm:3'><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>")


cdef bint read_count(Str text, uint32_t* value) noexcept:
    cdef uint64_t n = 0
    cdef size_t i
    if text.n == 0 or text.n > 10:      # absent is empty, too
        return False
    for i in range(text.n):
        if not c"0" <= text.p[i] <= c"9":
            return False
        n = n * 10 + (text.p[i] - c"0")
    value[0] = <uint32_t>n
    return n == value[0]


cdef bytes too_high(uint32_t h, Outbox outbox):
    cdef uint32_t sent = <uint32_t>(outbox.acknowledged + outbox.unacknowledged)
    return f"<handled-count-too-high xmlns='urn:xmpp:sm:3' h='{h}' send-count='{sent}'/>".encode()


cdef object resume_on(Session session, Link link, Tokenizer tok, uint32_t h, str lang):
    cdef Reactor reactor
    if not session.resumable():
        raise LookupError("there is nothing to resume")
    if session.link is not None:
        session.link.presume()
    if not session.outbox.acknowledge(h):
        raise ValueError(too_high(h, session.outbox))
    reactor = session.router.reactor
    reactor.touch()
    if session.link is not None:
        detach(session, "conflict", "resumed by a new connection")
    if session.order is not None:
        session.order.forget()
    session.tok.close()
    session.management.restart()
    session.outbox.rewind()
    session.tok = tok
    session.link = link
    session.lang = lang
    session.lang_utf8 = None if lang is None else lang.encode()
    session.flags &= ~S_HIBERNATED
    session.stalled = True         # the login may have left elements unread
    session.heard = reactor.now
    link.set_sink(session)
    link.dirty()
    indicate(session, True)        # XEP-0352 5.2: each stream begins active
    reactor.later(session)
    reactor.deadline(session, min(session.router.idle_ns, session.router.keep_alive_ns))
    session.done_with()
    return session.management.h()


cdef int hibernate(Session session) except -1:
    session.flags |= S_HIBERNATED
    session.lost = session.router.reactor.now
    session.outbox.adopt()
    session.answer_marks()
    session.router.reactor.deadline(session, session.management.patience)
    session.router.hibernated(session)
    return session.act()


cdef int detach(Session session, str condition, str text) except -1:
    cdef Link link = session.link
    cdef bytes last = stream_error(condition, text) + b"</stream:stream>"
    link.presume()
    session.link = None
    link.set_sink(Sink())       # what it still says is nobody's
    if session.outbox.to_border():
        link.abort()
    else:
        link.write(last, len(last))
        link.finish()
    return 0


cdef int manage_element(Session session, Tokenizer tok) except -1:
    cdef Str name = tok.view.name
    if name.n == 1 and session.flags & S_MANAGED:
        if name.p[0] == c"r":
            return session.management.request(session.link) if session.link is not None else 0
        if name.p[0] == c"a":
            return acknowledged(session, tok)
    return misused(session)


cdef int acknowledged(Session session, Tokenizer tok) except -1:
    cdef uint32_t h
    if not read_count(tok.attr(b"h"), &h):
        return session.stop("invalid-xml", "<a/> without a number in 'h'")
    if session.outbox.acknowledge(h):
        return session.done_with()
    session.extra = too_high(h, session.outbox)
    return session.stop("undefined-condition", "you acknowledge more than was sent")


cdef int misused(Session session) except -1:
    """XEP-0198 3, 6: recoverable, but for <enable/> where it is enabled."""
    if session.link is not None:
        session.link.write(UNEXPECTED, len(UNEXPECTED))
    if session.flags & S_MANAGED:
        return session.stop("policy-violation", "stream management is enabled once, and resumed before binding")
    return 0
