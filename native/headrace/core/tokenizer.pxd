# The incremental XML tokenizer: bytes in, checked top-level elements out. Knows XML and XMPP's restriction of it
# (RFC 6120 11), no sockets, no clock. parser.md lists what it must refuse; protocol.md 8 the bounds; 15 the modes.
#
#     tok.feed(data, n)               the bytes stay the caller's; they must live until next() answers EV_MORE
#     while True: ev = tok.next()     one depth-1 element (or open, close, error) at a time: pull, never call back
#
# Pointers in tok.view / tok.tape are valid until the following next() or feed(). A caller that stops pulling before
# EV_MORE calls keep() (the tokenizer copies the unread rest; pulling goes on later), or takes rest() and reset()s.
cimport cython
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from headrace.core.buf cimport Str

cdef extern from "headrace/core/view.h":
    cpdef enum Mode:
        MODE_STREAM         # TCP: one root, its children are the elements
        MODE_FRAME          # RFC 7395: each feed is one frame, one element at depth 0, nothing inherited
        MODE_BODY           # XEP-0124: each feed is one <body/>, its children are the elements

    cpdef enum Ev:
        EV_MORE             # all input used, nothing complete
        EV_OPEN             # the root's start tag (MODE_STREAM, MODE_BODY); attributes in view and through attr()
        EV_ELEMENT          # one complete top-level element, in view and tape
        EV_CLOSE            # the root's end tag
        EV_ERROR            # nothing more will come; error_* are set

    cpdef enum Kind:
        KIND_OTHER          # a nonza, or anything outside the content namespace
        KIND_MESSAGE
        KIND_PRESENCE
        KIND_IQ

    cpdef enum Flag:
        # Facts about an element, from the events, never searched for in bytes (protocol.md 1).
        F_SELF_CLOSED           # <message .../>
        F_PREFIXED              # the top tag's name has a prefix
        F_EXTRA_ATTRS           # the top tag has an attribute beside to from id type xml:lang xmlns xmlns:p
        F_OUTER_BINDING         # a name resolved by a binding made outside; not xml:, nor the default content one
        F_CONTENT_CHILD         # a direct child is in a content namespace by its own declaration or a prefix
        F_TOP_TEXT              # non-whitespace text directly below the top element
        F_FOREIGN_DEFAULT       # the default namespace outside the element is not the stream's content namespace
        F_OWN_XMLNS             # the top tag declares xmlns='...' itself

    cpdef enum TapeKind:
        T_START             # name, ns
        T_ATTR              # name, ns, value
        T_TEXT              # value; consecutive pieces may be several records
        T_END               # name, ns

    ctypedef struct Record:
        # One event of the tape. Offsets count from view.base. Raw values are decoded with value().
        uint8_t kind        # TapeKind
        uint8_t flags       # R_* below
        uint16_t depth      # 1 for the top element of a stream
        uint16_t ns         # an Ns if below NS_COUNT; uri() takes any. Two may be the same URI
        uint16_t name_n     # bytes of the local name
        uint32_t name       # offset of the local name (START, ATTR, END)
        uint32_t value      # offset of the raw value (ATTR, TEXT); START: of '<'; END: behind '>'
        uint32_t value_n    # bytes of the raw value

    enum:
        R_REFS              # value contains references, CR, or (attributes) white space to be normalised
        R_CDATA             # text is the inside of a CDATA section
        R_PREFIXED          # the name was written with a prefix

    ctypedef struct Child:
        # A direct child of the element.
        uint8_t known       # Known, 0 if none
        uint8_t ns          # Ns, NS_OTHER if not in the table
        Str name            # local name
        Str uri             # its namespace
        uint32_t start      # offset of its '<' from view.base
        uint32_t end        # behind its '>'
        uint32_t inner      # behind the '>' of its start tag
        uint32_t inner_end  # at the '<' of its end tag

    enum:
        MAX_CHILDREN        # recorded one by one; StanzaView.known and .children count all
        MAX_DECLS           # the largest Limits.decls

    ctypedef struct StanzaView:
        const char* base    # the element's first byte, as received
        uint32_t size       # all its bytes
        uint8_t kind        # Kind
        uint8_t ns          # Ns of the top tag
        uint16_t flags      # Flag
        Str name            # local name of the top tag
        Str uri             # its namespace
        Str to              # decoded values of the head; p == NULL if absent
        Str from_
        Str id
        Str type
        Str lang            # xml:lang of the element itself (or of the stream header, for EV_OPEN)
        uint32_t body       # offset behind the '>' of the top tag; == body_end if F_SELF_CLOSED
        uint32_t body_end   # offset of the '<' of its end tag
        uint64_t known      # bits: Known
        uint32_t children   # direct children, all of them
        uint32_t elements   # elements in it, itself included
        Child child[MAX_CHILDREN]
        uint8_t decls       # own xmlns:p declarations, raw (p="uri" with its xmlns:), in order
        uint32_t decl[MAX_DECLS]
        uint32_t decl_n[MAX_DECLS]

    ctypedef struct Limits:
        # Bounds; 0 = none, except where said. Defaults and their reasons: headrace.core.limits; protocol.md 8.
        uint32_t stanza     # bytes of a top-level element
        uint32_t header     # bytes up to the end of the root's start tag
        uint32_t elements   # elements in a top-level element
        uint16_t depth      # nesting below the root
        uint16_t attrs      # attributes of a tag (declarations not counted)
        uint16_t decls      # namespace declarations of a tag (at most MAX_DECLS)
        uint16_t name       # bytes of a name with its prefix
        uint32_t total      # bytes of the whole document and its restarts (negotiation)
        uint32_t tops       # top-level elements in all of them (negotiation)

cdef extern from "headrace/core/machine.h":
    # The insides, of tokenizer.pyx alone.
    ctypedef int (*Run)(Machine*, const char*, const char*, const char*) noexcept nogil

    ctypedef struct Frame:
        Record* tape
        uint32_t tape_n
        uint32_t head_attrs
        Frame* next
        StanzaView view

    ctypedef struct Work:
        Frame* free
        uint64_t seed
        Run run
        const char* scan
        char* value
        size_t value_cap

    ctypedef struct OuterBind:
        uint32_t prefix
        uint16_t prefix_n
        uint16_t ns

    ctypedef struct Outer:
        uint16_t binds
        uint16_t ns
        uint32_t size
        OuterBind* bind
        char* text

    ctypedef struct Machine:
        Work* work
        Frame* frame
        Outer* outer
        const char* in_ "in"
        const char* in_end
        const char* base
        uint8_t done
        uint64_t consumed
        uint64_t error_at
        uint8_t mode
        uint8_t content
        uint8_t failed
        const char* condition
        const char* message
        size_t pend_n


@cython.final
cdef class Workspace:
    """Scratch that all tokenizers of one thread share: decode buffers, tape, frames on a free list. One per Reactor."""
    cdef Work w


@cython.final
@cython.no_gc
cdef class Tokenizer:
    cdef Machine m
    cdef readonly Workspace work
    cdef StanzaView* view          # of the EV_OPEN / EV_ELEMENT that next() has just given; else NULL
    cdef Record* tape              # its events
    cdef uint32_t tape_n
    cdef readonly int mode         # Mode
    cdef readonly int content      # Ns of the content namespace (from the header's default xmlns)
    cdef readonly bint failed      # an EV_ERROR was given
    cdef const char* error_condition   # RFC 6120 4.9.3 name, e.g. "not-well-formed"
    cdef const char* error_text        # English, for <text/>
    cdef uint64_t error_offset         # bytes from the start of the document
    cdef readonly uint64_t consumed    # bytes of the document taken so far

    cdef void feed(self, const char* data, size_t n) noexcept
    cdef int next(self) noexcept                    # Ev
    cdef int keep(self) except -1                   # copy what is unread; for a caller that stops pulling. MemoryError
    cdef Str rest(self) noexcept                    # what is unread (valid until reset/feed/next)
    cdef bint begun(self) noexcept                  # an element (or the header) has, and is not complete
    cdef Str skip_space(self) noexcept              # between elements: what is unread behind it
    cdef void reset(self, bint drop_rest) noexcept  # a new document; unread bytes are kept (and parsed next) or dropped
    cdef void set_limits(self, const Limits* limits) noexcept       # from the next feed on
    cdef Str attr(self, const char* name) noexcept  # decoded unprefixed attribute of the last view's top tag
    cdef Str uri(self, int index) noexcept          # namespace URI of Record.ns
    cdef Str value(self, const Record* r) noexcept  # decoded value of a record; valid until the next value()/next()
    cdef tuple outer_bindings(self)                 # ((prefix or None, uri), ...) in force around top-level elements
    cdef void close(self) noexcept                  # gives all memory back; the tokenizer can't be used any more

# Fills the C struct from a headrace.core.limits.Limits. Raises AttributeError, OverflowError.
cdef int fill_limits(Limits* out, object limits) except -1
