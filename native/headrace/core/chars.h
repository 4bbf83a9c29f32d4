/* Classes of characters: XML 1.0 (5th edition) 2.2 and 2.3, and UTF-8 (RFC 3629). */
#ifndef HEADRACE_CHARS_H
#define HEADRACE_CHARS_H

#include <stdint.h>

enum { C_START = 1, C_NAME = 2, C_SPACE = 4 };  /* may begin a name without colon; may go on in one; white space */

#define C_BOTH (C_START | C_NAME)
static const uint8_t CHAR_CLASS[256] = {
    ['\t'] = C_SPACE, ['\n'] = C_SPACE, ['\r'] = C_SPACE, [' '] = C_SPACE,
    ['-'] = C_NAME, ['.'] = C_NAME, ['0' ... '9'] = C_NAME,
    ['A' ... 'Z'] = C_BOTH, ['_'] = C_BOTH, ['a' ... 'z'] = C_BOTH,
};

static inline int is_space(char c) { return CHAR_CLASS[(uint8_t)c] & C_SPACE; }

/* A character that a document may contain, by its code point. */
static inline int is_char(uint32_t c) {
    if (c < 0x20)
        return c == '\t' || c == '\n' || c == '\r';
    return c < 0xD800 || (c >= 0xE000 && c < 0xFFFE) || (c >= 0x10000 && c < 0x110000);
}

/* Code points from U+0080 that may begin a name. */
static inline int is_wide_start(uint32_t c) {
    if (c < 0x2000)
        return (c >= 0xC0 && c <= 0x2FF && c != 0xD7 && c != 0xF7) || (c >= 0x370 && c != 0x37E);
    return c == 0x200C || c == 0x200D || (c >= 0x2070 && c <= 0x218F) || (c >= 0x2C00 && c <= 0x2FEF) ||
           (c >= 0x3001 && c <= 0xD7FF) || (c >= 0xF900 && c <= 0xFDCF) || (c >= 0xFDF0 && c <= 0xFFFD) ||
           (c >= 0x10000 && c <= 0xEFFFF);
}

/* Code points from U+0080 that may go on in a name. */
static inline int is_wide_name(uint32_t c) {
    return c == 0xB7 || (c >= 0x300 && c <= 0x36F) || c == 0x203F || c == 0x2040 || is_wide_start(c);
}

#endif
