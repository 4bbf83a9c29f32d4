# distutils: libraries = ssl crypto
"""A Sink that Python drives: what arrives is recorded and may be answered, what is queued goes out as stanzas."""
from headrace.net.link cimport Link, Sink
from headrace.net.openssl cimport SSL

cdef extern from "openssl/ssl.h":
    int SSL_KEY_UPDATE_REQUESTED
    int SSL_key_update(SSL*, int)
    int SSL_shutdown(SSL*)


cdef class PySink(Sink):
    cdef public Link link
    cdef public bytearray received
    cdef public list events             # "secure", "writable", "act", "expire", ("gone", clean)
    cdef public object on_data          # called with (sink, bytes) for each read
    cdef public object on_event         # called with (sink, event)
    cdef public bint echo               # queue what arrives
    cdef public list sizes              # bytes of each read
    cdef list stanzas
    cdef size_t offset                  # into stanzas[0]

    def __init__(self, Link link=None, *, echo=False, on_data=None, on_event=None):
        self.link = link
        self.echo = echo
        self.on_data = on_data
        self.on_event = on_event
        self.received = bytearray()
        self.events = []
        self.sizes = []
        self.stanzas = []

    def queue(self, bytes stanza):
        self.stanzas.append(stanza)
        self.link.dirty()

    def unsent(self):
        return sum(map(len, self.stanzas)) - self.offset

    def key_update(self):
        """New keys for both directions; goes out before the next record (RFC 8446 4.6.3)."""
        assert SSL_key_update(<SSL*>self.link.tls.ssl, SSL_KEY_UPDATE_REQUESTED) == 1

    def shut_behind_the_engine(self):
        """What is written from now on, OpenSSL refuses."""
        SSL_shutdown(<SSL*>self.link.tls.ssl)

    def act_later(self):
        self.link.reactor.later(self)

    def expire_in(self, double seconds):
        self.link.reactor.deadline(self, <long long>(seconds * 1e9))

    def replace_by(self, PySink sink):
        sink.link = self.link
        self.link.set_sink(sink)

    def chunk_round(self, list sizes):
        """Take chunks of these sizes, write them full, give them back; answers what was got."""
        cdef size_t got
        cdef char* p
        taken = []
        for size in sizes:
            p = self.link.reactor.chunk_take(size, &got)
            p[0] = p[got - 1] = 1
            taken.append((<size_t>p, got))
        held = self.link.reactor.chunks
        for address, got in taken:
            self.link.reactor.chunk_give(<char*><size_t>address, got)
        return [got for _, got in taken], held

    cdef int note(self, object event) except -1:
        self.events.append(event)
        if self.on_event is not None:
            self.on_event(self, event)
        return 0

    cdef int on_bytes(self, const char* data, size_t n) except -1:
        cdef bytes copy = data[:n]
        self.received += copy
        self.sizes.append(n)
        if self.echo:
            self.queue(copy)
        if self.on_data is not None:
            self.on_data(self, copy)
        return 0

    cdef int on_gone(self, bint clean) except -1:
        return self.note(("gone", clean))

    cdef int on_secure(self) except -1:
        return self.note("secure")

    cdef int on_writable(self) except -1:
        return self.note("writable")

    cdef int act(self) except -1:
        return self.note("act")

    cdef int expire(self) except -1:
        return self.note("expire")

    cdef size_t pending(self, const char** p) noexcept:
        if not self.stanzas:
            return 0
        p[0] = <const char*><bytes>self.stanzas[0] + self.offset
        return len(<bytes>self.stanzas[0]) - self.offset

    cdef void sent(self, size_t n) noexcept:
        self.offset += n
        if self.offset == <size_t>len(<bytes>self.stanzas[0]):
            del self.stanzas[0]
            self.offset = 0

    cdef size_t to_border(self) noexcept:
        return len(<bytes>self.stanzas[0]) - self.offset if self.offset else 0
