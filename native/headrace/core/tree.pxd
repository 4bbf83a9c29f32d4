# From the tape to Python's objects: names as str that are made once, attributes as dict, elements of ElementTree.
cimport cython
from cpython.object cimport PyObject
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from headrace.core.buf cimport Str
from headrace.core.tokenizer cimport R_REFS, Record, Tokenizer

cdef extern from "headrace/core/pystr.h":
    # Checked UTF-8 as str.
    str pystr(const char* p, size_t n)
    # callable(first), callable(first, second).
    object call_one(object callable, object first)
    object call_two(object callable, object first, object second)

cdef enum:
    NAMES = 256         # slots, a power of 2: a stream of all usual kinds of stanzas has about 150 names
    NAME_BYTES = 128    # of URI and local name; a longer one is not remembered

cdef struct Name:
    PyObject* text      # str, owned; NULL: the slot is free
    const char* local   # the local name in it, UTF-8
    const char* uri     # the namespace in it, if ns is none of the table
    uint64_t key        # first 8 bytes of the local name, the rest 0
    uint32_t uri_n
    uint16_t name_n
    uint16_t ns         # Ns


@cython.final
cdef class Names:
    """Names of elements and attributes as `{uri}local`. A new one takes the slot of an older one: what strangers
    invent takes no more room than this."""
    cdef Name slot[NAMES]
    cdef object tree_builder    # xml.etree's class: to import it once more costs as much as a small element
    cdef str get(self, Tokenizer tok, const Record* r)
    # The attributes behind a T_START; *r is moved behind them.
    cdef dict attributes(self, Tokenizer tok, const Record** r, const Record* end)


@cython.final
cdef class TreeWriter:
    """Writes elements below a xml.etree TreeBuilder, whose `start`, `data` and `end` it calls."""
    cdef Names names
    cdef object builder
    cdef object start
    cdef object data
    cdef object end
    # The tokenizer's current element; what was open in the builder stays open.
    cdef object write(self, Tokenizer tok)


cdef inline str value_of(Tokenizer tok, const Record* r):
    """Value of a T_ATTR or T_TEXT."""
    cdef Str s
    if not r.flags & R_REFS:
        return pystr(tok.view.base + r.value, r.value_n)
    s = tok.value(r)
    return pystr(s.p, s.n)

# `{uri}local`, or `local` without a namespace.
cdef str name_of(Tokenizer tok, const Record* r)
# The tokenizer's current element as xml.etree.ElementTree.Element. names: for who builds many.
cdef object build_element(Tokenizer tok, Names names=*)
