"""Names, attributes and element trees from the tokenizer's tape."""

from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.string cimport memcmp

from headrace.core.buf cimport Str
from headrace.core.names cimport NS_COUNT, NS_NONE, NS_OTHER, URIS
from headrace.core.tokenizer cimport T_ATTR, T_END, T_START, T_TEXT, Record, Tokenizer

cdef extern from "headrace/core/frame.h":
    # The first 8 bytes of a name as a number.
    uint64_t name_key(const char* p, size_t n, const char* end) noexcept nogil


cdef str name_of(Tokenizer tok, const Record* r):
    cdef str local = pystr(tok.view.base + r.name, r.name_n)
    cdef Str uri
    if r.ns < NS_COUNT:
        return local if r.ns == NS_NONE else f"{{{<str>URIS[r.ns]}}}{local}"
    uri = tok.uri(r.ns)
    return f"{{{pystr(uri.p, uri.n)}}}{local}"


cdef class Names:
    def __cinit__(self):
        from xml.etree.ElementTree import TreeBuilder  # late: most users of the core build no tree
        self.tree_builder = TreeBuilder

    def __dealloc__(self):
        cdef int i
        for i in range(NAMES):
            Py_XDECREF(self.slot[i].text)

    cdef str get(self, Tokenizer tok, const Record* r):
        cdef const char* p = tok.view.base + r.name
        cdef Str uri
        cdef uint64_t key = name_key(p, r.name_n, tok.view.base + tok.view.size)
        cdef uint64_t mixed = (key ^ <uint64_t>r.name_n << 56) * <uint64_t>0x9E3779B97F4A7C15
        cdef Name* name
        uri.n = 0
        uri.p = NULL
        if r.ns >= NS_COUNT:
            uri = tok.uri(r.ns)
        else:
            mixed += r.ns * <uint64_t>0xD6E8FEB86659FD93
        name = &self.slot[(mixed + uri.n) >> 32 & (NAMES - 1)]
        if (name.text != NULL and name.key == key and name.name_n == r.name_n
                and name.ns == (r.ns if r.ns < NS_COUNT else NS_OTHER) and name.uri_n == uri.n
                and (r.name_n <= 8 or memcmp(name.local + 8, p + 8, r.name_n - 8) == 0)
                and (uri.n == 0 or memcmp(name.uri, uri.p, uri.n) == 0)):
            return <str>name.text
        return remember(name, name_of(tok, r), key, r, uri)

    cdef dict attributes(self, Tokenizer tok, const Record** r, const Record* end):
        cdef dict found = {}
        cdef const Record* a = r[0] + 1
        while a < end and a.kind == T_ATTR:
            found[self.get(tok, a)] = value_of(tok, a)
            a += 1
        r[0] = a
        return found


cdef str remember(Name* slot, str text, uint64_t key, const Record* r, Str uri):
    cdef Py_ssize_t size = 0
    cdef const char* p
    if r.name_n + uri.n > NAME_BYTES:
        return text
    p = PyUnicode_AsUTF8AndSize(text, &size)
    Py_INCREF(text)
    Py_XDECREF(slot.text)
    slot.text = <PyObject*>text
    slot.local = p + size - r.name_n
    slot.uri = p + 1
    slot.uri_n = <uint32_t>uri.n
    slot.key = key
    slot.name_n = r.name_n
    slot.ns = r.ns if r.ns < NS_COUNT else NS_OTHER
    return text


cdef class TreeWriter:
    def __cinit__(self, Names names=None):
        self.names = Names() if names is None else names
        self.builder = self.names.tree_builder()
        self.start = self.builder.start
        self.data = self.builder.data
        self.end = self.builder.end

    cdef object write(self, Tokenizer tok):
        cdef const Record* r = tok.tape
        cdef const Record* end = tok.tape + tok.tape_n
        cdef object element = None
        while r < end:
            if r.kind == T_START:
                tag = self.names.get(tok, r)
                call_two(self.start, tag, self.names.attributes(tok, &r, end))
                continue
            if r.kind == T_TEXT:
                call_one(self.data, value_of(tok, r))
            elif r.kind == T_END:
                element = call_one(self.end, None)    # the builder knows what is open
            r += 1
        return element


cdef object build_element(Tokenizer tok, Names names=None):
    return TreeWriter(names).write(tok)
