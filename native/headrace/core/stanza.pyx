"""Stanzas for the control plane, and element trees from the tokenizer's tape."""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_AsUTF8AndSize

from headrace.core.buf cimport Str
from headrace.core.tokenizer cimport (
    EV_ELEMENT, EV_OPEN, KIND_OTHER, MODE_STREAM, Record, StanzaView, T_ATTR, T_END, T_START, T_TEXT, Tokenizer,
    Workspace)
from headrace.core.writer cimport Head, splice_allowed, splice_size, splice_write

import copy
from xml.etree.ElementTree import Element

from headrace.core.errors import XMLError
from headrace.core.limits import Limits
from headrace.core.writer import escape, serialize

_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

# What we parse here was checked under its stream's limits, or is our own.
_UNBOUND = Limits(stanza=0, header=0, elements=0, depth=0, attrs=0, name=0)


cdef inline str text_of(Str s):
    return None if s.p == NULL else s.p[:s.n].decode()


# ---- trees

cdef str tag_of(Tokenizer tok, const Record* r):
    cdef Str uri = tok.uri(r.ns)
    cdef str name = (tok.view.base + r.name)[:r.name_n].decode()
    return f"{{{text_of(uri)}}}{name}" if uri.n else name


cdef int add_text(list path, object last, list pieces) except -1:
    """Character data goes behind the last closed child, or to the front of the open element."""
    cdef str text
    if pieces:
        text = "".join(pieces)
        pieces.clear()
        if last is None:
            path[len(path) - 1].text = text
        else:
            last.tail = text
    return 0


cdef object build_element(Tokenizer tok):
    cdef list path = [], pieces = []
    cdef object last = None
    cdef dict attributes
    cdef const Record* r = tok.tape
    cdef const Record* end = tok.tape + tok.tape_n
    while r < end:
        if r.kind == T_START:
            if path:
                add_text(path, last, pieces)
            tag = tag_of(tok, r)
            attributes = {}
            r += 1
            while r < end and r.kind == T_ATTR:
                attributes[tag_of(tok, r)] = text_of(tok.value(r))
                r += 1
            element = Element(tag, attributes)
            if path:
                path[len(path) - 1].append(element)
            path.append(element)
            last = None
            continue
        if r.kind == T_TEXT:
            pieces.append(text_of(tok.value(r)))
        elif r.kind == T_END:
            add_text(path, last, pieces)
            last = path.pop()
        r += 1
    return last


# ---- stanzas

cdef Stanza stanza_copy(Tokenizer tok, str from_, str to):
    cdef const StanzaView* view = tok.view
    cdef Stanza stanza = Stanza.__new__(Stanza)
    stanza.kind = view.kind
    stanza.name = text_of(view.name)
    stanza.namespace = text_of(view.uri) or ""
    stanza.to = text_of(view.to) if to is None else to
    stanza.from_ = text_of(view.from_) if from_ is None else from_
    stanza.id = text_of(view.id)
    stanza.type = text_of(view.type)
    stanza.lang = text_of(view.lang)
    stanza.raw = view.base[:view.size]
    if view.children:
        stanza.child_name = text_of(view.child[0].name)
        stanza.child_namespace = text_of(view.child[0].uri) or ""
    stanza.known = view.known
    stanza.flags = view.flags
    stanza.outer = tok.outer_bindings()
    return stanza


@cython.final
cdef class Stanza:
    def __init__(self):
        raise TypeError("stanzas come from a tokenizer or from parse_stanza()")

    def element(self):
        """The whole element as `xml.etree.ElementTree`, built on first use."""
        if self.tree is None:
            tree = element_of(self.raw, self.outer)
            if self.from_ is not None:
                tree.set("from", self.from_)
            if self.to is not None:
                tree.set("to", self.to)
            self.tree = tree
        return self.tree

    def child(self):
        """The first direct child of element()."""
        if self.child_name is None:
            return None
        return self.element()[0]

    def written(self, bytes piece not None=b"", *, str lang=None):
        """As we send it: a new head, the rest copied where the splice rule allows it, else re-serialised."""
        cdef bytes document = below_root(self.raw, self.outer)
        cdef Tokenizer tok = tokenized(document)
        if splice_allowed(tok.view):
            return spliced(self, tok.view, piece, lang if self.lang is None else self.lang)
        tree = copy.copy(self.element())
        if lang is not None and self.lang is None:
            tree.set(_LANG, lang)
        default_ns = self.namespace if self.kind != KIND_OTHER else ""
        if piece:
            tree.extend(parse_element(b"<pieces>" + piece + b"</pieces>", default_ns))
        return serialize(tree, default_ns)

    def __repr__(self):
        return f"<Stanza {self.name} type={self.type!r} from={self.from_!r} to={self.to!r} id={self.id!r}>"


cdef inline Str utf8(str text) except *:
    """A look at the text, which the caller keeps alive."""
    cdef Str s
    cdef Py_ssize_t n = 0
    s.p = NULL
    if text is not None:
        s.p = PyUnicode_AsUTF8AndSize(text, &n)
    s.n = n
    return s


cdef bytes spliced(Stanza stanza, const StanzaView* view, bytes piece, str lang):
    cdef Head head
    cdef size_t attrs_at, size
    head.kind = stanza.kind
    head.from_ = utf8(stanza.from_)
    head.to = utf8(stanza.to)
    head.id = utf8(stanza.id)
    head.type = utf8(stanza.type)
    head.lang = utf8(lang)
    size = splice_size(&head, view, len(piece))
    cdef bytes written = PyBytes_FromStringAndSize(NULL, size)
    splice_write(<char*>written, &head, view, piece, len(piece), &attrs_at)
    return written


# ---- bytes that stand alone

cdef bytes below_root(bytes raw, tuple outer):
    """`raw` behind the start tag of a root that makes these bindings."""
    cdef list root = ["<root"]
    for prefix, uri in outer:
        name = "xmlns" if prefix is None else f"xmlns:{prefix}"
        root.append(f" {name}='{escape(uri)}'")
    root.append(">")
    return "".join(root).encode() + raw


cdef Tokenizer tokenized(bytes document):
    """A tokenizer at the one element of a document by below_root(), which has to outlive it. Raises XMLError."""
    cdef Tokenizer tok = Tokenizer(Workspace(), MODE_STREAM, _UNBOUND)
    tok.feed(document, len(document))
    if tok.next() != EV_OPEN:
        raise failure(tok)
    cdef unsigned long long start = tok.consumed
    if tok.next() != EV_ELEMENT:
        raise failure(tok, start)
    if tok.rest().n:
        raise XMLError("bad-format", "something follows the element", tok.view.size)
    return tok


cdef object failure(Tokenizer tok, unsigned long long start=0):
    """Why there is no element; places count from `start`."""
    if tok.failed:
        return XMLError(tok.error_condition.decode(), tok.error_text.decode(), max(tok.error_offset, start) - start)
    return XMLError("not-well-formed", "no whole element", tok.consumed - start)


cdef tuple default_binding(str uri):
    return ((None, uri),) if uri else ()


cdef object element_of(bytes raw, tuple outer):
    cdef bytes document = below_root(raw, outer)
    return build_element(tokenized(document))


def parse_stanza(bytes raw not None, str content not None="jabber:client", *, tuple bindings not None=(),
                 str from_=None, str to=None):
    """A Stanza from stored or self-made bytes below a stream root."""
    cdef bytes document = below_root(raw, default_binding(content) + bindings)
    return stanza_copy(tokenized(document), from_, to)


def parse_element(bytes raw not None, str default_ns not None=""):
    """One element from bytes, `default_ns` being the default namespace of its place."""
    return element_of(raw, default_binding(default_ns))
