# distutils: libraries = crypto
# distutils: extra_compile_args = -DOPENSSL_SUPPRESS_DEPRECATED
"""PBKDF2 without what OpenSSL does around each hash: see pbkdf2.pyi."""
from libc.string cimport memcpy, memset

import hashlib

from headrace.sasl.mac import mac


cdef size_t block_size(size_t size) noexcept nogil:
    return 128 if size == 64 else 64


cdef void begin(State* state, size_t size, Block* key, unsigned char mask) noexcept nogil:
    """Half of an HMAC: what is hashed first, the key under a mask."""
    cdef Block masked
    cdef int i
    for i in range(128):
        masked.bytes[i] = key.bytes[i] ^ mask
    if size == 32:
        SHA256_Init(&state.sha256)
        SHA256_Transform(&state.sha256, masked.bytes)
    elif size == 20:
        SHA1_Init(&state.sha1)
        SHA1_Transform(&state.sha1, masked.bytes)
    else:
        SHA512_Init(&state.sha512)
        SHA512_Transform(&state.sha512, masked.bytes)
    OPENSSL_cleanse(&masked, sizeof(masked))


cdef void finish(const State* begun, size_t size, Block* block) noexcept nogil:
    """What was begun ends with this block; the hash replaces its first bytes."""
    cdef State state
    cdef int i
    memcpy(&state, begun, size)     # the hash so far is the first thing in each
    if size == 32:
        SHA256_Transform(&state.sha256, block.bytes)
        for i in range(8):
            block.words[i] = htobe32(state.sha256.h[i])
    elif size == 20:
        SHA1_Transform(&state.sha1, block.bytes)
        block.words[0] = htobe32(state.sha1.h0)
        block.words[1] = htobe32(state.sha1.h1)
        block.words[2] = htobe32(state.sha1.h2)
        block.words[3] = htobe32(state.sha1.h3)
        block.words[4] = htobe32(state.sha1.h4)
    else:
        SHA512_Transform(&state.sha512, block.bytes)
        for i in range(8):
            block.longs[i] = htobe64(state.sha512.h[i])


cdef void iterate(unsigned char* out, size_t size, Block* key, unsigned int iterations) noexcept nogil:
    """out: the first iteration's HMAC, then the sum of all. What is hashed from then on is one hash behind one block:
    always of the same length, so padded once."""
    cdef State inner, outer
    cdef Block block
    cdef size_t i, whole = block_size(size)
    cdef size_t bits = 8 * (whole + size)
    begin(&inner, size, key, 0x36)
    begin(&outer, size, key, 0x5C)
    memset(&block, 0, sizeof(block))
    memcpy(block.bytes, out, size)
    block.bytes[size] = 0x80
    block.bytes[whole - 2] = <unsigned char>(bits >> 8)
    block.bytes[whole - 1] = <unsigned char>bits
    for _ in range(1, iterations):
        finish(&inner, size, &block)
        finish(&outer, size, &block)
        for i in range(size):
            out[i] ^= block.bytes[i]
    OPENSSL_cleanse(&inner, sizeof(inner))
    OPENSSL_cleanse(&outer, sizeof(outer))


def pbkdf2(str digest not None, bytes password not None, bytes salt not None, unsigned int iterations):
    cdef bytearray out = bytearray(mac(digest, password, salt + b"\0\0\0\1"))
    cdef unsigned char* p = out
    cdef size_t size = len(out)
    cdef Block key
    if iterations < 1:
        raise ValueError("at least one iteration")
    if <size_t>len(password) > block_size(size):
        password = hashlib.new(digest, password).digest()
    memset(&key, 0, sizeof(key))
    memcpy(key.bytes, <const char*>password, len(password))
    with nogil:
        iterate(p, size, &key, iterations)
    OPENSSL_cleanse(&key, sizeof(key))
    return bytes(out)
