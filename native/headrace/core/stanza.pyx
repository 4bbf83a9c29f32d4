"""Stanzas for the control plane and for embedders."""

cimport cython
from libc.stdint cimport uint32_t, uintptr_t
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_AsUTF8AndSize

from headrace.core.buf cimport Str
from headrace.core.names cimport NS_OTHER, URIS
from headrace.core.tokenizer cimport (
    EV_ELEMENT, EV_OPEN, KIND_OTHER, MODE_STREAM, StanzaView, Tokenizer, Workspace)
from headrace.core.tree cimport build_element, pystr
from headrace.core.writer cimport Head, splice_allowed, splice_size, splice_write

import copy

from headrace.core.errors import XMLError
from headrace.core.limits import Limits
from headrace.core.writer import escape, serialize

_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

# What we parse here was checked under its stream's limits, or is our own.
_UNBOUND = Limits(stanza=0, header=0, elements=0, depth=0, attrs=0, name=0)


# ---- copies

cdef inline bint place(Span* span, const StanzaView* view, Str value) noexcept:
    """Notes where the value stands in the element; true if it was decoded and stands elsewhere."""
    cdef uintptr_t at = <uintptr_t>value.p - <uintptr_t>view.base
    span.at = <uint32_t>at
    span.n = <uint32_t>value.n if at < view.size else ABSENT
    return at >= view.size and value.p != NULL


cdef inline bint place_uri(Span* span, const StanzaView* view, int ns, Str uri) noexcept:
    if ns == NS_OTHER:
        return place(span, view, uri)
    span.at = ns
    span.n = KNOWN_URI
    return False


cdef int tell_decoded(Stanza stanza, int i, const StanzaView* view, Str value) except -1:
    cdef Span span
    if place(&span, view, value):
        stanza.tell(i, pystr(value.p, value.n))
    return 0


cdef int tell_all(Stanza stanza, const StanzaView* view) except -1:
    """The values that stand elsewhere, themselves."""
    tell_decoded(stanza, PART_TO, view, view.to)
    tell_decoded(stanza, PART_FROM, view, view.from_)
    tell_decoded(stanza, PART_ID, view, view.id)
    tell_decoded(stanza, PART_TYPE, view, view.type)
    tell_decoded(stanza, PART_LANG, view, view.lang)
    if view.ns == NS_OTHER:
        tell_decoded(stanza, PART_URI, view, view.uri)
    if view.children and view.child[0].ns == NS_OTHER:
        tell_decoded(stanza, PART_CHILD_URI, view, view.child[0].uri)
    return 0


cdef Stanza stanza_of(Tokenizer tok, bytes held, size_t at, tuple outer):
    cdef const StanzaView* view = tok.view
    cdef Stanza stanza = Stanza.__new__(Stanza)
    cdef Span* span = stanza.span
    cdef bint elsewhere
    stanza.kind = view.kind
    stanza.flags = view.flags
    stanza.known = view.known
    stanza.held = held
    stanza.at = <uint32_t>at
    stanza.size = view.size
    stanza.outer = outer
    elsewhere = place(&span[PART_NAME], view, view.name)
    elsewhere |= place_uri(&span[PART_URI], view, view.ns, view.uri)
    elsewhere |= place(&span[PART_TO], view, view.to)
    elsewhere |= place(&span[PART_FROM], view, view.from_)
    elsewhere |= place(&span[PART_ID], view, view.id)
    elsewhere |= place(&span[PART_TYPE], view, view.type)
    elsewhere |= place(&span[PART_LANG], view, view.lang)
    if view.children:
        elsewhere |= place(&span[PART_CHILD], view, view.child[0].name)
        elsewhere |= place_uri(&span[PART_CHILD_URI], view, view.child[0].ns, view.child[0].uri)
    else:
        span[PART_CHILD].n = span[PART_CHILD_URI].n = ABSENT
    if elsewhere:
        tell_all(stanza, view)
    return stanza


cdef Stanza stanza_copy(Tokenizer tok, str from_, str to):
    cdef Stanza stanza = stanza_of(tok, tok.view.base[:tok.view.size], 0, tok.outer_bindings())
    if from_ is not None:
        stanza.tell(PART_FROM, from_)
    if to is not None:
        stanza.tell(PART_TO, to)
    return stanza


# ---- stanzas

@cython.final
@cython.freelist(64)
@cython.no_gc
cdef class Stanza:
    def __init__(self):
        raise TypeError("stanzas come from a tokenizer or from parse_stanza()")

    cdef str part(self, int i):
        cdef Span* span = &self.span[i]
        if span.n == ABSENT:
            return None
        if span.n == KNOWN_URI:
            return <str>URIS[span.at]
        if span.n == TOLD:
            return <str>self.told[i]
        return pystr(<const char*>self.held + self.at + span.at, span.n)

    cdef int tell(self, int i, str value) except -1:
        if self.told is None:
            self.told = [None] * PARTS
        self.told[i] = value
        self.span[i].n = TOLD
        return 0

    cdef bytes own(self):
        if len(self.held) != self.size:
            self.held = (<const char*>self.held)[self.at:self.at + self.size]
            self.at = 0
        return self.held

    @property
    def raw(self):
        return self.own()

    @property
    def name(self):
        return self.part(PART_NAME)

    @property
    def namespace(self):
        return self.part(PART_URI)

    @property
    def to(self):
        return self.part(PART_TO)

    @property
    def from_(self):
        return self.part(PART_FROM)

    @property
    def id(self):
        return self.part(PART_ID)

    @property
    def type(self):
        return self.part(PART_TYPE)

    @property
    def lang(self):
        return self.part(PART_LANG)

    @property
    def child_name(self):
        return self.part(PART_CHILD)

    @property
    def child_namespace(self):
        return self.part(PART_CHILD_URI)

    def element(self):
        """The whole element as `xml.etree.ElementTree`, built on first use."""
        if self.tree is None:
            tree = element_of(self.own(), self.outer)
            self.readdress(tree, "from", PART_FROM)
            self.readdress(tree, "to", PART_TO)
            self.tree = tree
        return self.tree

    cdef int readdress(self, object tree, str name, int i) except -1:
        if self.span[i].n == TOLD:
            if self.told[i] is None:
                tree.attrib.pop(name, None)
            else:
                tree.set(name, self.told[i])
        return 0

    def child(self):
        """The first direct child of element()."""
        return None if self.span[PART_CHILD].n == ABSENT else self.element()[0]

    def with_addresses(self, str from_, str to):
        """The same, from somebody else to somebody else."""
        cdef Stanza stanza = Stanza.__new__(Stanza)
        stanza.kind = self.kind
        stanza.flags = self.flags
        stanza.known = self.known
        stanza.held = self.held
        stanza.at = self.at
        stanza.size = self.size
        stanza.outer = self.outer
        stanza.span = self.span
        stanza.told = None if self.told is None else list(self.told)
        stanza.tell(PART_FROM, from_)
        stanza.tell(PART_TO, to)
        return stanza

    def written(self, bytes piece not None=b"", *, str lang=None):
        """As we send it: a new head, the rest copied where the splice rule allows it, else re-serialised."""
        cdef bytes document = below_root(self.own(), self.outer)
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
    cdef size_t size
    cdef str from_ = stanza.from_, to = stanza.to, id = stanza.id, type = stanza.type  # alive until it is written
    head.kind = stanza.kind
    head.from_ = utf8(from_)
    head.to = utf8(to)
    head.id = utf8(id)
    head.type = utf8(type)
    head.lang = utf8(lang)
    size = splice_size(&head, view, len(piece))
    cdef bytes written = PyBytes_FromStringAndSize(NULL, size)
    splice_write(<char*>written, &head, view, piece, len(piece))
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
