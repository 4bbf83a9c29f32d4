# distutils: libraries = ssl crypto
"""TLS by OpenSSL, bound directly: contexts, and one engine per link over our own BIO."""

cdef class TlsContext:
    cdef void* _make(self) except NULL:
        return NULL
    cdef int _rotate(self, int64_t second) except -1:
        return 0

cdef class TlsEngine:
    cdef void feed(self, const char* p, size_t n) noexcept:
        pass
    cdef int handshake(self) except -1:
        return TLS_FAILED
    cdef int read(self, char* p, size_t room, size_t* n) except -1:
        return TLS_FAILED
    cdef int write(self, const char* p, size_t n) except -1:
        return TLS_FAILED
    cdef bint room(self) noexcept:
        return False
    cdef int push(self) noexcept:
        return TLS_FAILED
    cdef void shutdown(self) noexcept:
        pass
    cdef void close(self) noexcept:
        pass
    cdef int _result(self, int answer) except -1:
        return 0
    cdef int _established(self) except -1:
        return 0

cdef TlsEngine tls_engine(Reactor reactor, TlsContext context, int fd, str server_name):
    return None
