# HMAC and SCRAM's proof, with hash algorithms that were looked up once.
cdef extern from "<openssl/evp.h>" nogil:
    ctypedef struct EVP_MD
    ctypedef struct EVP_MD_CTX
    EVP_MD* EVP_MD_fetch(void* library, const char* algorithm, const char* properties)
    int EVP_MD_get_size(const EVP_MD* md)
    int EVP_MD_get_block_size(const EVP_MD* md)
    EVP_MD_CTX* EVP_MD_CTX_new()
    void EVP_MD_CTX_free(EVP_MD_CTX* context)
    int EVP_DigestInit_ex2(EVP_MD_CTX* context, const EVP_MD* md, const void* params)
    int EVP_DigestUpdate(EVP_MD_CTX* context, const void* p, size_t n)
    int EVP_DigestFinal_ex(EVP_MD_CTX* context, unsigned char* md, unsigned int* n)

cdef extern from "<openssl/crypto.h>" nogil:
    int CRYPTO_memcmp(const void* one, const void* other, size_t n)

cdef enum:
    LARGEST_HASH = 64       # bytes: SHA-512's
    LARGEST_BLOCK = 128

cdef EVP_MD* named(str digest) except NULL
# The hash of n bytes and m bytes more.
cdef int hashed(EVP_MD_CTX* context, const EVP_MD* md, const void* p, size_t n, const void* q, size_t m,
                unsigned char* out) except -1
cdef int hmac(EVP_MD_CTX* context, const EVP_MD* md, bytes key, bytes data, unsigned char* out) except -1
