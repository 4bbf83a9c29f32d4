/* The scans of scan.h with SSE2 (every x86-64 has it) and AVX2. */
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi,bmi2"), always_inline)) static inline

/* A signed compare finds controls and bytes beyond ASCII at once: those are the negative ones. */
static inline uint32_t text_stops_sse2(const char *p) {
    __m128i v = _mm_loadu_si128((const __m128i *)p);
    __m128i low = _mm_andnot_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')), _mm_cmplt_epi8(v, _mm_set1_epi8(0x20)));
    __m128i mark = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('<')), _mm_cmpeq_epi8(v, _mm_set1_epi8('&')));
    mark = _mm_or_si128(mark, _mm_cmpeq_epi8(v, _mm_set1_epi8(']')));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(low, mark));
}

static inline uint32_t value_stops_sse2(const char *p, __m128i quote) {
    __m128i v = _mm_loadu_si128((const __m128i *)p);
    __m128i mark = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('<')), _mm_cmpeq_epi8(v, _mm_set1_epi8('&')));
    mark = _mm_or_si128(mark, _mm_cmpeq_epi8(v, quote));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(mark, _mm_cmplt_epi8(v, _mm_set1_epi8(0x20))));
}

/* Letters by one range once bit 5 is set; '-' '.' '0'-'9' are a range but for '/'; '_' by itself. */
static inline uint32_t name_stops_sse2(const char *p) {
    __m128i v = _mm_loadu_si128((const __m128i *)p);
    __m128i letter = _mm_or_si128(v, _mm_set1_epi8(0x20));
    letter = _mm_and_si128(_mm_cmpgt_epi8(letter, _mm_set1_epi8('a' - 1)), _mm_cmplt_epi8(letter, _mm_set1_epi8('z' + 1)));
    __m128i other = _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('-' - 1)), _mm_cmplt_epi8(v, _mm_set1_epi8('9' + 1)));
    other = _mm_andnot_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('/')), other);
    __m128i good = _mm_or_si128(_mm_or_si128(letter, other), _mm_cmpeq_epi8(v, _mm_set1_epi8('_')));
    return (uint32_t)_mm_movemask_epi8(good) ^ 0xFFFF;
}

static inline const char *name_sse2(const char *p, const char *end, const char *low) {
    SCAN_LOOP(16, name_stops_sse2, name_portable(p, end, low));
}

static inline const char *text_sse2(const char *p, const char *end, const char *low) {
    SCAN_LOOP(16, text_stops_sse2, text_portable(p, end, low));
}

static inline const char *value_sse2(const char *p, const char *end, const char *low, char quote) {
    const __m128i q = _mm_set1_epi8(quote);
#define VALUE_STOPS(p) value_stops_sse2(p, q)
    SCAN_LOOP(16, VALUE_STOPS, value_portable(p, end, low, quote));
#undef VALUE_STOPS
}

static inline int same_sse2(const char *p, const char *b, unsigned n, const char *end) {
    uint64_t same = 0;
    if (end - p < 64)
        return same_portable(p, b, n, end);
    for (int i = 0; i < 64; i += 16) {
        __m128i eq = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(p + i)), _mm_loadu_si128((const __m128i *)(b + i)));
        same |= (uint64_t)(uint32_t)_mm_movemask_epi8(eq) << i;
    }
    return ~same << (64 - n) == 0;
}

static inline int begins_sse2(const char *p, const char *text, unsigned n, uint32_t rest) {
    (void)n;
    __m128i eq = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)p), _mm_loadu_si128((const __m128i *)text));
    return ((uint32_t)_mm_movemask_epi8(eq) | rest) == 0x1FFFF;
}

AVX2 int begins_avx2(const char *p, const char *text, unsigned n, uint32_t rest) { return begins_sse2(p, text, n, rest); }

AVX2 int same_avx2(const char *p, const char *b, unsigned n, const char *end) {
    if (end - p < 64)
        return same_portable(p, b, n, end);
    __m256i low = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)p), _mm256_loadu_si256((const __m256i *)b));
    __m256i high = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(p + 32)), _mm256_loadu_si256((const __m256i *)(b + 32)));
    uint64_t same = (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
    return ~same << (64 - n) == 0;
}

/* Constants of the AVX2 scans. A byte that equals the entry for its low nibble in `marks` is a mark (entries of no use
 * equal nothing); one below `low` is a control or beyond ASCII. Bit h of by_low[low nibble] says that the ASCII character
 * with that low nibble and high nibble h is in a name. */
typedef struct Marks { uint8_t marks[32], low[32], feed[32]; } Marks;   /* feed: line feeds, which are not to stop */

#define TWICE(...) {__VA_ARGS__, __VA_ARGS__}
#define FEEDS 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10
#define SPACES 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32
static const Marks TEXT_MARKS __attribute__((aligned(32))) =
    {TWICE(1, 0, 0, 0, 0, 0, '&', 0, 0, 0, 0, 0, '<', ']', 0, 0), TWICE(SPACES), TWICE(FEEDS)};
static const Marks VALUE_MARKS[2] __attribute__((aligned(32))) = {   /* by the quote's lowest bit */
    {TWICE(1, 0, '"', 0, 0, 0, '&', 0, 0, 0, 0, 0, '<', 0, 0, 0), TWICE(SPACES), {0}},
    {TWICE(1, 0, 0, 0, 0, 0, '&', '\'', 0, 0, 0, 0, '<', 0, 0, 0), TWICE(SPACES), {0}},
};
#undef TWICE
#undef FEEDS
#undef SPACES

typedef struct NameTables { uint8_t by_low[16], by_high[16], nibble[16]; } NameTables;
static const NameTables NAME_TABLES __attribute__((aligned(32))) = {
    {0xA8, 0xF8, 0xF8, 0xF8, 0xF8, 0xF8, 0xF8, 0xF8, 0xF8, 0xF8, 0xF0, 0x50, 0x50, 0x54, 0x54, 0x70},
    {1, 2, 4, 8, 16, 32, 64, 128}, {15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15},
};

/* The compiler is not to know what a table holds: it would build constants anew for each scan, four instructions each. */
#define HIDDEN(table) __asm__("" : "+r"(table))

#define LOAD(bytes) _mm256_load_si256((const __m256i *)(bytes))

AVX2 uint32_t value_stops_avx2(const Marks *t, const char *p) {
    __m256i v = _mm256_loadu_si256((const __m256i *)p);
    __m256i mark = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(LOAD(t->marks), v), v);
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(mark, _mm256_cmpgt_epi8(LOAD(t->low), v)));
}

AVX2 uint32_t text_stops_avx2(const Marks *t, const char *p) {
    __m256i v = _mm256_loadu_si256((const __m256i *)p);
    __m256i mark = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(LOAD(t->marks), v), v);
    __m256i low = _mm256_andnot_si256(_mm256_cmpeq_epi8(LOAD(t->feed), v), _mm256_cmpgt_epi8(LOAD(t->low), v));
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(mark, low));
}

AVX2 uint32_t name_stops_avx2(const NameTables *t, const char *p) {
    __m128i v = _mm_loadu_si128((const __m128i *)p);
    __m128i high = _mm_and_si128(_mm_srli_epi16(v, 4), _mm_load_si128((const __m128i *)t->nibble));
    __m128i hit = _mm_and_si128(_mm_shuffle_epi8(_mm_load_si128((const __m128i *)t->by_low), v),
                                _mm_shuffle_epi8(_mm_load_si128((const __m128i *)t->by_high), high));
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(hit, _mm_setzero_si128()));
}

/* Two vectors at a time, and one branch for both: most texts and values end in the first or the second. */
#define SCAN_TWO(STOPS)                                                     \
    for (; end - p >= 64; p += 64) {                                        \
        uint64_t both = STOPS(p) | (uint64_t)STOPS(p + 32) << 32;           \
        if (both)                                                           \
            return p + __builtin_ctzll(both);                               \
    }

AVX2 const char *name_avx2(const char *p, const char *end, const char *low) {
    const NameTables *table = &NAME_TABLES;
    HIDDEN(table);
#define NAME_STOPS(p) name_stops_avx2(table, p)
    SCAN_LOOP(16, NAME_STOPS, name_portable(p, end, low));
#undef NAME_STOPS
}

AVX2 const char *text_avx2(const char *p, const char *end, const char *low) {
    const Marks *table = &TEXT_MARKS;
    HIDDEN(table);
#define TEXT_STOPS(p) text_stops_avx2(table, p)
    SCAN_TWO(TEXT_STOPS);
    SCAN_LOOP(32, TEXT_STOPS, text_portable(p, end, low));
#undef TEXT_STOPS
}

AVX2 const char *value_avx2(const char *p, const char *end, const char *low, char quote) {
    const Marks *table = &VALUE_MARKS[quote & 1];
    HIDDEN(table);
#define VALUE_STOPS(p) value_stops_avx2(table, p)
    SCAN_TWO(VALUE_STOPS);
    SCAN_LOOP(32, VALUE_STOPS, value_portable(p, end, low, quote));
#undef VALUE_STOPS
}
