"""Tokenizers for stanzas that come from no link."""
from libc.string cimport memset
from headrace.core.tokenizer cimport EV_ELEMENT, EV_OPEN, Limits

from headrace.core.ns import CLIENT, STREAM
from headrace.core.writer import escape

cdef enum:
    MOST_IDLE = 4           # deeper nesting, a handler that routes inside a handler that routes, is rare


cdef Tokenizer open_tokenizer(Workspace work, tuple bindings):
    cdef Tokenizer tok = Tokenizer(work)
    cdef Limits none
    cdef bytes header
    bound = {None: CLIENT, **dict(bindings)}
    bound.pop("xml", None)
    prefix = next((prefix for prefix, uri in bound.items() if uri == STREAM), "stream")
    bound.setdefault(prefix, STREAM)
    names = "".join(f" xmlns{f':{p}' if p else ''}='{escape(uri)}'" for p, uri in bound.items())
    header = f"<{f'{prefix}:' if prefix else ''}stream{names}>".encode()
    memset(&none, 0, sizeof(none))
    tok.set_limits(&none)
    tok.feed(header, len(header))
    if tok.next() != EV_OPEN:
        raise ValueError("no stream header can be made of these bindings")
    tok.next()
    return tok


cdef int stand_on(Tokenizer tok, bytes element) except -1:
    tok.feed(element, len(element))
    if tok.next() != EV_ELEMENT or tok.view.size != <size_t>len(element):
        raise ValueError("not one well-formed element")
    return 0


cdef class Reader:
    def __init__(self):
        self.work = Workspace()
        self.idle = []

    cdef Tokenizer take(self, bytes stanza):
        cdef Tokenizer tok = self.idle.pop() if self.idle else open_tokenizer(self.work, ())
        try:
            stand_on(tok, stanza)
        except ValueError:
            tok.close()
            raise
        return tok

    cdef int give(self, Tokenizer tok) except -1:
        tok.next()
        if len(self.idle) < MOST_IDLE:
            self.idle.append(tok)
        else:
            tok.close()
        return 0
