# PBKDF2 over the compression functions of SHA-1 and SHA-2 themselves.
from libc.stdint cimport uint32_t, uint64_t

cdef extern from "<endian.h>" nogil:
    uint32_t htobe32(uint32_t number)
    uint64_t htobe64(uint64_t number)

cdef extern from "<openssl/crypto.h>" nogil:
    void OPENSSL_cleanse(void* p, size_t n)

cdef extern from "<openssl/sha.h>" nogil:
    ctypedef struct SHA_CTX:
        uint32_t h0, h1, h2, h3, h4
    ctypedef struct SHA256_CTX:
        uint32_t h[8]
    ctypedef struct SHA512_CTX:
        uint64_t h[8]
    int SHA1_Init(SHA_CTX* state)
    int SHA256_Init(SHA256_CTX* state)
    int SHA512_Init(SHA512_CTX* state)
    void SHA1_Transform(SHA_CTX* state, const unsigned char* block)
    void SHA256_Transform(SHA256_CTX* state, const unsigned char* block)
    void SHA512_Transform(SHA512_CTX* state, const unsigned char* block)

cdef union State:
    SHA_CTX sha1
    SHA256_CTX sha256
    SHA512_CTX sha512

cdef union Block:
    unsigned char bytes[128]
    uint32_t words[32]
    uint64_t longs[16]

# Algorithms are told apart by the size of their hashes: 20, 32 or 64 bytes.
cdef size_t block_size(size_t size) noexcept nogil
cdef void begin(State* state, size_t size, Block* key, unsigned char mask) noexcept nogil
cdef void finish(const State* begun, size_t size, Block* block) noexcept nogil
cdef void iterate(unsigned char* out, size_t size, Block* key, unsigned int iterations) noexcept nogil
