# The owned, Python-visible form of one top-level element: what the control plane gets when something is punted.
cimport cython
from headrace.core.tokenizer cimport Tokenizer


@cython.final
cdef class Stanza:
    """A copy of one element; frozen. Strings are decoded; JIDs as the peer wrote them unless a router prepared them."""
    cdef readonly int kind             # Kind
    cdef readonly str name             # local name of the top tag
    cdef readonly str namespace
    cdef readonly str to               # None if absent; so the next four
    cdef readonly str from_
    cdef readonly str id
    cdef readonly str type
    cdef readonly str lang
    cdef readonly bytes raw            # the element as received
    cdef readonly str child_name       # first direct child (IQ dispatch); None if there is none
    cdef readonly str child_namespace
    cdef readonly unsigned long long known   # bits: Known
    cdef readonly int flags            # Flag
    cdef tuple outer                   # bindings in force around it
    cdef object tree                   # the element once element() was called

# A copy of the tokenizer's current element. to/from_ replace the head's values where given (already prepared).
cdef Stanza stanza_copy(Tokenizer tok, str from_, str to)
# The tokenizer's current element as xml.etree.ElementTree.Element, from its tape.
cdef object build_element(Tokenizer tok)
