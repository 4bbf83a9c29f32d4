"""Skeleton; its owner fills it."""

cdef class Stanza:
    pass


cdef Stanza stanza_copy(Tokenizer tok, str from_, str to):
    return None
