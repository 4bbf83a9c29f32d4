"""The events of events.pyx from expat, through pyexpat's C capsule: see expat.pyi."""

import os
import re

import pyexpat

from headrace.core.limits import CLIENT

from cpython.pycapsule cimport PyCapsule_GetPointer

cdef extern from "headrace/core/expat_capi.h":
    const char* EXPAT_CAPSULE
    const ExpatApi* expat_checked(const void* capsule) noexcept
    bint expat_prompt(const ExpatApi* api, ExpatParser parser) noexcept

cdef const ExpatApi* api = expat_checked(PyCapsule_GetPointer(pyexpat.expat_CAPI, EXPAT_CAPSULE))  # set at import
if api == NULL:
    raise ImportError("pyexpat's table of functions is not the one that is known here")

version = pyexpat.EXPAT_VERSION

# Form feed joins URI and name: no XML document can contain it.
SEPARATOR = "\x0c"
DECLARED = re.compile(r"<\?xml\s+version\s*=\s*['\"]([^'\"]*)['\"](?:\s+encoding\s*=\s*['\"]([^'\"]*)['\"])?")

cdef str condition_of(int code):
    """The stream error condition for expat's error code."""
    if code == 1:
        return "resource-constraint"
    if code == 11:      # an entity that nobody declared
        return "restricted-xml"
    return "unsupported-encoding" if code in (18, 19) else "not-well-formed"


cdef void on_start(void* self, const char* name, const char** attributes) noexcept:
    cdef list found = []
    cdef size_t i = 0
    while attributes[i] != NULL:
        found.append((*split(attributes[i].decode()), attributes[i + 1].decode()))
        i += 2
    (<ExpatReader>self).started(name.decode(), found)


cdef void on_end(void* self, const char* name) noexcept:
    (<ExpatReader>self).ended(name.decode())


cdef void on_text(void* self, const char* text, int n) noexcept:
    (<ExpatReader>self).wrote(text[:n].decode())


cdef void on_other(void* self, const char* text, int n) noexcept:
    (<ExpatReader>self).unread(text[:n].decode())


cdef void on_comment(void* self, const char* text) noexcept:
    (<ExpatReader>self).wrong("restricted-xml", "comments are not allowed")


cdef void on_instruction(void* self, const char* target, const char* text) noexcept:
    (<ExpatReader>self).wrong("restricted-xml", "processing instructions are not allowed")


cdef void on_doctype(void* self, const char* name, const char* system, const char* public, int internal) noexcept:
    (<ExpatReader>self).wrong("restricted-xml", "a document type declaration is not allowed")


cdef void on_declared(void* self, const char* prefix, const char* uri) noexcept:
    (<ExpatReader>self).decls += 1


cdef void on_undeclared(void* self, const char* prefix) noexcept:
    pass


cdef tuple split(str name):
    uri, _, local = name.rpartition(SEPARATOR)
    return uri, local


cdef class ExpatReader:
    def __cinit__(self, limits=None):
        self.limits = CLIENT if limits is None else limits
        self.reset()

    def __dealloc__(self):
        if self.parser != NULL:
            api.free(self.parser)

    def reset(self):
        if self.parser != NULL:
            api.free(self.parser)
        self.parser = api.create(NULL, NULL, b"\x0c")
        if self.parser == NULL:
            raise MemoryError
        expat_prompt(api, self.parser)
        if api.set_salt != NULL:
            api.set_salt(self.parser, int.from_bytes(os.urandom(4), "little") | 1)
        api.set_self(self.parser, <void*>self)
        api.on_element(self.parser, on_start, on_end)
        api.on_text(self.parser, on_text)
        api.on_other(self.parser, on_other)
        api.on_comment(self.parser, on_comment)
        api.on_instruction(self.parser, on_instruction)
        api.on_doctype(self.parser, on_doctype)
        api.on_declaration(self.parser, on_declared, on_undeclared)
        self.events, self.pieces, self.text, self.open = [], [], [], []
        self.error = None
        self.opened = self.closed = False
        self.fed = self.last = self.elements = self.decls = 0

    def feed(self, bytes data not None):
        cdef const char* p = data
        cdef Py_ssize_t i = 0, n = len(data), step
        self.events = []
        while i < n and self.error is None:
            step = min(n - i, 4096) if self.opened else prolog_piece(p + i, n - i)
            self.parse(p + i, <int>step, False)
            i += step
        return self.events

    def finish(self):
        self.events = []
        if self.error is None:
            self.parse(b"", 0, True)
        return self.events

    cdef int parse(self, const char* data, int n, bint final) except -1:
        cdef int code
        ok = api.parse(self.parser, data, n, final)
        self.fed += n
        if not ok and self.error is None:
            code = api.error_code(self.parser)
            self.wrong(condition_of(code), api.error_string(code).decode())
        return self.check_sizes()

    cdef int check_sizes(self) except -1:
        size = self.fed - self.last
        if not self.opened:
            allowed = self.limits.header
        elif self.open is not None and len(self.open) > 1:
            allowed = self.limits.stanza
        else:
            self.last = self.fed
            return 0
        if allowed and size > allowed:
            self.wrong("policy-violation", "an element is too large")
        return 0

    cdef int wrong(self, str condition, str text) except -1:
        if self.error is None:
            self.error = condition, text
            self.events.append(("error", condition, text, None))
        return 0

    cdef int started(self, str name, list attributes) except -1:
        decls, self.decls = self.decls, 0
        if self.error is not None:
            return 0
        uri, local = split(name)
        self.open.append(name)
        depth = len(self.open) - 1
        bounds = self.limits
        if depth == 0:
            self.opened = True
            self.last = self.fed
            self.events.append(("open", uri, local, tuple(attributes)))
        else:
            self.flush()
            self.elements = 1 if depth == 1 else self.elements + 1
            self.tops += depth == 1
            self.pieces.append(("start", uri, local, tuple(attributes)))
        longest = max(len(local), max([len(attribute[1]) for attribute in attributes], default=0))
        for bound, value in (
            (bounds.depth, depth), (bounds.elements, self.elements), (bounds.attrs, len(attributes)),
            (bounds.decls, decls), (bounds.name, longest), (bounds.tops, self.tops), (bounds.total, self.fed),
        ):
            if bound and value > bound:
                self.wrong("policy-violation", "more than the limits allow")
        return 0

    cdef int ended(self, str name) except -1:
        if self.error is not None:
            return 0
        self.open.pop()
        self.flush()
        if not self.open:
            self.closed = True
            self.events.append(("close",))
            return 0
        self.pieces.append(("end", *split(name)))
        if len(self.open) == 1:
            self.events.append(("element", None, tuple(self.pieces)))
            self.pieces = []
            self.last = self.fed
        return 0

    cdef int wrote(self, str text) except -1:
        if self.error is not None:
            return 0
        if len(self.open) > 1:
            self.text.append(text)
        elif text.strip(" \t\r\n"):
            self.wrong("bad-format", "text between top-level elements")
        return 0

    cdef int unread(self, str text) except -1:
        if text.startswith("<?xml"):
            found = DECLARED.match(text)
            if found is None or found[1] != "1.0":
                return self.wrong("not-well-formed", "the XML declaration must say version 1.0")
            if found[2] is not None and found[2].lower() != "utf-8":
                return self.wrong("unsupported-encoding", "only UTF-8 is spoken here")
        elif text == "<![CDATA[" and len(self.open) == 1:
            return self.wrong("bad-format", "text between top-level elements")
        return 0

    cdef int flush(self) except -1:
        if self.text:
            self.pieces.append(("text", "".join(self.text)))
            self.text = []
        return 0


cdef Py_ssize_t prolog_piece(const char* p, Py_ssize_t n) noexcept:
    """Bytes to the next '>' or '[': a document type declaration is seen before anything in it is expanded.

    Not less than that: an expat that defers would report a tag that came in small pieces much later."""
    cdef Py_ssize_t i
    for i in range(n):
        if p[i] == c'>' or p[i] == c'[':
            return i + 1
    return n


def _is_prompt():
    """Whether a tag is reported by the feed that brings its last byte, though that one is short."""
    reader = ExpatReader()
    reader.feed(b"<a><b c='0123456789'")
    return bool(reader.feed(b"/>"))


prompt = _is_prompt()
