# What we use of libssl and libcrypto (3.0). Macros are declared as the functions they look like. Never called without
# the GIL: our callbacks use Python objects.
from libc.stdint cimport uint8_t, uint32_t, uint64_t


cdef extern from "openssl/bio.h":
    ctypedef struct BIO:
        pass
    ctypedef struct BIO_METHOD:
        pass
    int BIO_CTRL_FLUSH
    int BIO_TYPE_SOURCE_SINK
    int BIO_get_new_index()
    BIO_METHOD* BIO_meth_new(int type, const char* name)
    int BIO_meth_set_write(BIO_METHOD*, int (*write)(BIO*, const char*, int) noexcept)
    int BIO_meth_set_read(BIO_METHOD*, int (*read)(BIO*, char*, int) noexcept)
    int BIO_meth_set_ctrl(BIO_METHOD*, long (*ctrl)(BIO*, int, long, void*) noexcept)
    BIO* BIO_new(const BIO_METHOD* method)
    void BIO_set_data(BIO*, void*)
    void* BIO_get_data(BIO*)
    void BIO_set_init(BIO*, int)
    void BIO_clear_retry_flags(BIO*)
    void BIO_set_retry_read(BIO*)
    void BIO_free(BIO*)

cdef extern from "openssl/crypto.h":
    void OPENSSL_free(void*)

cdef extern from "openssl/err.h":
    void ERR_clear_error()
    unsigned long ERR_peek_error()
    const char* ERR_reason_error_string(unsigned long error)

cdef extern from "openssl/evp.h":
    ctypedef struct EVP_MD:
        pass
    const EVP_MD* EVP_get_digestbynid(int nid)
    const EVP_MD* EVP_sha256()
    int NID_undef
    int NID_md5
    int NID_sha1

cdef extern from "openssl/x509.h":
    ctypedef struct X509:
        pass
    ctypedef struct X509_STORE_CTX:
        pass
    ctypedef struct ASN1_TIME:
        pass
    ctypedef struct X509_VERIFY_PARAM:
        pass
    int X509_V_OK
    int X509_TRUST_SSL_SERVER
    int X509_VERIFY_PARAM_set_purpose(X509_VERIFY_PARAM*, int purpose)
    int X509_VERIFY_PARAM_set_trust(X509_VERIFY_PARAM*, int trust)
    int X509_get_signature_info(X509*, int* digest, int* key, int* bits, uint32_t* flags)
    int X509_digest(const X509*, const EVP_MD*, unsigned char* out, unsigned int* n)
    const ASN1_TIME* X509_get0_notAfter(const X509*)
    int X509_cmp_current_time(const ASN1_TIME*)
    int i2d_X509(X509*, unsigned char** out)
    void X509_free(X509*)

cdef extern from "openssl/x509v3.h":
    unsigned int X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS
    int X509_PURPOSE_SSL_SERVER
    const char* X509_verify_cert_error_string(long code)

cdef extern from "openssl/ssl.h":
    ctypedef struct SSL_METHOD:
        pass
    ctypedef struct SSL_CTX:
        pass
    ctypedef struct SSL:
        pass
    const SSL_METHOD* TLS_server_method()
    const SSL_METHOD* TLS_client_method()
    SSL_CTX* SSL_CTX_new(const SSL_METHOD*)
    void SSL_CTX_free(SSL_CTX*)

    int TLS1_2_VERSION
    int TLS1_3_VERSION
    uint64_t SSL_OP_NO_RENEGOTIATION
    uint64_t SSL_OP_NO_TICKET
    uint64_t SSL_OP_NO_COMPRESSION
    uint64_t SSL_OP_CIPHER_SERVER_PREFERENCE
    long SSL_MODE_RELEASE_BUFFERS
    long SSL_MODE_ENABLE_PARTIAL_WRITE
    long SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
    long SSL_SESS_CACHE_OFF
    int SSL_VERIFY_NONE
    int SSL_VERIFY_PEER
    int SSL_FILETYPE_PEM
    int SSL_ERROR_WANT_READ
    int SSL_ERROR_ZERO_RETURN
    int SSL_TLSEXT_ERR_OK
    int SSL_TLSEXT_ERR_ALERT_FATAL
    int SSL_TLSEXT_ERR_NOACK
    int TLSEXT_NAMETYPE_host_name

    int SSL_CTX_set_min_proto_version(SSL_CTX*, int)
    uint64_t SSL_CTX_set_options(SSL_CTX*, uint64_t)
    long SSL_CTX_set_mode(SSL_CTX*, long)
    long SSL_CTX_set_session_cache_mode(SSL_CTX*, long)
    int SSL_CTX_set_session_id_context(SSL_CTX*, const unsigned char*, unsigned int)
    int SSL_CTX_set_num_tickets(SSL_CTX*, size_t)
    long SSL_CTX_set_tlsext_ticket_keys(SSL_CTX*, void*, int)
    int SSL_CTX_set1_groups_list(SSL_CTX*, const char*)
    int SSL_CTX_set_cipher_list(SSL_CTX*, const char*)
    int SSL_CTX_use_certificate_chain_file(SSL_CTX*, const char*)
    int SSL_CTX_use_PrivateKey_file(SSL_CTX*, const char*, int)
    void SSL_CTX_set_default_passwd_cb(SSL_CTX*, int (*cb)(char*, int, int, void*) noexcept)
    void SSL_CTX_set_alpn_select_cb(SSL_CTX*, int (*cb)(SSL*, const unsigned char**, unsigned char*,
                                                        const unsigned char*, unsigned int, void*) noexcept, void*)
    int SSL_CTX_set_alpn_protos(SSL_CTX*, const unsigned char*, unsigned int)
    long SSL_CTX_set_tlsext_servername_callback(SSL_CTX*, int (*cb)(SSL*, int*, void*) noexcept)
    long SSL_CTX_set_tlsext_servername_arg(SSL_CTX*, void*)
    X509_VERIFY_PARAM* SSL_CTX_get0_param(SSL_CTX*)
    void SSL_CTX_set_verify(SSL_CTX*, int mode, void* callback)
    void SSL_set_verify(SSL*, int mode, int (*callback)(int, X509_STORE_CTX*) noexcept)
    void* SSL_load_client_CA_file(const char* file)
    void SSL_CTX_set_client_CA_list(SSL_CTX*, void* names)
    int SSL_CTX_set_default_verify_paths(SSL_CTX*)
    int SSL_CTX_load_verify_locations(SSL_CTX*, const char* file, const char* folder)
    int SSL_select_next_proto(unsigned char** out, unsigned char* outlen, const unsigned char* server,
                              unsigned int server_n, const unsigned char* client, unsigned int client_n)
    int OPENSSL_NPN_NEGOTIATED

    SSL* SSL_new(SSL_CTX*)
    void SSL_free(SSL*)
    SSL_CTX* SSL_set_SSL_CTX(SSL*, SSL_CTX*)
    uint64_t SSL_set_options(SSL*, uint64_t)
    int SSL_set_num_tickets(SSL*, size_t)
    void SSL_set_bio(SSL*, BIO* read, BIO* write)
    BIO* SSL_get_rbio(const SSL*)
    void SSL_set_accept_state(SSL*)
    void SSL_set_connect_state(SSL*)
    int SSL_do_handshake(SSL*)
    int SSL_read(SSL*, void*, int)
    int SSL_write(SSL*, const void*, int)
    int SSL_shutdown(SSL*)
    int SSL_get_error(const SSL*, int)
    const char* SSL_get_servername(const SSL*, int)
    long SSL_set_tlsext_host_name(SSL*, const char*)
    int SSL_set1_host(SSL*, const char*)
    void SSL_set_hostflags(SSL*, unsigned int)
    void SSL_get0_alpn_selected(const SSL*, const unsigned char**, unsigned int*)
    const char* SSL_get_version(const SSL*)
    const char* SSL_get_cipher_name(const SSL*)
    long SSL_get_verify_result(const SSL*)
    int SSL_session_reused(const SSL*)
    int SSL_version(const SSL*)
    int SSL_get_extms_support(SSL*)
    int SSL_export_keying_material(SSL*, unsigned char* out, size_t n, const char* label, size_t label_n,
                                   const unsigned char* context, size_t context_n, int use_context)
    unsigned long DANE_FLAG_NO_DANE_EE_NAMECHECKS
    int SSL_CTX_dane_enable(SSL_CTX*)
    int SSL_dane_enable(SSL*, const char* name)
    unsigned long SSL_dane_set_flags(SSL*, unsigned long)
    int SSL_dane_tlsa_add(SSL*, uint8_t usage, uint8_t selector, uint8_t matching, const unsigned char*, size_t)
    int SSL_get0_dane_tlsa(SSL*, uint8_t* usage, uint8_t* selector, uint8_t* matching, const unsigned char**, size_t*)
    X509* SSL_get_certificate(const SSL*)
    X509* SSL_get1_peer_certificate(const SSL*)
