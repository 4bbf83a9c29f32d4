/* References, and values as an application sees them: decoded, line ends and attribute white space normalised. */
#ifndef HEADRACE_REFS_H
#define HEADRACE_REFS_H

#include <string.h>

#include "headrace/core/chars.h"
#include "headrace/core/utf8.h"

/* How far a reference has come. */
enum { REF_AMP = 0, REF_HASH, REF_DECIMAL, REF_X, REF_HEX, REF_NAME };
/* What the bytes so far make of it, beside how many bytes were taken. */
enum { REF_MORE = 0, REF_DONE, REF_WRONG, REF_ENTITY };

static inline int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character that one of the five names stands for, or 0. */
static inline char ref_named(const char *p, size_t n) {
    if (n == 2 && p[1] == 't')
        return p[0] == 'l' ? '<' : p[0] == 'g' ? '>' : 0;
    if (n == 3 && memcmp(p, "amp", 3) == 0)
        return '&';
    if (n == 4 && memcmp(p, "quot", 4) == 0)
        return '"';
    return n == 4 && memcmp(p, "apos", 4) == 0 ? '\'' : 0;
}

/* Decodes a value that the machine has passed; out has room for n bytes (it never gets longer). Answers its length.
 * attribute: white space becomes spaces (XML 1.0 3.3.3); cdata: references are text. */
static inline size_t decode_value(char *out, const char *p, size_t n, int attribute, int cdata) {
    const char *end = p + n;
    char *start = out;
    while (p < end) {
        char c = *p++;
        if (c == '\r') {
            if (p < end && *p == '\n')
                p++;
            c = '\n';
        }
        if (c != '&' || cdata) {
            *out++ = attribute && (c == '\n' || c == '\t') ? ' ' : c;
            continue;
        }
        const char *semicolon = memchr(p, ';', (size_t)(end - p));
        if (*p != '#')
            *out++ = ref_named(p, (size_t)(semicolon - p));
        else {
            int hex = p[1] == 'x';
            uint32_t code = 0;
            for (p += 1 + hex; p < semicolon; p++)
                code = code * (hex ? 16 : 10) + (uint32_t)hex_digit(*p);
            out += utf8_encode(out, code);
        }
        p = semicolon + 1;
    }
    return (size_t)(out - start);
}

#endif
