# distutils: libraries = crypto
"""HMAC and SCRAM's proof, straight from OpenSSL: see mac.pyi."""
from libc.string cimport memcpy, memset

# Found once, at import: to look an algorithm up takes OpenSSL 3 longer than to hash a few lines.
cdef EVP_MD* SHA1 = EVP_MD_fetch(NULL, "SHA1", NULL)  # set at import
cdef EVP_MD* SHA256 = EVP_MD_fetch(NULL, "SHA256", NULL)  # set at import
cdef EVP_MD* SHA512 = EVP_MD_fetch(NULL, "SHA512", NULL)  # set at import


cdef EVP_MD* named(str digest) except NULL:
    cdef EVP_MD* md = SHA256 if digest == "sha256" else SHA512 if digest == "sha512" else NULL
    if digest == "sha1":
        md = SHA1
    if md == NULL:
        raise ValueError(f"no digest {digest}")
    return md


cdef int hashed(EVP_MD_CTX* context, const EVP_MD* md, const void* p, size_t n, const void* q, size_t m,
                unsigned char* out) except -1:
    if (EVP_DigestInit_ex2(context, md, NULL) != 1 or EVP_DigestUpdate(context, p, n) != 1
            or EVP_DigestUpdate(context, q, m) != 1 or EVP_DigestFinal_ex(context, out, NULL) != 1):
        raise RuntimeError("OpenSSL does not hash")
    return 0


cdef int hmac(EVP_MD_CTX* context, const EVP_MD* md, bytes key, bytes data, unsigned char* out) except -1:
    """RFC 2104."""
    cdef unsigned char pad[LARGEST_BLOCK]
    cdef size_t i, block = EVP_MD_get_block_size(md), size = EVP_MD_get_size(md)
    memset(pad, 0, sizeof(pad))
    if <size_t>len(key) > block:
        hashed(context, md, <const char*>key, len(key), NULL, 0, pad)
    else:
        memcpy(pad, <const char*>key, len(key))
    for i in range(block):
        pad[i] ^= 0x36
    hashed(context, md, pad, block, <const char*>data, len(data), out)
    for i in range(block):
        pad[i] ^= 0x36 ^ 0x5C
    return hashed(context, md, pad, block, out, size, out)


cdef EVP_MD_CTX* fresh() except NULL:
    cdef EVP_MD_CTX* context = EVP_MD_CTX_new()
    if context == NULL:
        raise MemoryError
    return context


def mac(str digest not None, bytes key not None, bytes data not None):
    cdef unsigned char out[LARGEST_HASH]
    cdef const EVP_MD* md = named(digest)
    cdef EVP_MD_CTX* context = fresh()
    try:
        hmac(context, md, key, data, out)
    finally:
        EVP_MD_CTX_free(context)
    return (<char*>out)[:EVP_MD_get_size(md)]


def proves(str digest not None, bytes stored_key not None, bytes signed not None, bytes proof not None):
    cdef unsigned char key[LARGEST_HASH]
    cdef unsigned char out[LARGEST_HASH]
    cdef const unsigned char* given = proof
    cdef const EVP_MD* md = named(digest)
    cdef size_t i, size = EVP_MD_get_size(md)
    cdef EVP_MD_CTX* context
    if <size_t>len(proof) != size or <size_t>len(stored_key) != size:
        return False
    context = fresh()
    try:
        hmac(context, md, stored_key, signed, key)
        for i in range(size):
            key[i] ^= given[i]      # the client's key, if the proof is right
        hashed(context, md, key, size, NULL, 0, out)
    finally:
        EVP_MD_CTX_free(context)
    return CRYPTO_memcmp(out, <const char*>stored_key, size) == 0
