# XEP-0198 4 and 5 for a bound session: its client's nonzas, hibernation, resumption.
from libc.stdint cimport uint32_t
from headrace.core.buf cimport Str
from headrace.core.tokenizer cimport Tokenizer
from headrace.net.link cimport Link
from headrace.router.session cimport Session

# An unsignedInt, as `h` is.
cdef bint read_count(Str text, uint32_t* value) noexcept
# Session.attach().
cdef object resume_on(Session session, Link link, Tokenizer tok, uint32_t h, str lang)
# Its link is lost: it waits for another.
cdef int hibernate(Session session) except -1
# Its link ends with this stream error; the session has none then.
cdef int detach(Session session, str condition, str text) except -1
# An element in the namespace of stream management; <enable/> only where it is enabled already.
cdef int manage_element(Session session, Tokenizer tok) except -1
