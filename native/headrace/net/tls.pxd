# OpenSSL, bound directly: contexts (certificates, SNI, ALPN, policy) and one engine per link. native.md, "TLS".
#
# The engine's own BIO reads what recv() brought and writes into the reactor's wire scratch. OpenSSL never lacks room,
# so neither SSL_write nor SSL_read ever has to be repeated (WANT_WRITE and its rules don't occur), and a KeyUpdate that
# arrives while the peer reads nothing can be answered. What the socket does not take waits in .backlog.
from libc.stdint cimport int64_t
from headrace.core.buf cimport Buf
from headrace.net.openssl cimport X509
from headrace.net.reactor cimport Reactor


cdef class TlsContext:
    """Certificates and policy of one listener or host. Python: TlsContext(certificate, key, *, alpn=("xmpp-client",)),
    .add_host(name, certificate, key) for SNI, .reload() reads the files again (SIGHUP; keeps the old if that fails)."""
    cdef void* ctx                          # SSL_CTX*
    cdef void* fresh                        # SSL_CTX* that reload() is about to put in its place
    cdef readonly bint server               # False: TlsContext.client(...)
    cdef bytes alpn                         # RFC 7301 wire format; empty: none
    cdef dict names                         # SNI name (A-labels, lower case) -> TlsContext of that host; None: ours
    cdef bint servers                       # server: its clients are servers too, and show who they are
    cdef bint judge_later                   # client: whatever the certificate is, the handshake goes on
    cdef object certificate                 # paths; None for a client that shows none
    cdef object key
    cdef object client_ca                   # server: PEM file of authorities whose clients are asked for certificates
    cdef object ca_file                     # client: PEM file of authorities; None: the system's
    cdef bint verify
    cdef bytes ticket_key                   # 80 bytes
    cdef int64_t ticket_seconds             # a key's life
    cdef int64_t ticket_second              # Reactor.time at which it was made; 0: not yet used

    cdef void* _make(self) except NULL
    cdef int _make_server(self, void* p) except -1
    cdef int _trust_clients(self, void* p) except -1
    cdef int _make_client(self, void* p) except -1
    cdef int _use_certificate(self, void* p) except -1
    cdef int _use_ticket_key(self, bytes key) except -1
    cdef int _rotate(self, int64_t second) except -1

cdef enum TlsResult:
    TLS_OK = 0
    TLS_WANT_READ = 1
    TLS_WANT_WRITE = 2      # only of push(): the socket is full
    TLS_EOF = 3
    TLS_FAILED = 4

cdef class TlsEngine:
    """One connection's TLS, over our own BIO: what recv() brought is handed in, what is to be sent goes to the fd."""
    cdef readonly bint established
    cdef readonly str server_name           # SNI, None if absent
    cdef readonly str alpn                  # None if none was agreed on
    cdef readonly str version               # "TLSv1.3"
    cdef readonly str cipher
    cdef readonly bint resumed
    cdef readonly str error                 # of the TLS_FAILED, for a log
    cdef readonly bint pinned               # there are usable TLSA records: the certificate has to match one
    cdef readonly int usage                 # of the record that it matches; -1: of none
    cdef Reactor reactor
    cdef TlsContext context
    cdef void* ssl                          # SSL*
    cdef int fd
    cdef bytes host                         # server: whose certificate who asks for none that we have gets (SNI)
    cdef bint failed                        # nothing but close() may follow
    cdef bint shut                          # close_notify was sent
    cdef const char* input                  # what recv() brought and OpenSSL has not taken yet
    cdef size_t input_n
    cdef Buf backlog                        # cipher text that the socket did not take

    cdef int pin(self, list records) except -1                      # before the handshake: what Link.tlsa says
    cdef void feed(self, const char* p, size_t n) noexcept          # input; all of it is taken by the calls that follow
    cdef int handshake(self) except -1                              # TlsResult
    cdef int read(self, char* p, size_t room, size_t* n) except -1  # TlsResult; n: bytes put at p
    cdef int write(self, const char* p, size_t n) except -1         # TLS_OK (all of it; n <= RECORD) or TLS_FAILED
    cdef bint room(self) noexcept                                   # for one more record before push()
    cdef int push(self) noexcept                                    # TLS_OK (all sent), TLS_WANT_WRITE or TLS_FAILED
    cdef void shutdown(self) noexcept                               # close_notify, once; push() must follow
    cdef void close(self) noexcept
    cdef int _keep(self, const char* p, size_t n, size_t sent) noexcept
    cdef int _result(self, int answer) except -1
    cdef int _established(self) except -1
    cdef bint _exports(self) noexcept
    cdef bytes _exporter(self)
    cdef bytes _end_point(self)
    cdef X509* _peer(self) noexcept

cdef TlsEngine tls_engine(Reactor reactor, TlsContext context, int fd, str server_name)
