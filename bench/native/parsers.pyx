"""Parsers driven from C for bench/compare/parsers.py: ours by view and by tape, expat with handlers that do nothing."""

import pyexpat

from cpython.pycapsule cimport PyCapsule_GetPointer
from headrace.core.tokenizer cimport EV_ELEMENT, EV_ERROR, EV_MORE, T_START, Tokenizer, Workspace


cdef extern from "headrace/core/expat_capi.h":
    const char* EXPAT_CAPSULE
    ctypedef void* ExpatParser

    ctypedef struct ExpatApi:
        int (*parse)(ExpatParser parser, const char* data, int n, int final) noexcept
        ExpatParser (*create)(const char* encoding, const void* memory, const char* separator) noexcept
        void (*free)(ExpatParser parser) noexcept
        void (*on_text)(ExpatParser parser, void (*handler)(void*, const char*, int) noexcept) noexcept
        void (*on_element)(ExpatParser parser, void (*start)(void*, const char*, const char**) noexcept,
                           void (*end)(void*, const char*) noexcept) noexcept

    const ExpatApi* expat_checked(const void* capsule) noexcept
    bint expat_prompt(const ExpatApi* api, ExpatParser parser) noexcept


def tape(list pieces not None, scan=None):
    """Stanzas of a whole stream, and start tags that its tape has."""
    cdef Tokenizer tok = Tokenizer(Workspace(scan))
    cdef long elements = 0, starts = 0
    cdef unsigned int i
    cdef int event
    cdef bytes piece
    for piece in pieces:
        tok.feed(piece, len(piece))
        while True:
            event = tok.next()
            if event == EV_MORE:
                break
            if event == EV_ERROR:
                raise ValueError(tok.error)
            elements += event == EV_ELEMENT
            for i in range(tok.tape_n):
                starts += tok.tape[i].kind == T_START
    return elements, starts


def views(list pieces not None, scan=None):
    """Stanzas of a whole stream, and how many tags at its top have a `to`."""
    cdef Tokenizer tok = Tokenizer(Workspace(scan))
    cdef long elements = 0, addressed = 0
    cdef int event
    cdef bytes piece
    for piece in pieces:
        tok.feed(piece, len(piece))
        while True:
            event = tok.next()
            if event == EV_MORE:
                break
            if event == EV_ERROR:
                raise ValueError(tok.error)
            elements += event == EV_ELEMENT
            addressed += tok.view.to.p != NULL
    return elements, addressed


cdef void nothing_at_start(void* self, const char* name, const char** attributes) noexcept:
    pass


cdef void nothing_at_end(void* self, const char* name) noexcept:
    pass


cdef void nothing_in_text(void* self, const char* text, int n) noexcept:
    pass


def expat(list pieces not None):
    """Reads a whole stream with expat and handlers in C that do nothing. Raises ValueError."""
    cdef const ExpatApi* api = expat_checked(PyCapsule_GetPointer(pyexpat.expat_CAPI, EXPAT_CAPSULE))
    cdef ExpatParser parser = api.create("UTF-8", NULL, b"\x0c")
    cdef bytes piece
    expat_prompt(api, parser)
    api.on_element(parser, nothing_at_start, nothing_at_end)
    api.on_text(parser, nothing_in_text)
    for piece in pieces:
        if not api.parse(parser, piece, <int>len(piece), 0):
            raise ValueError("expat refuses it")
    api.free(parser)
