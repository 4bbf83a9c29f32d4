"""Calls the native floors as the data plane does, with no Python between two stanzas: for the benchmarks alone."""

from libc.stddef cimport size_t
from libc.stdio cimport snprintf
from libc.string cimport memcpy
from posix.unistd cimport read, write

from headrace.core.buf cimport Str, str_of
from headrace.core.jid cimport JidCache
from headrace.core.tokenizer cimport EV_ELEMENT, EV_MORE, EV_OPEN, KIND_MESSAGE, Tokenizer, Workspace
from headrace.core.writer cimport Head, splice_allowed, splice_size, splice_write
from headrace.net.link cimport Link, Sink

cdef extern from *:
    """
    #include <string.h>
    """
    void* memmem(const void* haystack, size_t n, const void* needle, size_t m) noexcept

cdef enum:
    ROOM = 1 << 18          # of what a client reads at once

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
        cdef size_t size = 0
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
            splice_write(dst, &head, self.parse.tok.view, NULL, 0)
        return bytes(self.place[:size])


def prepare(JidCache cache not None, bytes jid not None, long times):
    """The prepared form of a JID, looked for `times` times."""
    cdef long i
    cdef Str raw = str_of(jid), out = raw
    for i in range(times):
        if cache.prepare(raw, &out) != 0:
            raise ValueError("not a JID")
    return out.p[:out.n]


cdef class Client(Sink):
    """A client's end of a socket pair: the descriptor, or a link over TLS whose reactor is not the server's."""
    cdef readonly Link link     # None: plain
    cdef int fd
    cdef list scheduled         # what its reactor asked its loop to call
    cdef bytearray room
    cdef size_t n

    def __init__(self, int fd, Link link=None, list scheduled=None):
        self.fd = fd
        self.link = link
        self.scheduled = scheduled
        self.room = bytearray(ROOM)

    def turn(self):
        """Whatever its link has to read and to write."""
        self.link()
        while self.scheduled:
            self.scheduled.pop()()

    def say(self, bytes data not None):
        self.write(data, len(data))

    def take(self):
        return self.room[:self.read()]

    cdef int write(self, const char* p, size_t n) except -1:
        if self.link is None:
            if write(self.fd, p, n) != <ssize_t>n:
                raise OSError("a socket is full")
            return 0
        self.link.write(p, n)
        while self.scheduled:
            self.scheduled.pop()()
        return 0

    cdef size_t read(self) except? 0:
        """How many bytes lie in `room` now; 0: nothing came."""
        cdef char* room = self.room
        cdef ssize_t n
        if self.link is None:
            n = read(self.fd, room, ROOM)
            return n if n > 0 else 0
        self.n = 0
        self.turn()
        return self.n

    cdef int on_bytes(self, const char* data, size_t n) except -1:
        cdef char* room = self.room
        if self.n + n > ROOM:
            raise OSError("more came than a client has room for")
        memcpy(room + self.n, data, n)
        self.n += n
        return 0


cdef class Route:
    """From the bytes in one socket to the bytes in others, through links and the router.

    run() has the sender write `data`, its link read it, the reactor end its turn, and all receivers read: what the loop
    would do, without a loop. Callgrind is told to count what happens inside serve() alone, not what clients do."""
    cdef object pair            # owns the sockets and links
    cdef list scheduled         # what the reactor asked the loop to call
    cdef Client sender
    cdef list receivers         # of (Client, its link): who was written to, then those who get copies
    cdef object link            # the sender's
    cdef long batch             # messages in data
    cdef bint managed           # everybody is asked for acknowledgements (XEP-0198), and gives them
    cdef long h                 # messages that each receiver has
    cdef object archive         # None: nothing is kept
    cdef long group             # messages that are committed together
    cdef bytes data

    def __init__(self, pair, bytes data not None, long batch, long group):
        self.pair = pair
        self.scheduled = pair.loop.scheduled
        self.sender, self.link = pair.sender
        self.receivers = pair.receivers
        self.managed = pair.managed
        self.archive = pair.archive
        self.batch = batch
        self.group = group
        self.data = data

    def run(self, long times):
        """What the receiver got in the last turn. Raises OSError."""
        cdef long i
        cdef size_t got = 0
        cdef Client receiver = None
        for i in range(times):
            self.sender.write(self.data, len(self.data))
            self.serve(self.link)
            self.h += self.batch
            for receiver, link in reversed(self.receivers):
                got = receiver.read()
                if got == 0:
                    raise OSError("nothing came out")
                if self.managed:
                    self.acknowledge(receiver, got, link)
            if self.archive is not None and self.archive.waiting >= self.group:
                self.serve(self.pair.commit)
            if self.managed and self.sender.read() == 0 and self.archive is None:
                raise OSError("no answer came")
        return bytes(receiver.room[:got])

    cdef int acknowledge(self, Client receiver, size_t n, object link) except -1:
        cdef char answer[64]
        if memmem(<char*>receiver.room, n, b"<r xmlns=", 9) == NULL:
            return 0
        receiver.write(answer, snprintf(answer, sizeof(answer), "<a xmlns='urn:xmpp:sm:3' h='%ld'/>", self.h))
        return self.serve(link)

    cdef int serve(self, object what) except -1:
        """The server's part: a link has something to read, or a commit is due; then the end of the turn."""
        what()
        while self.scheduled:
            self.scheduled.pop()()
        return 0
