/* UTF-8 beyond ASCII: shortest forms only, no surrogates, nothing above U+10FFFF (RFC 3629), no U+FFFE and U+FFFF. */
#ifndef HEADRACE_UTF8_H
#define HEADRACE_UTF8_H

#include <stdint.h>

enum { UTF8_BAD = -1, UTF8_MORE = 0 };

static inline int utf8_tail(uint8_t c) { return (c & 0xC0) == 0x80; }

/* What may follow a lead byte is narrower for some of them: overlong forms, surrogates, above U+10FFFF. */
static inline int utf8_second(uint8_t lead, uint8_t c) {
    switch (lead) {
    case 0xE0: return c >= 0xA0 && c <= 0xBF;
    case 0xED: return c >= 0x80 && c <= 0x9F;
    case 0xF0: return c >= 0x90 && c <= 0xBF;
    case 0xF4: return c >= 0x80 && c <= 0x8F;
    default: return utf8_tail(c);
    }
}

/* Length of the character at p (its first byte is >= 0x80) and its code point; UTF8_MORE if the input ends inside it,
 * UTF8_BAD as soon as what is there can't become a character. */
static inline int utf8_decode(const char *text, const char *end, uint32_t *code) {
    const uint8_t *p = (const uint8_t *)text;
    long left = end - text;
    uint8_t lead = p[0];
    if (lead < 0xC2 || lead > 0xF4)
        return UTF8_BAD;
    int n = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (left < 2)
        return UTF8_MORE;
    if (!utf8_second(lead, p[1]) || (left > 2 && n > 2 && !utf8_tail(p[2])))
        return UTF8_BAD;
    if (left < n)
        return UTF8_MORE;
    if (n == 2)
        *code = (uint32_t)(lead & 0x1F) << 6 | (p[1] & 0x3F);
    else if (n == 3)
        *code = (uint32_t)(lead & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    else {
        if (!utf8_tail(p[3]))
            return UTF8_BAD;
        *code = (uint32_t)(lead & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 | (uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3F);
    }
    return (*code | 1) == 0xFFFF ? UTF8_BAD : n;
}

/* A whole character of two bytes is there: all of those are fine. */
static inline int utf8_pair(const char *p, const char *end) {
    return end - p > 1 && (uint8_t)p[0] >= 0xC2 && (uint8_t)p[0] < 0xE0 && utf8_tail((uint8_t)p[1]);
}

/* Skips characters beyond ASCII. Answers 1 at the first ASCII byte or at the end, else UTF8_MORE or UTF8_BAD with *at
 * on the first byte of the character in question. */
static inline int utf8_skip(const char **at, const char *end) {
    const char *p = *at;
    uint32_t code;
    int n = 1;
    while (p < end && (uint8_t)*p >= 0x80 && (n = utf8_decode(p, end, &code)) > 0)
        p += n;
    *at = p;
    return n > 0 ? 1 : n;
}

/* Writes a code point (checked) and answers the bytes it took. */
static inline int utf8_encode(char *out, uint32_t c) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

#endif
