"""Calls the native floors as the data plane does, with no Python between two stanzas: for the benchmarks alone."""

from libc.stddef cimport size_t
from libc.stdio cimport snprintf
from posix.unistd cimport read, write

from headrace.core.buf cimport Str, str_of
from headrace.core.jid cimport JidCache
from headrace.core.tokenizer cimport EV_ELEMENT, EV_MORE, EV_OPEN, KIND_MESSAGE, Tokenizer, Workspace
from headrace.core.writer cimport Head, splice_allowed, splice_size, splice_write

cdef extern from *:
    """
    #include <string.h>
    """
    void* memmem(const void* haystack, size_t n, const void* needle, size_t m) noexcept

HEADER = b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"


cdef class Parse:
    """A tokenizer below an open root; run() feeds it the same stanzas again and again."""
    cdef Tokenizer tok
    cdef bytes data

    def __init__(self, bytes data not None):
        cdef bytes header = HEADER
        self.data = data
        self.tok = Tokenizer(Workspace())
        self.tok.feed(header, len(header))
        if self.tok.next() != EV_OPEN or self.tok.next() != EV_MORE:
            raise ValueError("the root was refused")

    def run(self, long times):
        """How many elements came out."""
        cdef long i, elements = 0
        cdef int event
        for i in range(times):
            self.tok.feed(self.data, len(self.data))
            event = self.tok.next()
            while event == EV_ELEMENT:
                elements += 1
                event = self.tok.next()
            if event != EV_MORE:
                raise ValueError(self.tok.error)
        return elements


cdef class Splice:
    """One parsed message; run() writes it under a new head again and again."""
    cdef Parse parse
    cdef bytes sender
    cdef bytearray place

    def __init__(self, bytes message not None, bytes sender not None):
        self.parse = Parse(message)
        self.sender = sender
        self.parse.tok.feed(message, len(message))
        if self.parse.tok.next() != EV_ELEMENT or not splice_allowed(self.parse.tok.view):
            raise ValueError("may not be spliced")
        self.place = bytearray(len(message) + len(sender) + 64)

    def run(self, long times):
        """The message as last written."""
        cdef long i
        cdef Head head
        cdef size_t size = 0, attrs_at = 0
        cdef char* dst = self.place
        head.kind = KIND_MESSAGE
        head.from_ = str_of(self.sender)
        head.to = self.parse.tok.view.to
        head.id = self.parse.tok.view.id
        head.type = self.parse.tok.view.type
        head.lang = self.parse.tok.view.lang
        for i in range(times):
            size = splice_size(&head, self.parse.tok.view, 0)
            if size > <size_t>len(self.place):
                raise ValueError("does not fit")
            splice_write(dst, &head, self.parse.tok.view, NULL, 0, &attrs_at)
        return bytes(self.place[:size])


def prepare(JidCache cache not None, bytes jid not None, long times):
    """The prepared form of a JID, looked for `times` times."""
    cdef long i
    cdef Str raw = str_of(jid), out = raw
    for i in range(times):
        if cache.prepare(raw, &out) != 0:
            raise ValueError("not a JID")
    return out.p[:out.n]


cdef class Route:
    """From the bytes in one socket to the bytes in another, through two links and the router.

    run() writes `data` to the sender's socket, lets its link read it, ends the reactor's turn and reads what the
    receiver's socket got: what the loop would do, without a loop. managed: stanzas in `data`, behind which the sender
    asks for an acknowledgement (XEP-0198); the receiver gives one when it is asked."""
    cdef object pair        # owns the sockets and links
    cdef object link        # the sender's: its own read callback
    cdef list scheduled     # what the reactor asked the loop to call
    cdef int sender         # the clients' ends of the sockets
    cdef int receiver
    cdef list others        # of those who get copies
    cdef object receiver_link
    cdef long managed
    cdef long h             # stanzas that the receiver has
    cdef bytes data
    cdef bytearray got

    def __init__(self, pair, bytes data not None, long managed=0):
        self.receiver_link = pair.juliet_link
        self.managed = managed
        self.pair = pair
        self.link = pair.romeo_link
        self.scheduled = pair.loop.scheduled
        self.sender = pair.romeo.fileno()
        self.receiver = pair.juliet.fileno()
        self.others = [other.fileno() for other in pair.others]
        self.data = data
        self.got = bytearray(1 << 18)

    def run(self, long times):
        """What came out of the last turn. Raises OSError."""
        cdef long i
        cdef ssize_t n = 0
        cdef char* got = self.got
        for i in range(times):
            if write(self.sender, <char*>self.data, len(self.data)) != len(self.data):
                raise OSError("the sender's socket is full")
            self.link()
            while self.scheduled:
                self.scheduled.pop()()
            for other in self.others:
                if read(other, got, len(self.got)) <= 0:
                    raise OSError("no copy came")
            n = read(self.receiver, got, len(self.got))
            if n <= 0:
                raise OSError("nothing came out")
            if self.managed:
                self.acknowledge(got, n)
        return bytes(self.got[:n])

    cdef int acknowledge(self, const char* got, ssize_t n) except -1:
        cdef char answer[64]
        cdef int size
        self.h += self.managed
        if read(self.sender, answer, sizeof(answer)) <= 0:
            raise OSError("no answer came")
        if memmem(got, n, b"<r xmlns=", 9) == NULL:
            return 0
        size = snprintf(answer, sizeof(answer), "<a xmlns='urn:xmpp:sm:3' h='%ld'/>", self.h)
        if write(self.receiver, answer, size) != size:
            raise OSError("the receiver's socket is full")
        self.receiver_link()
        while self.scheduled:
            self.scheduled.pop()()
        return 0
