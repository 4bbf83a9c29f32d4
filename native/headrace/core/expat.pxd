# expat as a second backend: what events.pyx gives, from handlers in C. No byte offsets: the capsule has none.

cdef extern from "headrace/core/expat_capi.h":
    ctypedef void* ExpatParser

    ctypedef struct ExpatApi:
        int major
        int minor
        int micro
        const char* (*error_string)(int code) noexcept
        int (*error_code)(ExpatParser parser) noexcept
        int (*parse)(ExpatParser parser, const char* data, int n, int final) except? 0
        ExpatParser (*create)(const char* encoding, const void* memory, const char* separator) noexcept
        void (*free)(ExpatParser parser) noexcept
        void (*on_text)(ExpatParser parser, void (*handler)(void*, const char*, int) noexcept) noexcept
        void (*on_comment)(ExpatParser parser, void (*handler)(void*, const char*) noexcept) noexcept
        void (*on_other)(ExpatParser parser, void (*handler)(void*, const char*, int) noexcept) noexcept
        void (*on_element)(ExpatParser parser, void (*start)(void*, const char*, const char**) noexcept,
                           void (*end)(void*, const char*) noexcept) noexcept
        void (*on_declaration)(ExpatParser parser, void (*start)(void*, const char*, const char*) noexcept,
                               void (*end)(void*, const char*) noexcept) noexcept
        void (*on_instruction)(ExpatParser parser,
                               void (*handler)(void*, const char*, const char*) noexcept) noexcept
        void (*set_self)(ExpatParser parser, void* self) noexcept
        void (*on_doctype)(ExpatParser parser,
                           void (*handler)(void*, const char*, const char*, const char*, int) noexcept) noexcept
        int (*set_salt)(ExpatParser parser, unsigned long salt) noexcept

cdef class ExpatReader:
    cdef ExpatParser parser
    cdef object limits
    cdef list events            # of the feed under way
    cdef list pieces            # of the element under way
    cdef list text              # pieces of the text under way
    cdef list open              # names of the open elements
    cdef tuple error            # condition and text, once something is wrong
    cdef bint opened            # the root's start tag has come
    cdef bint closed            # its end tag has
    cdef unsigned long long fed         # bytes so far
    cdef unsigned long long last        # of them when the last top-level element ended
    cdef unsigned long elements         # in the element under way
    cdef unsigned long tops             # top-level elements
    cdef unsigned long decls            # of the tag under way

    cdef int wrong(self, str condition, str text) except -1
    cdef int started(self, str name, list attributes) except -1
    cdef int ended(self, str name) except -1
    cdef int wrote(self, str text) except -1
    cdef int unread(self, str text) except -1   # what no other handler takes: the XML declaration, CDATA
    cdef int flush(self) except -1              # the text under way becomes a piece
    cdef int parse(self, const char* data, int n, bint final) except -1
    cdef int check_sizes(self) except -1
