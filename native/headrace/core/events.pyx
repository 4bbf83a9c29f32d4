"""Events as tuples: see events.pyi."""

from headrace.core.buf cimport Str
from headrace.core.names cimport NS_CLIENT
from headrace.core.tokenizer cimport (
    EV_CLOSE, EV_ELEMENT, EV_MORE, EV_OPEN, MAX_CHILDREN, MODE_STREAM, T_ATTR, T_END, T_START, T_TEXT,
    Record, StanzaView, Tokenizer, Workspace,
)

Attributes = tuple[tuple[str, str, str], ...]
Event = tuple[object, ...]


cdef str text_of(Str s):
    return None if s.p == NULL else s.p[:s.n].decode()


cdef dict child_of(StanzaView* view, unsigned int i):
    found = view.child[i]
    return {
        "known": found.known, "ns": found.ns, "name": text_of(found.name), "uri": text_of(found.uri),
        "start": found.start, "end": found.end, "inner": found.inner, "inner_end": found.inner_end,
    }


cdef class EventReader:
    def __cinit__(self, int mode=MODE_STREAM, limits=None, *, Workspace work=None, int content=NS_CLIENT):
        self.tokenizer = Tokenizer(Workspace() if work is None else work, mode, limits, content)

    def feed(self, bytes data not None):
        self.push(data)
        found = []
        while (event := self.pull()) is not None:
            found.append(event)
        return found

    def push(self, bytes data not None):
        if self.data is not None:
            self.tokenizer.keep()
        self.data = data
        self.tokenizer.feed(data, len(data))

    def pull(self):
        cdef Tokenizer tok = self.tokenizer
        cdef int event = tok.next()
        cdef Record* top
        if event == EV_MORE:
            self.data = None
            return None
        if event == EV_ELEMENT:
            return "element", tok.view.base[:tok.view.size], tuple(self.pieces())
        if event == EV_OPEN:
            top = tok.tape
            return "open", text_of(tok.uri(top.ns)), text_of(tok.view.name), self.attributes(1, tok.tape_n)
        return ("close",) if event == EV_CLOSE else ("error", *tok.error)

    cdef tuple attributes(self, unsigned int start, unsigned int n):
        cdef Tokenizer tok = self.tokenizer
        cdef Record* r
        cdef unsigned int i = start
        found = []
        while i < n and tok.tape[i].kind == T_ATTR:
            r = &tok.tape[i]
            name = tok.view.base[r.name:r.name + r.name_n].decode()
            found.append((text_of(tok.uri(r.ns)), name, text_of(tok.value(r))))
            i += 1
        return tuple(found)

    cdef list pieces(self):
        cdef Tokenizer tok = self.tokenizer
        cdef Record* r
        cdef unsigned int i
        found = []
        text = []
        for i in range(tok.tape_n):
            r = &tok.tape[i]
            if r.kind == T_TEXT:
                text.append(text_of(tok.value(r)))
                continue
            if r.kind == T_ATTR:
                continue
            if text:
                found.append(("text", "".join(text)))
                text = []
            name = tok.view.base[r.name:r.name + r.name_n].decode()
            if r.kind == T_START:
                found.append(("start", text_of(tok.uri(r.ns)), name, self.attributes(i + 1, tok.tape_n)))
            elif r.kind == T_END:
                found.append(("end", text_of(tok.uri(r.ns)), name))
        return found

    def rest(self):
        cdef Str s = self.tokenizer.rest()
        return s.p[:s.n]

    def reset(self, bint drop_rest=False):
        self.tokenizer.reset(drop_rest)

    cdef bint copied(self, const char* base) except -1:
        cdef const char* data = self.data
        return not data <= base < data + len(self.data)

    def view(self):
        cdef StanzaView* v = self.tokenizer.view
        cdef unsigned int i
        if v == NULL:
            raise ValueError("no element to look at")
        return {
            "size": v.size, "kind": v.kind, "ns": v.ns, "flags": v.flags,
            "name": text_of(v.name), "uri": text_of(v.uri), "to": text_of(v.to), "from": text_of(v.from_),
            "id": text_of(v.id), "type": text_of(v.type), "lang": text_of(v.lang),
            "body": v.body, "body_end": v.body_end, "known": v.known, "children": v.children,
            "elements": v.elements, "copied": self.copied(v.base),
            "child": [child_of(v, i) for i in range(min(v.children, <unsigned int>MAX_CHILDREN))],
            "decl": [v.base[v.decl[i]:v.decl[i] + v.decl_n[i]] for i in range(v.decls)],
        }
