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

static inline unsigned headrace_odd16(const char *p) {
    __m128i v = _mm_loadu_si128((const __m128i *)p);
    /* & and ' differ in bit 0, as do no others that matter; < and > in bit 1. */
    __m128i odd = _mm_cmpeq_epi8(_mm_or_si128(v, _mm_set1_epi8(1)), _mm_set1_epi8('\''));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(_mm_or_si128(v, _mm_set1_epi8(2)), _mm_set1_epi8('>')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v));
    return (unsigned)_mm_movemask_epi8(odd);
}

/* Bytes of p that need no escape, counted up to the first that does. */
static inline size_t headrace_plain(const char *p, size_t n) {
    size_t i = 0;
    unsigned odd;
    if (n < 16) return headrace_plain_scalar(p, n);
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
