# xml.etree.ElementTree.XMLPullParser for XMPP streams: the same calls and elements, another tokenizer underneath.
cimport cython
from headrace.core.tokenizer cimport Record
from headrace.core.tree cimport TreeWriter
from headrace.stream.intake cimport Intake

cdef enum:                      # events that are wanted
    WANT_START = 1
    WANT_END = 2
    WANT_START_NS = 4
    WANT_END_NS = 8
    WANT_NS = 12


cdef class XMLPullParser(Intake):
    cdef TreeWriter writer
    cdef int wanted
    cdef bint inner             # events of elements inside of stanzas are wanted, too
    cdef bint closed            # the root's end tag has come
    cdef bint over              # close() was called
    cdef list queue             # events; an exception stands where it is to be raised
    cdef Py_ssize_t taken       # of them
    cdef bytes raw              # the element under way, if namespace events are wanted
    cdef list declared          # declarations of each open element, likewise

    cdef int read(self) except -1
    cdef int stanza(self, const Record* r, const Record* end) except -1
    cdef int start(self, const Record** r, const Record* end) except -1     # *r is moved behind the tag
    cdef int end(self, bint told) except -1


@cython.final
cdef class StanzaPullParser(XMLPullParser):
    pass
