"""From an accepted connection to a bound session: bytes in, one event at a time out to a negotiation in Python."""

from headrace.core.buf cimport str_bytes
from headrace.core.stanza cimport Stanza, stanza_copy
from headrace.core.tokenizer cimport EV_CLOSE, EV_ELEMENT, EV_MORE, EV_OPEN, MODE_STREAM
from headrace.core.tree cimport Names, build_element
from headrace.router.reader cimport open_tokenizer
from headrace.session.work cimport Work
from headrace.stream.parser cimport header_of

from asyncio import CancelledError

from headrace.stream.header import Header


cdef class Handshake(Sink):
    def __init__(self, Link link, sessions, config, TlsContext tls=None, tuple bindings=None):
        self.link = link
        self.sessions = sessions
        self.config = config
        self.tls = tls
        self.address = link.peer[0]
        if bindings is None:
            self.tok = Tokenizer(link.reactor.work, MODE_STREAM, config.before)
        else:
            self.tok = open_tokenizer(link.reactor.work, bindings)
            self.tok.use_limits(config.before)
        self.said = []

    def start(self, negotiator, set under_way not None):
        self.negotiator = negotiator
        self.under_way = under_way
        under_way.add(self)
        self.link.reactor.deadline(self, int(self.config.negotiation.seconds * 1e9))

    def end(self, str condition not None, str text=""):
        if not self.over:
            self._interrupt(condition, text)

    def revoke(self, str account not None, str condition not None, str text=""):
        if not self.over and self.negotiator.revoked(account):
            self._interrupt(condition, text)

    def wait_for(self, work not None):
        self._wait(work)

    @property
    def channel(self):
        if self.link is None or self.link.tls is None or not self.link.tls.established:
            return None
        return self.link.tls

    # what the negotiation asks for (headrace.session.ports.Wire)

    def send(self, bytes data not None):
        if self.link is None:
            return
        self.said.append(data)
        if not self.pumping:
            self._speak()

    def restart(self):
        self.tok.reset(False)

    def start_tls(self, str host not None):
        self.tok.reset(True)
        self._speak()
        self.link.start_tls(self.tls, host)

    def authenticated(self):
        self.link.listener.authenticated(self.link)

    def bind(self, str jid not None, str lang, greet not None):
        cdef Link link = self.link
        cdef bytes words
        self._speak()
        self.tok.use_limits(self.config.after)
        session = self.sessions.bind(link, self.tok, jid, lang)
        self.tok = None
        self._drop()
        try:
            words = greet(session)
        except BaseException:
            link.abort()
            raise
        link.write(words, len(words))
        link.resume()

    def resume(self, session, h, str lang, greet not None):
        cdef Link link = self.link
        cdef bytes words
        self._speak()
        self.tok.use_limits(self.config.after)
        handled = session.attach(link, self.tok, h, lang)
        self.tok = None
        self._drop()
        words = greet(handled)
        link.write(words, len(words))
        link.resume()

    def hand_over(self):
        cdef Link link = self.link
        cdef bytes unread = str_bytes(self.tok.rest()) or b""
        cdef tuple bindings = self.tok.outer_bindings()
        self._speak()
        self._drop()
        return link, unread, bindings

    def finish(self):
        cdef Link link = self.link
        if link is not None:
            self._speak()
            self._drop()
            link.finish()

    # what the link tells

    cdef int on_bytes(self, const char* data, size_t n) except -1:
        if self.over:
            return 0
        self.tok.feed(data, n)
        self._pump()
        return 0

    cdef int on_gone(self, bint clean) except -1:
        if self.task is not None:
            self.task.cancel()
        if not self.over:
            self._drop()
        return 0

    cdef int expire(self) except -1:
        if not self.over:
            self._interrupt("connection-timeout", "logging in took too long")
        return 0

    cdef int _interrupt(self, str condition, str text) except -1:
        cdef Link link = self.link
        if self.task is not None:
            self.task.cancel()
        if link.context is not None:  # nothing can be said in the middle of a TLS handshake
            self._drop()
            link.abort()
        else:
            self.negotiator.failed(condition, text)
        return 0

    # events

    cdef int _pump(self) except -1:
        cdef int ev
        self.pumping = True
        try:
            while not self.over and self.task is None:
                ev = self.tok.next()
                if ev == EV_MORE:
                    break
                self._event(ev)
        finally:
            self.pumping = False
        if self.task is None:
            self._speak()
        return 0

    cdef int _speak(self) except -1:
        cdef bytes words
        if self.said and self.link is not None:
            words = b"".join(self.said)
            self.said.clear()
            self.link.write(words, len(words))
        return 0

    cdef int _event(self, int ev) except -1:
        if ev == EV_ELEMENT:
            outcome = self.negotiator.element(whole(self.tok, self.link.reactor.names))
            if outcome is not None and not self.over:
                self._wait(outcome)
        elif ev == EV_OPEN:
            self.negotiator.opened(header_of(self.tok, Header, {}))
        elif ev == EV_CLOSE:
            self.negotiator.closed()
        else:
            condition, text, _ = self.tok.error
            self.negotiator.failed(condition, text)
        return 0

    cdef int _wait(self, object work) except -1:
        cdef Work task = Work(self.link.reactor.loop, work, self._done)
        self.tok.keep()
        self.link.pause()
        self.task = task
        if task.step():
            self._finished(task)
        return 0

    def _done(self, task):
        self._finished(task)
        if not self.over:
            self._pump()

    cdef int _finished(self, Work task) except -1:
        self.task = None
        if task.error is not None and not isinstance(task.error, CancelledError):
            if self.over:
                task.report()
                return 0
            self.negotiator.crashed(task.error)
        if not self.over:
            self.link.resume()
        return 0

    cdef int _drop(self) except -1:
        self.over = True
        self.link.reactor.deadline(self, 0)
        if self.under_way is not None:
            self.under_way.discard(self)
        if self.tok is not None:
            self.tok.close()
        self.link = self.tok = self.sessions = self.tls = self.negotiator = self.task = None
        return 0


cdef Stanza whole(Tokenizer tok, Names names):
    """The current element and its tree: there is none of which a negotiation doesn't look at all, and the tokenizer has
    read it already."""
    cdef Stanza stanza = stanza_copy(tok, None, None)
    stanza.tree = build_element(tok, names)
    return stanza
