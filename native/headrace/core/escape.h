/* How far may text be copied as it is? What stops the copy: & < > " ' and the controls (a parser would normalise
   TAB, LF and CR in an attribute value; the others XML can't carry). Never reads beyond p + n. */
#ifndef HEADRACE_ESCAPE_H
#define HEADRACE_ESCAPE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline int headrace_is_plain(unsigned char c) {
    return c >= 0x20 && c != '"' && c != '&' && c != '\'' && c != '<' && c != '>';
}

static inline size_t headrace_plain_scalar(const char *p, size_t n) {
    size_t i = 0;
    while (i < n && headrace_is_plain((unsigned char)p[i])) i++;
    return i;
}

#if defined(__SSE2__)
#include <emmintrin.h>

static inline unsigned headrace_odd(__m128i v) {
    /* & and ' differ in bit 0, as do no others that matter; < and > in bit 1. */
    __m128i odd = _mm_cmpeq_epi8(_mm_or_si128(v, _mm_set1_epi8(1)), _mm_set1_epi8('\''));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(_mm_or_si128(v, _mm_set1_epi8(2)), _mm_set1_epi8('>')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v));
    return (unsigned)_mm_movemask_epi8(odd);
}

static inline unsigned headrace_odd16(const char *p) {
    return headrace_odd(_mm_loadu_si128((const __m128i *)p));
}

/* 4 to 15 bytes in one vector: their first and last 4 or 8, which may overlap. */
static inline unsigned headrace_odd_short(const char *p, size_t n) {
    uint64_t first = 0, last = 0;
    uint32_t low, high;
    if (n >= 8) {
        memcpy(&first, p, 8);
        memcpy(&last, p + n - 8, 8);
    } else {
        memcpy(&low, p, 4);
        memcpy(&high, p + n - 4, 4);
        first = last = low | (uint64_t)high << 32;
    }
    return headrace_odd(_mm_set_epi64x((long long)last, (long long)first));
}

/* Bytes of p that need no escape, counted up to the first that does. */
static inline size_t headrace_plain(const char *p, size_t n) {
    size_t i = 0;
    unsigned odd;
    if (n < 16) return n >= 4 && !headrace_odd_short(p, n) ? n : headrace_plain_scalar(p, n);
    for (; i + 16 <= n; i += 16)
        if ((odd = headrace_odd16(p + i))) return i + (size_t)__builtin_ctz(odd);
    if (i < n && (odd = headrace_odd16(p + n - 16))) /* the last 16, overlapping what is known to be plain */
        return n - 16 + (size_t)__builtin_ctz(odd);
    return n;
}
#else
static inline size_t headrace_plain(const char *p, size_t n) { return headrace_plain_scalar(p, n); }
#endif

#endif
