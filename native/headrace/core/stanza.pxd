# The owned, Python-visible form of one top-level element: what the control plane gets when something is punted, and
# what StreamParser hands out.
cimport cython
from libc.stdint cimport uint32_t
from headrace.core.tokenizer cimport Tokenizer

cdef enum:                  # parts of a stanza
    PART_NAME           # local name of the top tag
    PART_URI            # its namespace
    PART_TO
    PART_FROM
    PART_ID
    PART_TYPE
    PART_LANG
    PART_CHILD          # local name of the first direct child
    PART_CHILD_URI      # its namespace
    PARTS

cdef enum:              # Span.n of what isn't bytes of the stanza as they stand
    ABSENT = 0xFFFFFFFF
    KNOWN_URI = 0xFFFFFFFE      # a namespace with a number: Span.at is its Ns
    TOLD = 0xFFFFFFFD           # in Stanza.told

cdef struct Span:
    uint32_t at         # from the element's first byte
    uint32_t n


@cython.final
@cython.freelist(64)    # of the feed before: most are gone when the next ones are made
@cython.no_gc           # it holds bytes, str and an element that can't know of it
cdef class Stanza:
    """A copy of one element; frozen. Values are decoded when they are asked for; JIDs as the peer wrote them unless a
    router prepared them."""
    cdef readonly int kind             # Kind
    cdef readonly int flags            # Flag
    cdef readonly unsigned long long known   # bits: Known
    cdef bytes held                    # bytes that have the element as received in them
    cdef uint32_t at                   # where it begins in them
    cdef uint32_t size                 # bytes of the element
    cdef Span span[PARTS]
    cdef list told                     # str by part, where the element has them otherwise: references, prepared JIDs
    cdef tuple outer                   # bindings in force around it
    cdef object tree                   # the element once element() was called

    cdef str part(self, int i)
    cdef int tell(self, int i, str value) except -1
    cdef bytes own(self)               # the element alone
    cdef int readdress(self, object tree, str name, int i) except -1

# A copy of the tokenizer's current element. to/from_ replace the head's values where given (already prepared).
cdef Stanza stanza_copy(Tokenizer tok, str from_, str to)
# The same as it stands: its bytes begin at held[at]; outer is tok.outer_bindings().
cdef Stanza stanza_of(Tokenizer tok, bytes held, size_t at, tuple outer)
