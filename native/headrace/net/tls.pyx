# distutils: libraries = ssl crypto
"""TLS by OpenSSL, bound directly: contexts, and one engine per link over our own BIO."""
cimport cython
from cpython.unicode cimport PyUnicode_InternFromString
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport uint8_t
from libc.string cimport memcpy, memmove, strerror

from headrace.core.buf cimport buf_free, buf_put
from headrace.net.openssl cimport *
from headrace.net.reactor cimport RECORD, WIRE
from headrace.net.sockets cimport MSG_NOSIGNAL, send

import os

cdef enum:
    DANE_EE = 3             # certificate usage: this very certificate, whoever has issued it
    OVERHEAD = 512          # bytes a record may be longer than its text
    BACKLOG = 131072        # cipher text kept for a peer that takes nothing; a flood of KeyUpdates must not pass it

# X25519 is the fastest; without P-256 and P-384 TLS 1.2 fails with certificates on those curves.
cdef const char* GROUPS = "X25519:P-256:P-384"
# TLS 1.2: forward secrecy and AEAD only (RFC 9325 4.2). TLS 1.3 has nothing else.
cdef const char* CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
cdef const char* EXPORTER = "EXPORTER-Channel-Binding"      # RFC 9266 2


class TlsError(ValueError):
    pass


cdef str openssl_error():
    """The reason of the first error on OpenSSL's queue."""
    cdef const char* reason = ERR_reason_error_string(ERR_peek_error())
    return reason.decode() if reason != NULL else "unknown reason"


# The BIO: reads what the link's recv() brought, writes into the reactor's wire scratch.

cdef int bio_read(BIO* bio, char* p, int n) noexcept:
    cdef TlsEngine engine = <TlsEngine>BIO_get_data(bio)
    BIO_clear_retry_flags(bio)
    if engine.input_n == 0:
        BIO_set_retry_read(bio)
        return -1
    n = <int>min(<size_t>n, engine.input_n)
    memcpy(p, engine.input, n)
    engine.input += n
    engine.input_n -= n
    return n


cdef int bio_write(BIO* bio, const char* p, int n) noexcept:
    cdef TlsEngine engine = <TlsEngine>BIO_get_data(bio)
    cdef Reactor reactor = engine.reactor
    BIO_clear_retry_flags(bio)
    if reactor.wire_n + n > WIRE:
        engine.push()
    if engine.backlog.n == 0 and reactor.wire_n + n <= WIRE:
        memcpy(reactor.wire + reactor.wire_n, p, n)
        reactor.wire_n += n
        return n
    if engine.failed or engine.backlog.n + n > BACKLOG:
        return -1
    try:
        buf_put(&engine.backlog, p, n)
    except MemoryError:
        return -1
    return n


cdef long bio_ctrl(BIO* bio, int command, long number, void* pointer) noexcept:
    return command == BIO_CTRL_FLUSH


cdef BIO_METHOD* make_method() except NULL:
    cdef BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "headrace link")
    if method == NULL:
        raise MemoryError
    BIO_meth_set_read(method, bio_read)
    BIO_meth_set_write(method, bio_write)
    BIO_meth_set_ctrl(method, bio_ctrl)
    return method


cdef BIO_METHOD* METHOD = make_method()  # set at import


# Contexts.

cdef int on_server_name(SSL* ssl, int* alert, void* arg) noexcept:
    cdef TlsContext context = <TlsContext>arg
    cdef TlsContext host
    cdef TlsEngine engine = <TlsEngine>BIO_get_data(SSL_get_rbio(ssl))
    cdef bytes asked
    cdef const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)
    asked = None if name == NULL else (<bytes>name).lower()
    host = context.names.get(asked if asked in context.names else engine.host)
    if host is not None:
        SSL_set_SSL_CTX(ssl, <SSL_CTX*>host.ctx)
    ask_for_certificate(ssl, context if host is None else host)
    return SSL_TLSEXT_ERR_NOACK if host is None else SSL_TLSEXT_ERR_OK


cdef int take_any(int good, X509_STORE_CTX* checked) noexcept:
    return 1        # the handshake goes on; SSL_get_verify_result() tells


cdef void ask_for_certificate(SSL* ssl, TlsContext host) noexcept:
    """Asks the client for one where the host has use for it. Such a connection gets no ticket: resumed, with another
    host perhaps, it would carry a certificate that nobody has checked there."""
    if host.servers or host.client_ca is not None:
        SSL_set_verify(ssl, SSL_VERIFY_PEER, take_any)
        SSL_set_num_tickets(ssl, 0)
        SSL_set_options(ssl, SSL_OP_NO_TICKET)


cdef void expect_servers(SSL_CTX* ctx) noexcept:
    """The peer's certificate has to be a server's, whoever connected (protocol.md 14): by itself OpenSSL would ask one
    that is sent to us for clientAuth, which the authorities of the web give out no more."""
    cdef X509_VERIFY_PARAM* wanted = SSL_CTX_get0_param(ctx)
    X509_VERIFY_PARAM_set_purpose(wanted, X509_PURPOSE_SSL_SERVER)
    X509_VERIFY_PARAM_set_trust(wanted, X509_TRUST_SSL_SERVER)


cdef int on_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_n, const unsigned char* offered,
                 unsigned int offered_n, void* arg) noexcept:
    cdef bytes ours = (<TlsContext>arg).alpn
    if SSL_select_next_proto(<unsigned char**>out, out_n, <const unsigned char*>ours, len(ours),
                             offered, offered_n) == OPENSSL_NPN_NEGOTIATED:
        return SSL_TLSEXT_ERR_OK
    return SSL_TLSEXT_ERR_ALERT_FATAL


cdef int no_password(char* p, int size, int writing, void* arg) noexcept:
    return -1       # OpenSSL would ask the terminal


cdef bytes host_key(str name):
    """A name as SNI carries it: A-labels, lower case."""
    name = name.rstrip(".").lower()
    return name.encode("ascii") if name.isascii() else name.encode("idna")


cdef bytes alpn_wire(protocols):
    """RFC 7301 3.1: each name behind its length."""
    return b"".join([bytes([len(name)]) + name.encode("ascii") for name in protocols])


@cython.final
@cython.no_gc
cdef class TlsContext:
    def __cinit__(self):
        self.names = {}
        self.ticket_key = os.urandom(80)

    def __init__(self, certificate, key, *, str name=None, alpn=("xmpp-client",), client_ca=None, bint servers=False,
                 int64_t ticket_seconds=86_400):
        # ticket_seconds: a stolen key opens the resumed connections of a day at most (protocol.md 9).
        if self.ctx != NULL:
            raise RuntimeError("a context is made once")
        self.servers = servers
        self.ticket_seconds = ticket_seconds
        self.client_ca = None if client_ca is None else os.fspath(client_ca)
        self.server = True
        self.certificate = os.fspath(certificate)
        self.key = os.fspath(key)
        self.alpn = alpn_wire(alpn)
        self.ctx = self._make()
        if name is not None:
            self.names[host_key(name)] = None

    @classmethod
    def client(cls, *, ca_file=None, verify=True, alpn=(), certificate=None, key=None, bint judge_later=False):
        cdef TlsContext context = cls.__new__(cls)
        context.ca_file = None if ca_file is None else os.fspath(ca_file)
        context.verify = verify
        context.judge_later = judge_later
        context.certificate = None if certificate is None else os.fspath(certificate)
        context.key = None if certificate is None else os.fspath(key)
        context.alpn = alpn_wire(alpn)
        context.ctx = context._make()
        return context

    def __dealloc__(self):
        SSL_CTX_free(<SSL_CTX*>self.ctx)

    def add_host(self, str name not None, certificate, key, *, client_ca=None):
        cdef TlsContext host = TlsContext.__new__(TlsContext)
        host.client_ca = None if client_ca is None else os.fspath(client_ca)
        host.server = True
        host.servers = self.servers
        host.certificate = os.fspath(certificate)
        host.key = os.fspath(key)
        host.alpn = self.alpn
        host.ctx = host._make()
        self.names[host_key(name)] = host

    def reload(self):
        cdef TlsContext context
        contexts = [self, *filter(None, self.names.values())]
        try:
            for context in contexts:
                context.fresh = context._make()
            for context in contexts:
                context.ctx, context.fresh = context.fresh, context.ctx
        finally:
            for context in contexts:
                SSL_CTX_free(<SSL_CTX*>context.fresh)
                context.fresh = NULL

    def set_ticket_key(self, bytes key not None):
        if len(key) != 80:
            raise ValueError("a ticket key has 80 bytes")
        self.ticket_second = -1
        self._use_ticket_key(key)

    cdef int _use_ticket_key(self, bytes key) except -1:
        self.ticket_key = key
        SSL_CTX_set_tlsext_ticket_keys(<SSL_CTX*>self.ctx, <char*>key, len(key))
        return 0

    cdef int _rotate(self, int64_t second) except -1:
        if self.ticket_second == 0:
            self.ticket_second = second
        elif self.ticket_second > 0 and second - self.ticket_second >= self.ticket_seconds:
            self.ticket_second = second
            self._use_ticket_key(os.urandom(80))
        return 0

    cdef void* _make(self) except NULL:
        cdef SSL_CTX* ctx = SSL_CTX_new(TLS_server_method() if self.server else TLS_client_method())
        if ctx == NULL:
            raise MemoryError
        try:
            ERR_clear_error()
            SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION)
            SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE)
            SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE
                             | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER)
            SSL_CTX_set1_groups_list(ctx, GROUPS)
            SSL_CTX_set_cipher_list(ctx, CIPHERS)
            if self.server:
                self._make_server(ctx)
            else:
                self._make_client(ctx)
        except BaseException:
            SSL_CTX_free(ctx)
            raise
        return ctx

    cdef int _make_server(self, void* p) except -1:
        cdef SSL_CTX* ctx = <SSL_CTX*>p
        self._use_certificate(ctx)
        if self.client_ca is not None:
            self._trust_clients(ctx)
        elif self.servers:
            SSL_CTX_set_default_verify_paths(ctx)
        if self.servers:
            expect_servers(ctx)
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF)     # tickets only: nothing is kept per client
        SSL_CTX_set_num_tickets(ctx, 1)
        SSL_CTX_set_session_id_context(ctx, b"headrace", 8)
        SSL_CTX_set_tlsext_ticket_keys(ctx, <char*>self.ticket_key, 80)
        SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name)
        SSL_CTX_set_tlsext_servername_arg(ctx, <void*>self)
        if self.alpn:
            SSL_CTX_set_alpn_select_cb(ctx, on_alpn, <void*>self)
        return 0

    cdef int _use_certificate(self, void* p) except -1:
        cdef SSL_CTX* ctx = <SSL_CTX*>p
        for path in (self.certificate, self.key):
            with open(path, "rb"):      # an OSError says more than OpenSSL does
                pass
        SSL_CTX_set_default_passwd_cb(ctx, no_password)
        if SSL_CTX_use_certificate_chain_file(ctx, os.fsencode(self.certificate)) != 1:
            raise TlsError(f"{self.certificate}: no usable certificate chain in PEM form ({openssl_error()})")
        if SSL_CTX_use_PrivateKey_file(ctx, os.fsencode(self.key), SSL_FILETYPE_PEM) != 1:
            raise TlsError(f"{self.key}: no usable unencrypted private key in PEM form, or not the key of "
                           f"{self.certificate} ({openssl_error()})")
        return 0

    cdef int _trust_clients(self, void* p) except -1:
        """Clients learn from the authorities' names which certificate to send; we are the ones to check it. Servers
        have one for all: they are told no names, for some would send none."""
        cdef bytes path = os.fsencode(self.client_ca)
        with open(path, "rb"):
            pass
        if SSL_CTX_load_verify_locations(<SSL_CTX*>p, path, NULL) != 1:
            raise TlsError(f"{self.client_ca}: no usable certificates in PEM form ({openssl_error()})")
        if not self.servers:
            SSL_CTX_set_client_CA_list(<SSL_CTX*>p, SSL_load_client_CA_file(path))
        return 0

    cdef int _make_client(self, void* p) except -1:
        cdef SSL_CTX* ctx = <SSL_CTX*>p
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER if self.verify else SSL_VERIFY_NONE,
                           <void*>take_any if self.judge_later else NULL)
        expect_servers(ctx)
        if SSL_CTX_dane_enable(ctx) <= 0:
            raise MemoryError
        if self.certificate is not None:
            self._use_certificate(ctx)
        if self.ca_file is None:
            SSL_CTX_set_default_verify_paths(ctx)
        elif SSL_CTX_load_verify_locations(ctx, os.fsencode(self.ca_file), NULL) != 1:
            raise TlsError(f"{self.ca_file}: no usable certificates in PEM form ({openssl_error()})")
        if self.alpn:
            SSL_CTX_set_alpn_protos(ctx, <const unsigned char*>self.alpn, len(self.alpn))
        return 0


# Engines.

@cython.final
@cython.no_gc
cdef class TlsEngine:
    def __init__(self):
        raise TypeError("engines are made by links")

    def __dealloc__(self):
        self.close()

    cdef void close(self) noexcept:
        SSL_free(<SSL*>self.ssl)
        self.ssl = NULL
        self.failed = True
        buf_free(&self.backlog)

    cdef int pin(self, list records) except -1:
        """DANE (RFC 6698). Names are for who reads .problem to look at, but for those that usage 3 makes needless
        (RFC 7671 5.1). Where no record is usable, the certificate is judged as if there were none."""
        cdef SSL* ssl = <SSL*>self.ssl
        cdef bytes data
        if SSL_dane_enable(ssl, NULL) <= 0:
            raise MemoryError
        SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS)
        for usage, selector, matching, data in records:
            if SSL_dane_tlsa_add(ssl, usage, selector, matching, data, len(data)) > 0:
                self.pinned = True
        ERR_clear_error()
        return 0

    cdef void feed(self, const char* p, size_t n) noexcept:
        self.input = p
        self.input_n = n

    cdef int handshake(self) except -1:
        cdef int answer
        if self.failed:
            return TLS_FAILED
        ERR_clear_error()
        answer = SSL_do_handshake(<SSL*>self.ssl)
        if answer != 1:
            return self._result(answer)
        self._established()
        return TLS_OK

    cdef int _established(self) except -1:
        cdef SSL* ssl = <SSL*>self.ssl
        cdef const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)
        cdef const unsigned char* alpn
        cdef unsigned int alpn_n
        cdef uint8_t usage
        if name != NULL:
            self.server_name = (<bytes>name).decode("ascii", "replace")
        SSL_get0_alpn_selected(ssl, &alpn, &alpn_n)
        if alpn_n:
            self.alpn = (<const char*>alpn)[:alpn_n].decode("ascii", "replace")
        self.version = PyUnicode_InternFromString(SSL_get_version(ssl))
        self.cipher = PyUnicode_InternFromString(SSL_get_cipher_name(ssl))
        self.resumed = SSL_session_reused(ssl)
        if self.pinned and SSL_get0_dane_tlsa(ssl, &usage, NULL, NULL, NULL, NULL) >= 0:
            self.usage = usage
        self.established = True
        return 0

    # What SASL asks (headrace.sasl.channel.Channel).

    def bindings(self):
        kinds = []
        if self._exports():
            kinds.append("tls-exporter")
        if self._end_point() is not None:
            kinds.append("tls-server-end-point")
        return tuple(kinds)

    def binding(self, str kind not None):
        if kind == "tls-exporter":
            return self._exporter()
        if kind == "tls-server-end-point":
            return self._end_point()
        return None

    cdef bint _exports(self) noexcept:
        """TLS 1.2 is unsafe to bind to without the extended master secret (RFC 9266 4.2)."""
        cdef SSL* ssl = <SSL*>self.ssl
        return self.established and ssl != NULL and (
            SSL_version(ssl) >= TLS1_3_VERSION or SSL_get_extms_support(ssl) == 1)

    cdef bytes _exporter(self):
        """RFC 9266."""
        cdef unsigned char keys[32]
        if not self._exports():
            return None
        if SSL_export_keying_material(<SSL*>self.ssl, keys, 32, EXPORTER, 24, keys, 0, True) != 1:
            raise TlsError(f"no keys to bind to ({openssl_error()})")
        return keys[:32]

    cdef bytes _end_point(self):
        """RFC 5929 4: the server certificate's hash by its signature's algorithm, by SHA-256 where that is MD5 or
        SHA-1; not defined for signatures that have none of their own (Ed25519)."""
        cdef unsigned char digest[64]
        cdef unsigned int n = 0
        cdef int hash_nid = NID_undef
        cdef const EVP_MD* method
        cdef X509* certificate = NULL
        if self.context.server and self.established and self.ssl != NULL:
            certificate = SSL_get_certificate(<SSL*>self.ssl)
        if certificate == NULL or X509_get_signature_info(certificate, &hash_nid, NULL, NULL, NULL) != 1:
            return None
        method = EVP_sha256() if hash_nid in (NID_md5, NID_sha1) else EVP_get_digestbynid(hash_nid)
        if method == NULL or X509_digest(certificate, method, digest, &n) != 1:
            ERR_clear_error()
            return None
        return digest[:n]

    @property
    def certificate(self):
        """The peer's, as DER, if it is good: chain, purpose and, also now, time."""
        return self.presented if self.problem is None else None

    @property
    def presented(self):
        cdef unsigned char* der = NULL
        cdef int n
        cdef X509* certificate = self._peer()
        if certificate == NULL:
            return None
        try:
            n = i2d_X509(certificate, &der)
            if n < 0:
                raise MemoryError
            return (<char*>der)[:n]
        finally:
            X509_free(certificate)
            OPENSSL_free(der)

    @property
    def problem(self):
        cdef X509* certificate = self._peer()
        cdef long code
        if certificate == NULL:
            return "no certificate"
        try:
            code = SSL_get_verify_result(<SSL*>self.ssl)
            if code != X509_V_OK:
                return X509_verify_cert_error_string(code).decode()
            if self.usage != DANE_EE and X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0:
                return "certificate has expired"
            return None
        finally:
            X509_free(certificate)

    cdef X509* _peer(self) noexcept:
        """To be freed; NULL if there is none."""
        return SSL_get1_peer_certificate(<SSL*>self.ssl) if self.established and self.ssl != NULL else NULL

    cdef int read(self, char* p, size_t room, size_t* n) except -1:
        cdef int answer
        n[0] = 0
        if self.failed:
            return TLS_FAILED
        ERR_clear_error()
        answer = SSL_read(<SSL*>self.ssl, p, <int>room)
        if answer <= 0:
            return self._result(answer)
        n[0] = answer
        return TLS_OK

    cdef int write(self, const char* p, size_t n) except -1:
        cdef int answer
        if self.failed:
            return TLS_FAILED
        ERR_clear_error()
        answer = SSL_write(<SSL*>self.ssl, p, <int>n)
        if answer == <int>n:
            return TLS_OK
        self._result(answer)
        self.failed = True
        return TLS_FAILED

    cdef int _result(self, int answer) except -1:
        cdef int code = SSL_get_error(<SSL*>self.ssl, answer)
        if code == SSL_ERROR_WANT_READ:
            return TLS_WANT_READ
        if code == SSL_ERROR_ZERO_RETURN:
            return TLS_EOF
        self.failed = True
        self.error = openssl_error()
        code = SSL_get_verify_result(<SSL*>self.ssl)
        if code:
            self.error += ": " + X509_verify_cert_error_string(code).decode()
        return TLS_FAILED

    cdef bint room(self) noexcept:
        return self.backlog.n == 0 and self.reactor.wire_n + RECORD + OVERHEAD <= WIRE

    cdef int push(self) noexcept:
        """The backlog if there is one (then the wire is empty), else the wire; what is left becomes the backlog."""
        cdef Reactor reactor = self.reactor
        cdef const char* p = self.backlog.p if self.backlog.n else reactor.wire
        cdef size_t n = self.backlog.n or reactor.wire_n
        cdef ssize_t sent = 0
        if n == 0:
            return TLS_OK
        while True:
            sent = send(self.fd, p, n, MSG_NOSIGNAL)
            if sent >= 0 or errno != EINTR:
                break
        if sent < 0 and errno != EAGAIN:
            reactor.wire_n = 0
            self.failed = True
            self.error = strerror(errno).decode()
            return TLS_FAILED
        return self._keep(p, n, max(sent, 0))

    cdef int _keep(self, const char* p, size_t n, size_t sent) noexcept:
        """n bytes at p were to be sent, so many were."""
        cdef Reactor reactor = self.reactor
        reactor.bytes_out += sent
        if self.backlog.n:
            self.backlog.n -= sent
            memmove(self.backlog.p, self.backlog.p + sent, self.backlog.n)
        else:
            reactor.wire_n = 0
            try:
                buf_put(&self.backlog, p + sent, n - sent)
            except MemoryError:
                self.failed = True
                return TLS_FAILED
        if self.backlog.n:
            return TLS_WANT_WRITE
        buf_free(&self.backlog)
        return TLS_OK

    cdef void shutdown(self) noexcept:
        if self.established and not self.failed and not self.shut:
            self.shut = True
            ERR_clear_error()
            SSL_shutdown(<SSL*>self.ssl)


cdef TlsEngine tls_engine(Reactor reactor, TlsContext context, int fd, str server_name):
    cdef TlsEngine engine = TlsEngine.__new__(TlsEngine)
    cdef BIO* bio
    engine.reactor = reactor
    engine.context = context
    engine.fd = fd
    engine.usage = -1
    if context.server:
        context._rotate(<int64_t>reactor.time)
        engine.host = None if server_name is None else host_key(server_name)
    elif context.verify and not context.judge_later and server_name is None:
        raise TlsError("whom to expect must be given where certificates are verified")
    engine.ssl = SSL_new(<SSL_CTX*>context.ctx)
    bio = BIO_new(METHOD)
    if engine.ssl == NULL or bio == NULL:
        BIO_free(bio)
        raise MemoryError
    BIO_set_data(bio, <void*>engine)
    BIO_set_init(bio, 1)
    SSL_set_bio(<SSL*>engine.ssl, bio, bio)
    if context.server:
        SSL_set_accept_state(<SSL*>engine.ssl)
    else:
        SSL_set_connect_state(<SSL*>engine.ssl)
        if server_name is not None:
            name = host_key(server_name)
            SSL_set_tlsext_host_name(<SSL*>engine.ssl, name)
            if not context.judge_later:
                SSL_set_hostflags(<SSL*>engine.ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)
                SSL_set1_host(<SSL*>engine.ssl, name)
    return engine
