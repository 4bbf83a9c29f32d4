"""A stream as calls of Python: see callbacks.pyi."""

from headrace.core.tokenizer cimport (
    EV_CLOSE, EV_ELEMENT, EV_OPEN, MODE_STREAM, T_START, T_TEXT, Record, Tokenizer)
from headrace.core.tree cimport call_one, call_two, value_of
from headrace.stream.intake cimport Intake, Scratch

from headrace.core.errors import XMLError
from headrace.stream.intake import RESTARTS as _RESTARTS


cdef class CallbackParser(Intake):
    def __cinit__(self, start=None, text=None, end=None, *, limits=None, stop=_RESTARTS, Scratch scratch=None):
        scratch = Scratch() if scratch is None else scratch
        self.prepare(MODE_STREAM, limits, stop, scratch)
        self.names = scratch.names()
        self.start, self.text, self.end = start, text, end

    def feed(self, data not None):
        self.take(data)
        try:
            self.read()
        finally:
            self.leave()

    cdef int read(self) except -1:
        cdef int event
        while True:
            event = self.tok.next()
            if event == EV_ELEMENT:
                self.tell()
                if self.stops_here():
                    return 0
            elif event == EV_OPEN:
                self.root = self.names.get(self.tok, self.tok.tape)
                self.tell()
            elif event == EV_CLOSE:
                if self.end is not None:
                    self.end(self.root)
            elif self.tok.failed:
                raise XMLError(*self.tok.error)
            else:
                return 0

    cdef int tell(self) except -1:
        cdef const Record* r = self.tok.tape
        cdef const Record* end = r + self.tok.tape_n
        while r < end:
            if r.kind == T_START:
                tag = self.names.get(self.tok, r)
                attributes = self.names.attributes(self.tok, &r, end)
                if self.start is not None:
                    call_two(self.start, tag, attributes)
                continue
            if r.kind == T_TEXT:
                text = text_of(self.tok, &r, end)
                if self.text is not None:
                    call_one(self.text, text)
                continue
            if self.end is not None:
                call_one(self.end, self.names.get(self.tok, r))
            r += 1
        return 0


cdef str text_of(Tokenizer tok, const Record** r, const Record* end):
    """Neighbouring pieces in one; *r is moved behind them."""
    cdef str text = value_of(tok, r[0])
    cdef list pieces
    r[0] += 1
    if r[0] == end or r[0].kind != T_TEXT:
        return text
    pieces = [text]
    while r[0] < end and r[0].kind == T_TEXT:
        pieces.append(value_of(tok, r[0]))
        r[0] += 1
    return "".join(pieces)
