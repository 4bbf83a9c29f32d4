"""Streams for embedders: see parser.pyi."""

from headrace.core.buf cimport Str
from headrace.core.stanza cimport stanza_of
from headrace.core.tokenizer cimport EV_CLOSE, EV_ELEMENT, EV_MORE, EV_OPEN, MODE_STREAM, Tokenizer
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
        cdef int event
        while True:
            event = self.tok.next()
            if event == EV_ELEMENT:
                events.append(self.stanza())
                if self.stops_here():
                    return events
            elif event == EV_MORE:
                return events
            else:
                events.append(self.other(event))

    cdef object stanza(self):
        """It holds on to the piece that it came in, or copies its part of a much larger one."""
        cdef const char* base = self.tok.view.base
        cdef const char* data = self.data
        cdef size_t size = self.tok.view.size, n = len(self.data)
        if data <= base < data + n and (n <= SMALL_PIECE or n <= size * LARGE_PART):
            return stanza_of(self.tok, self.data, base - data, self.outer)
        return stanza_of(self.tok, base[:size], 0, self.outer)

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
