/* The scans of scan.h with NEON (every AArch64 has it). */
#include <arm_neon.h>

/* NEON has no movemask: keep one bit of each byte by its place and add the halves up. */
static inline uint32_t mask_neon(uint8x16_t v) {
    static const uint8_t places[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t bits = vandq_u8(v, vld1q_u8(places));
    return vaddv_u8(vget_low_u8(bits)) | (uint32_t)vaddv_u8(vget_high_u8(bits)) << 8;
}

static inline uint8x16_t outside_neon(uint8x16_t v) {  /* controls and beyond ASCII */
    return vcltq_s8(vreinterpretq_s8_u8(v), vdupq_n_s8(0x20));
}

static inline uint32_t text_stops_neon(const char *p) {
    uint8x16_t v = vld1q_u8((const uint8_t *)p);
    uint8x16_t low = vbicq_u8(outside_neon(v), vceqq_u8(v, vdupq_n_u8('\n')));
    uint8x16_t mark = vorrq_u8(vceqq_u8(v, vdupq_n_u8('<')), vceqq_u8(v, vdupq_n_u8('&')));
    return mask_neon(vorrq_u8(vorrq_u8(low, mark), vceqq_u8(v, vdupq_n_u8(']'))));
}

static inline uint32_t value_stops_neon(const char *p, uint8x16_t quote) {
    uint8x16_t v = vld1q_u8((const uint8_t *)p);
    uint8x16_t mark = vorrq_u8(vceqq_u8(v, vdupq_n_u8('<')), vceqq_u8(v, vdupq_n_u8('&')));
    return mask_neon(vorrq_u8(vorrq_u8(outside_neon(v), mark), vceqq_u8(v, quote)));
}

static inline uint8x16_t within_neon(uint8x16_t v, uint8_t from, uint8_t to) {
    return vcleq_u8(vsubq_u8(v, vdupq_n_u8(from)), vdupq_n_u8((uint8_t)(to - from)));
}

static inline uint32_t name_stops_neon(const char *p) {
    uint8x16_t v = vld1q_u8((const uint8_t *)p);
    uint8x16_t letter = within_neon(vorrq_u8(v, vdupq_n_u8(0x20)), 'a', 'z');
    uint8x16_t other = vbicq_u8(within_neon(v, '-', '9'), vceqq_u8(v, vdupq_n_u8('/')));
    uint8x16_t good = vorrq_u8(vorrq_u8(letter, other), vceqq_u8(v, vdupq_n_u8('_')));
    return mask_neon(vmvnq_u8(good));
}

static inline const char *name_neon(const char *p, const char *end, const char *low) {
    SCAN_LOOP(16, name_stops_neon, name_portable(p, end, low));
}

static inline const char *text_neon(const char *p, const char *end, const char *low) {
    SCAN_LOOP(16, text_stops_neon, text_portable(p, end, low));
}

static inline const char *value_neon(const char *p, const char *end, const char *low, char quote) {
    const uint8x16_t q = vdupq_n_u8((uint8_t)quote);
#define VALUE_STOPS(p) value_stops_neon(p, q)
    SCAN_LOOP(16, VALUE_STOPS, value_portable(p, end, low, quote));
#undef VALUE_STOPS
}

static inline int same_neon(const char *p, const char *b, unsigned n, const char *end) {
    uint8x16_t differ = vdupq_n_u8(0);
    unsigned i = 0;
    if (n < 16)
        return same_portable(p, b, n, end);
    for (; i + 16 <= n; i += 16)
        differ = vorrq_u8(differ, veorq_u8(vld1q_u8((const uint8_t *)p + i), vld1q_u8((const uint8_t *)b + i)));
    i = n - 16;
    differ = vorrq_u8(differ, veorq_u8(vld1q_u8((const uint8_t *)p + i), vld1q_u8((const uint8_t *)b + i)));
    return vmaxvq_u8(differ) == 0;
}

static inline int begins_neon(const char *p, const char *text, unsigned n, uint32_t rest) {
    return begins_portable(p, text, n, rest);
}
