/* Runs of harmless bytes: each scan answers the first byte in [p, end) that needs a look, or end.
 *
 *   name   stops at what isn't an ASCII name character (a colon stops too)
 *   text   stops at < & ] controls but line feed, and anything beyond ASCII
 *   value  stops at the quote, < & controls, and anything beyond ASCII
 *
 * `low` is the start of memory that may be read: with a vector's width between low and end, the last bytes are read by
 * one load that ends at end; nothing outside [low, end) is ever read. The portable versions are here; those of
 * scan_x86.h and scan_arm.h must answer the same (tests/core/test_scan.py). */
#ifndef HEADRACE_SCAN_H
#define HEADRACE_SCAN_H

#include <stdint.h>
#include <string.h>

#include "headrace/core/chars.h"

static inline const char *name_portable(const char *p, const char *end, const char *low) {
    (void)low;
    while (p < end && CHAR_CLASS[(uint8_t)*p] & C_NAME)
        p++;
    return p;
}

static inline int stops_text(uint8_t c) {
    return (c < 0x20 && c != '\n') || c >= 0x80 || c == '<' || c == '&' || c == ']';
}

static inline const char *text_portable(const char *p, const char *end, const char *low) {
    (void)low;
    while (p < end && !stops_text((uint8_t)*p))
        p++;
    return p;
}

static inline int stops_value(uint8_t c, char quote) {
    return c < 0x20 || c >= 0x80 || c == '<' || c == '&' || c == (uint8_t)quote;
}

static inline const char *value_portable(const char *p, const char *end, const char *low, char quote) {
    (void)low;
    while (p < end && !stops_value((uint8_t)*p, quote))
        p++;
    return p;
}

/* Two spans of n bytes, 1 to 64, are the same; `end` bounds what may be read at p, at b it is 64 bytes. */
static inline int same_portable(const char *p, const char *b, unsigned n, const char *end) {
    (void)end;
    return memcmp(p, b, n) == 0;
}

/* The ATTR_TEXT bytes at p begin with those that a memo of an attribute has; see AttrMemo.rest. */
static inline int begins_portable(const char *p, const char *text, unsigned n, uint32_t rest) {
    return rest && memcmp(p, text, n) == 0;
}

/* The vector versions all walk alike. STOPS(v) is a bit mask of the bytes of a vector that stop, WIDTH its bytes. */
#define SCAN_LOOP(WIDTH, STOPS, SCALAR)                                     \
    uint32_t stops;                                                         \
    for (; end - p >= (WIDTH); p += (WIDTH))                                \
        if ((stops = STOPS(p)))                                             \
            return p + __builtin_ctz(stops);                                \
    if (p == end)                                                           \
        return p;                                                           \
    if (end - low >= (WIDTH)) {                                             \
        const char *last = end - (WIDTH);                                   \
        stops = STOPS(last) >> (p - last);                                  \
        return stops ? p + __builtin_ctz(stops) : end;                      \
    }                                                                       \
    return SCALAR

#if defined(__x86_64__)
#include "headrace/core/scan_x86.h"
#elif defined(__aarch64__)
#include "headrace/core/scan_arm.h"
#endif

#endif
