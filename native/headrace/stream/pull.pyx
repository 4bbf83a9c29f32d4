"""xml.etree.ElementTree.XMLPullParser for XMPP streams: see pull.pyi."""

from headrace.core.buf cimport Str
from headrace.core.tokenizer cimport (
    EV_CLOSE, EV_ELEMENT, EV_OPEN, MODE_STREAM, R_REFS, T_ATTR, T_START, T_TEXT, Record, Tokenizer)
from headrace.core.tree cimport TreeWriter, call_one, call_two, value_of
from headrace.stream.intake cimport Intake, Scratch

import re
from xml.etree.ElementTree import ParseError
from xml.parsers.expat.errors import codes as _codes

from headrace.core.limits import FROM_SERVER

_WANTED = (("start", WANT_START), ("end", WANT_END), ("start-ns", WANT_START_NS), ("end-ns", WANT_END_NS),
           ("comment", 0), ("pi", 0))    # the last two can't come: RFC 6120 11.1


# A start tag's attributes all together, and one of them. Each byte is looked at once.
_TAG = re.compile(rb"<[^\s/>]+((?:\s+[^\s=/>]+\s*=\s*(?:'[^']*'|\"[^\"]*\"))*)")
_ATTRIBUTE = re.compile(rb"\s+([^\s=/>]+)\s*=\s*('[^']*'|\"[^\"]*\")")


cdef int wanted_of(object events) except -1:
    cdef int wanted = 0
    known = dict(_WANTED)
    for event in events:
        if event not in known:
            raise ValueError(f"unknown event {event!r}")
        wanted |= <int>known[event]
    return wanted


cdef object parse_error(str condition, str text, unsigned long long offset):
    error = ParseError(f"{text} ({condition}, at byte {offset})")
    error.code = _codes["not well-formed (invalid token)"]
    error.position = 1, offset
    error.condition = condition
    return error


cdef class XMLPullParser(Intake):
    def __cinit__(self, events=("end",), *, limits=FROM_SERVER, Scratch scratch=None):
        scratch = Scratch() if scratch is None else scratch
        self.prepare(MODE_STREAM, limits, (), scratch)
        self.writer = TreeWriter(scratch.names())
        self.wanted = wanted_of(("end",) if events is None else events)
        self.inner = True
        self.queue, self.declared = [], []

    def feed(self, data not None):
        if self.over:
            raise ValueError("feed() called after end of stream")
        self.take(data.encode() if isinstance(data, str) else data)
        try:
            self.read()
        finally:
            self.leave()

    def read_events(self):
        cdef Py_ssize_t i
        while self.taken < len(self.queue):
            i = self.taken
            event = self.queue[i]
            if i + 1 == len(self.queue):
                self.queue.clear()
                self.taken = 0
            else:
                self.queue[i] = None
                self.taken += 1
            if isinstance(event, ParseError):
                raise event
            yield event

    def flush(self):
        """Nothing waits: every event comes from the feed() that brings its last byte."""

    def close(self):
        self.idle()
        if not self.over:
            self.over = True
            if not self.closed:
                raise parse_error("not-well-formed", "the document is not complete", self.tok.consumed)

    cdef int read(self) except -1:
        cdef const Record* r
        cdef int event
        while True:
            event = self.tok.next()
            r = self.tok.tape
            if self.tok.view != NULL and self.wanted & WANT_NS:
                self.raw = self.tok.view.base[:self.tok.view.size]
            if event == EV_ELEMENT:
                self.stanza(r, r + self.tok.tape_n)
            elif event == EV_OPEN:
                self.start(&r, r + self.tok.tape_n)
            elif event == EV_CLOSE:
                self.closed = True
                self.end(True)
            else:
                break
        if self.tok.failed:
            condition, text, offset = self.tok.error
            self.queue.append(parse_error(condition, text, offset))
        return 0

    cdef int stanza(self, const Record* r, const Record* end) except -1:
        if not self.inner and not self.wanted & WANT_NS:
            element = self.writer.write(self.tok)
            if self.wanted & WANT_START:
                self.queue.append(("start", element))
            if self.wanted & WANT_END:
                self.queue.append(("end", element))
            return 0
        while r < end:
            if r.kind == T_START:
                self.start(&r, end)
                continue
            if r.kind == T_TEXT:
                call_one(self.writer.data, value_of(self.tok, r))
            else:
                self.end(self.inner or r.depth <= 1)
            r += 1
        return 0

    cdef int start(self, const Record** r, const Record* end) except -1:
        cdef bint told = self.inner or r[0].depth <= 1
        cdef list declared = None
        if self.wanted & WANT_NS:
            declared = declarations(self.tok, self.raw, r[0])
            self.declared.append(len(declared))
            if told and self.wanted & WANT_START_NS:
                self.queue.extend([("start-ns", pair) for pair in declared])
        tag = self.writer.names.get(self.tok, r[0])
        element = call_two(self.writer.start, tag, self.writer.names.attributes(self.tok, r, end))
        if told and self.wanted & WANT_START:
            self.queue.append(("start", element))
        return 0

    cdef int end(self, bint told) except -1:
        element = call_one(self.writer.end, None)     # the builder knows what is open
        if told and self.wanted & WANT_END:
            self.queue.append(("end", element))
        if self.wanted & WANT_NS:
            undeclared = self.declared.pop()
            if told and self.wanted & WANT_END_NS:
                self.queue.extend([("end-ns", None)] * undeclared)
        return 0

    def reset(self, *, bint drop_rest=False):
        Intake.reset(self, drop_rest=drop_rest)
        self.writer = TreeWriter(self.writer.names)
        self.over = self.closed = False
        self.declared.clear()


cdef class StanzaPullParser(XMLPullParser):
    def __cinit__(self, events=("end",), *, limits=FROM_SERVER, Scratch scratch=None):
        self.inner = False


cdef list declarations(Tokenizer tok, bytes raw, const Record* r):
    """(prefix, URI) of each that the start tag makes: the tape leaves them off. The tokenizer has checked the tag."""
    cdef Record value
    cdef Str decoded
    cdef list found = []
    tag = _TAG.match(raw, r.value)
    for attribute in _ATTRIBUTE.finditer(raw, tag.start(1), tag.end(1)):
        if attribute[1].partition(b":")[0] == b"xmlns":
            value.kind = T_ATTR
            value.flags = R_REFS
            value.value, value.value_n = attribute.start(2) + 1, attribute.end(2) - attribute.start(2) - 2
            decoded = tok.value(&value)
            found.append((attribute[1][6:].decode(), decoded.p[:decoded.n].decode()))
    return found
