# Tokenizers for stanzas that come from no link: of our own making, cleaned, or held back.
cimport cython
from headrace.core.tokenizer cimport Tokenizer, Workspace


@cython.final
cdef class Reader:
    """Tokenizers below an open stream root, in a workspace of their own: they never disturb a session's."""
    cdef readonly Workspace work
    cdef list idle          # of Tokenizer

    # Stands on the stanza, which the caller keeps alive until give(). Raises ValueError if it is not one element.
    cdef Tokenizer take(self, bytes stanza)
    cdef int give(self, Tokenizer tok) except -1        # back, when the stanza has been dealt with

# A tokenizer below a root that binds these prefixes (Tokenizer.outer_bindings()), without bounds: what it will read has
# been inside them.
cdef Tokenizer open_tokenizer(Workspace work, tuple bindings)
# Feed it one element and stand on it; raises ValueError if that is not what it is.
cdef int stand_on(Tokenizer tok, bytes element) except -1
