"""Streams for embedders: see parser.pyi."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uintptr_t

from headrace.core.buf cimport Str
from headrace.core.stanza cimport Stanza, stanza_of
from headrace.core.tokenizer cimport (
    EV_CLOSE, EV_ELEMENT, EV_MORE, EV_OPEN, KIND_OTHER, MODE_STREAM, StanzaView, Tokenizer)
from headrace.stream.intake cimport Intake, Scratch

from headrace.stream.errors import StreamError
from headrace.stream.events import StreamClose, StreamOpen
from headrace.stream.intake import RESTARTS as _RESTARTS


cdef str text(Str s):
    """Checked UTF-8 of the tokenizer; None if absent."""
    return None if s.p == NULL else s.p[:s.n].decode()


cdef object header_of(Tokenizer tok, object kind, dict more):
    return kind(
        name=text(tok.view.name), namespace=text(tok.view.uri) or "",
        content=next((uri for prefix, uri in tok.outer_bindings() if prefix is None), ""),
        to=text(tok.view.to), from_=text(tok.view.from_), id=text(tok.view.id),
        version=text(tok.attr(b"version")), lang=text(tok.view.lang), **more,
    )


cdef class StreamParser(Intake):
    def __cinit__(self, limits=None, *, int mode=MODE_STREAM, stop=_RESTARTS, Scratch scratch=None):
        self.prepare(mode, limits, stop, scratch)
        self.outer = ()

    def feed(self, data not None):
        self.take(data)
        try:
            return self.read()
        finally:
            self.leave()

    cdef list read(self):
        cdef list events = []
        cdef Tokenizer tok = self.tok
        cdef int event
        while True:
            event = tok.next()
            if event == EV_ELEMENT:
                events.append(self.stanza())
                if tok.view.kind == KIND_OTHER and self.stops_here():
                    return events
            elif event == EV_MORE:
                return events
            else:
                events.append(self.other(event))

    cdef inline Stanza stanza(self):
        """It holds on to the piece that it came in, or copies its part of a much larger one."""
        cdef const StanzaView* view = self.tok.view
        cdef size_t n = PyBytes_GET_SIZE(self.data)
        cdef size_t at = <uintptr_t>view.base - <uintptr_t>PyBytes_AS_STRING(self.data)
        if at < n and (n <= SMALL_PIECE or n <= <size_t>view.size * LARGE_PART):
            return stanza_of(self.tok, self.data, at, self.outer)
        return stanza_of(self.tok, view.base[:view.size], 0, self.outer)

    cdef object other(self, int event):
        if event == EV_OPEN:
            self.outer = self.tok.outer_bindings()
            raw = self.tok.view.base[:self.tok.view.size]
            return header_of(self.tok, StreamOpen, {"raw": raw})
        if event == EV_CLOSE:
            return StreamClose()
        condition, reason, offset = self.tok.error
        return StreamError(condition, reason, offset=offset)

    def reset(self, *, bint drop_rest=False):
        Intake.reset(self, drop_rest=drop_rest)
        self.outer = ()
