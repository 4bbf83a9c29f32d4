# OpenSSL, bound directly: contexts (certificates, SNI, ALPN, policy) and one engine per link. native.md, "TLS".
from headrace.core.buf cimport Buf


cdef class TlsContext:
    """Certificates and policy of one listener or host. Python: TlsContext(certificate, key, *, alpn=("xmpp-client",)),
    .add_host(name, certificate, key) for SNI, .reload() reads the files again (SIGHUP; keeps the old ones if it fails)."""
    cdef void* ctx                          # SSL_CTX*

cdef enum TlsResult:
    TLS_OK = 0
    TLS_WANT_READ = 1
    TLS_WANT_WRITE = 2
    TLS_EOF = 3
    TLS_FAILED = 4

cdef class TlsEngine:
    """One connection's TLS, over our own BIO: what recv() brought is handed in, what is to be sent goes to the fd."""
    cdef readonly bint established
    cdef readonly str server_name           # SNI, None if absent
    cdef readonly str alpn
    cdef readonly str version               # "TLSv1.3"
    cdef readonly str cipher
