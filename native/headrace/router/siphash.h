/* SipHash-1-3 over a short key: what strangers name is looked up in a table, so they must not be able to choose where it
   lands. */
#ifndef HEADRACE_SIPHASH_H
#define HEADRACE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SIP_ROTATE(x, b) (((x) << (b)) | ((x) >> (64 - (b))))
#define SIP_ROUND                                                                                                      \
    v0 += v1; v1 = SIP_ROTATE(v1, 13) ^ v0; v0 = SIP_ROTATE(v0, 32);                                                   \
    v2 += v3; v3 = SIP_ROTATE(v3, 16) ^ v2;                                                                            \
    v0 += v3; v3 = SIP_ROTATE(v3, 21) ^ v0;                                                                            \
    v2 += v1; v1 = SIP_ROTATE(v1, 17) ^ v2; v2 = SIP_ROTATE(v2, 32);

static inline uint64_t siphash13(uint64_t k0, uint64_t k1, const char *p, size_t n)
{
    uint64_t v0 = k0 ^ 0x736f6d6570736575ULL, v1 = k1 ^ 0x646f72616e646f6dULL;
    uint64_t v2 = k0 ^ 0x6c7967656e657261ULL, v3 = k1 ^ 0x7465646279746573ULL;
    uint64_t word, last = (uint64_t)n << 56;
    const char *end = p + (n & ~(size_t)7);

    for (; p != end; p += 8) {
        memcpy(&word, p, 8);
        v3 ^= word;
        SIP_ROUND
        v0 ^= word;
    }
    word = 0;
    memcpy(&word, p, n & 7);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    last |= word;
    v3 ^= last;
    SIP_ROUND
    v0 ^= last;
    v2 ^= 0xff;
    SIP_ROUND
    SIP_ROUND
    SIP_ROUND
    return v0 ^ v1 ^ v2 ^ v3;
}

#endif
