"""Heads, splices and escapes; element trees as bytes."""

from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport uint32_t
from libc.string cimport memcpy

from headrace.core.buf cimport buf_free, buf_put, buf_reserve
from headrace.core.tokenizer cimport (
    F_CONTENT_CHILD, F_EXTRA_ATTRS, F_FOREIGN_DEFAULT, F_OUTER_BINDING, F_OWN_XMLNS, F_PREFIXED)
from headrace.core.tokenizer cimport KIND_MESSAGE, KIND_OTHER, KIND_PRESENCE

cdef extern from "headrace/core/escape.h" nogil:
    size_t headrace_plain(const char* p, size_t n)      # bytes that may be copied as they are

cdef enum:
    MAX_DEPTH = 256     # of a tree to be written: far above what any stream lets in (protocol.md 8)

_XML = "http://www.w3.org/XML/1998/namespace"
_XMLNS = "http://www.w3.org/2000/xmlns/"


# ---- escapes

cdef inline Str literal(const char* p, size_t n) noexcept nogil:
    cdef Str s
    s.p = p
    s.n = n
    return s


cdef inline Str escape_of(char c) noexcept nogil:
    """What stands for a character that can't be copied."""
    if c == c'&':
        return literal(b"&amp;", 5)
    if c == c'<':
        return literal(b"&lt;", 4)
    if c == c'>':
        return literal(b"&gt;", 4)
    if c == c'"':
        return literal(b"&quot;", 6)
    if c == c"'":
        return literal(b"&apos;", 6)
    if c == c'\t':
        return literal(b"&#9;", 4)
    if c == c'\n':
        return literal(b"&#10;", 5)
    return literal(b"&#13;", 5)     # CR; the other controls never get this far


cdef size_t escaped_size(Str value) noexcept nogil:
    cdef size_t i = headrace_plain(value.p, value.n), size = value.n
    while i < value.n:
        size += escape_of(value.p[i]).n - 1
        i += 1
        i += headrace_plain(value.p + i, value.n - i)
    return size


cdef inline char* copy(char* dst, const char* p, size_t n) noexcept nogil:
    memcpy(dst, p, n)
    return dst + n


cdef char* escape_to(char* dst, Str value) noexcept nogil:
    """Writes escaped_size(value) bytes; returns the end."""
    cdef size_t run = headrace_plain(value.p, value.n)
    cdef Str replacement
    dst = copy(dst, value.p, run)
    while run < value.n:
        replacement = escape_of(value.p[run])
        dst = copy(dst, replacement.p, replacement.n)
        value.p += run + 1
        value.n -= run + 1
        run = headrace_plain(value.p, value.n)
        dst = copy(dst, value.p, run)
    return dst


cdef int put_escaped(Buf* out, Str value) except -1 nogil:
    cdef size_t size = escaped_size(value)
    if size == 0:
        return 0
    buf_reserve(out, size)
    escape_to(out.p + out.n, value)
    out.n += size
    return 0


# ---- heads

cdef inline Str name_of(int kind) noexcept nogil:
    if kind == KIND_MESSAGE:
        return literal(b"message", 7)
    if kind == KIND_PRESENCE:
        return literal(b"presence", 8)
    return literal(b"iq", 2)


cdef inline size_t attribute_size(size_t name, Str value) noexcept nogil:
    """` name='value'`, or nothing."""
    return 0 if value.p == NULL else name + 4 + escaped_size(value)


cdef inline char* attribute_to(char* dst, const char* opening, size_t n, Str value) noexcept nogil:
    """`opening` is ` name='`."""
    if value.p != NULL:
        dst = escape_to(copy(dst, opening, n), value)
        dst[0] = c"'"
        dst += 1
    return dst


cdef size_t head_size(const Head* head) noexcept nogil:
    """`<name` and its attributes."""
    return (1 + name_of(head.kind).n + attribute_size(4, head.from_) + attribute_size(2, head.to) +
            attribute_size(2, head.id) + attribute_size(4, head.type) + attribute_size(8, head.lang))


cdef char* head_to(char* dst, const Head* head) noexcept nogil:
    cdef Str name = name_of(head.kind)
    dst[0] = c'<'
    dst = copy(dst + 1, name.p, name.n)
    dst = attribute_to(dst, b" from='", 7, head.from_)
    dst = attribute_to(dst, b" to='", 5, head.to)
    dst = attribute_to(dst, b" id='", 5, head.id)
    dst = attribute_to(dst, b" type='", 7, head.type)
    return attribute_to(dst, b" xml:lang='", 11, head.lang)


cdef inline size_t rest_size(int kind, size_t inside) noexcept nogil:
    """Behind the head: `/>`, or `>` inside `</name>`."""
    return 2 if inside == 0 else 1 + inside + 3 + name_of(kind).n


cdef inline char* end_to(char* dst, int kind) noexcept nogil:
    cdef Str name = name_of(kind)
    dst = copy(copy(dst, b"</", 2), name.p, name.n)
    dst[0] = c'>'
    return dst + 1


cdef char* inside_to(char* dst, int kind, const char* body, size_t body_n, const char* piece,
                     size_t pieces) noexcept nogil:
    if body_n + pieces == 0:
        return copy(dst, b"/>", 2)
    dst[0] = c'>'
    dst = copy(dst + 1, body, body_n)
    if pieces:
        dst = copy(dst, piece, pieces)
    return end_to(dst, kind)


# ---- splices (protocol.md 1)

cdef bint splice_allowed(const StanzaView* view) noexcept nogil:
    if view.kind == KIND_OTHER:
        return False
    # A default namespace from outside matters only where the top tag doesn't declare its own.
    if view.flags & (F_FOREIGN_DEFAULT | F_OWN_XMLNS) == F_FOREIGN_DEFAULT:
        return False
    return not view.flags & (F_PREFIXED | F_EXTRA_ATTRS | F_OUTER_BINDING | F_CONTENT_CHILD)


cdef size_t splice_size(const Head* head, const StanzaView* view, size_t pieces) noexcept nogil:
    cdef size_t size = head_size(head) + rest_size(head.kind, view.body_end - view.body + pieces)
    cdef int i
    for i in range(view.decls):
        size += 1 + view.decl_n[i]
    return size


cdef char* splice_write(
        char* dst, const Head* head, const StanzaView* view, const char* piece, size_t pieces) noexcept nogil:
    cdef int i
    dst = head_to(dst, head)
    for i in range(view.decls):
        dst[0] = c' '
        dst = copy(dst + 1, view.base + view.decl[i], view.decl_n[i])
    return inside_to(dst, head.kind, view.base + view.body, view.body_end - view.body, piece, pieces)


cdef int write_stanza(Buf* out, const Head* head, const char* body, size_t body_n) except -1 nogil:
    cdef size_t size = head_size(head) + rest_size(head.kind, body_n)
    buf_reserve(out, size)
    inside_to(head_to(out.p + out.n, head), head.kind, body, body_n, NULL, 0)
    out.n += size
    return 0


# ---- trees

cdef Str utf8(str text) except *:
    """The text as a parser could have given it to us. Raises ValueError for what XML can't carry."""
    cdef Str s
    cdef Py_ssize_t n
    if not text.isascii() and ("\ufffe" in text or "\uffff" in text):
        raise ValueError(f"XML can't carry U+FFFE and U+FFFF: {text!r}")
    s.p = PyUnicode_AsUTF8AndSize(text, &n)
    s.n = n
    refuse_controls(s, text)
    return s


cdef int refuse_controls(Str s, str text) except -1:
    cdef size_t i = headrace_plain(s.p, s.n)
    while i < s.n:
        if <unsigned char>s.p[i] < 32 and s.p[i] != c'\t' and s.p[i] != c'\n' and s.p[i] != c'\r':
            raise ValueError(f"XML can't carry control characters: {text!r}")
        i += 1
        i += headrace_plain(s.p + i, s.n - i)
    return 0


cdef int put_text(Buf* out, str text) except -1:
    """Character data: quotes, TAB and LF may stay."""
    cdef Str s = utf8(text), replacement
    cdef size_t run
    cdef char c
    buf_reserve(out, s.n)
    while s.n:
        run = headrace_plain(s.p, s.n)
        buf_put(out, s.p, run)
        s.p += run
        s.n -= run
        if s.n == 0:
            break
        c = s.p[0]
        if c == c'&' or c == c'<' or c == c'>' or c == c'\r':
            replacement = escape_of(c)
            buf_put(out, replacement.p, replacement.n)
        else:
            buf_put(out, s.p, 1)
        s.p += 1
        s.n -= 1
    return 0


cdef int put_value(Buf* out, str name, str value) except -1:
    """` name='value'`; the name is known to be one."""
    put_name(out, b" ", name)
    buf_put(out, b"='", 2)
    put_escaped(out, utf8(value))
    return buf_put(out, b"'", 1)


cdef int put_name(Buf* out, bytes before, str name) except -1:
    cdef Py_ssize_t n
    cdef const char* p = PyUnicode_AsUTF8AndSize(name, &n)
    buf_put(out, <const char*>before, len(before))
    return buf_put(out, p, n)


cdef inline bint starts_name(uint32_t c) noexcept nogil:
    return c'a' <= (c | 0x20) <= c'z' or c == c'_' or c >= 128


cdef int check_name(str name) except -1:
    """That a local name can't end its tag early or be read as something else."""
    cdef Py_ssize_t i
    cdef Py_UCS4 c
    for i in range(len(name)):
        c = name[i]
        if not (starts_name(c) or (i and (c'0' <= c <= c'9' or c == c'-' or c == c'.'))):
            raise ValueError(f"{name!r} is no XML name without a prefix")
    if not name:
        raise ValueError("a name is empty")
    return 0


cdef tuple split_tag(object tag):
    """("namespace" or "", "local") of an ElementTree name."""
    cdef str uri = "", name
    if not isinstance(tag, str):
        raise TypeError(f"only elements can be written, not {tag!r}")
    name = tag
    if name[:1] == "{":
        uri, _, name = name[1:].rpartition("}")
    check_name(name)
    if uri == _XMLNS:
        raise ValueError("nothing can be in the namespace of xmlns")
    return uri, name


cdef int put_attributes(Buf* out, object element) except -1:
    cdef int prefixes = 0
    cdef str uri, name
    for tag, value in element.items():
        uri, name = split_tag(tag)
        if uri == _XML:
            name = "xml:" + name
        elif uri:
            put_value(out, f"xmlns:n{prefixes}", uri)
            name = f"n{prefixes}:{name}"
            prefixes += 1
        elif name == "xmlns":
            raise ValueError("xmlns is no attribute of a tree")
        put_value(out, name, value)
    return 0


cdef int put_element(Buf* out, object element, str outer, int depth) except -1:
    cdef str uri, name, text = element.text
    uri, name = split_tag(element.tag)
    if depth > MAX_DEPTH:
        raise ValueError(f"a tree deeper than {MAX_DEPTH}")
    if uri == _XML:
        name = "xml:" + name
        uri = outer
    put_name(out, b"<", name)
    if uri != outer:
        put_value(out, "xmlns", uri)
    put_attributes(out, element)
    if not text and not len(element):
        return buf_put(out, b"/>", 2)
    buf_put(out, b">", 1)
    if text:
        put_text(out, text)
    for child in element:
        put_element(out, child, uri, depth + 1)
        if child.tail:
            put_text(out, child.tail)
    put_name(out, b"</", name)
    return buf_put(out, b">", 1)


def serialize(element, str default_ns not None="jabber:client"):
    """The element as UTF-8, for a place where `default_ns` is the default namespace."""
    cdef Buf out
    out.p = NULL
    out.n = out.cap = 0
    try:
        put_element(&out, element, default_ns, 0)
        return out.p[:out.n]
    finally:
        buf_free(&out)


def escape(str text not None):
    """`text` for use as character data or inside an attribute value of either quote."""
    cdef Str s = utf8(text)
    cdef Buf out
    if headrace_plain(s.p, s.n) == s.n:
        return text
    out.p = NULL
    out.n = out.cap = 0
    try:
        put_escaped(&out, s)
        return out.p[:out.n].decode()
    finally:
        buf_free(&out)
