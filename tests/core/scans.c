/* Each vector scanner of the machine it is built for beside the portable one: `scans [FILE...]`. First the scans alone,
 * on texts at both ends of memory that may be read; then the whole tokenizer over files of the fuzz corpus. test_scan.py
 * runs it, for ARM under an emulator. */
#include <sys/mman.h>

#include "ways.h"

enum { PAGE = 65536 };      /* the largest page that Linux has */
#if defined(__x86_64__)
enum { LONGEST_TEXT = 134 };    /* two of the widest steps and some */
#else
enum { LONGEST_TEXT = 70 };
#endif

typedef const char *(*Scan)(const char *p, const char *end, const char *low, char quote);

typedef int (*Same)(const char *p, const char *b, unsigned n, const char *end);

typedef int (*Begins)(const char *p, const char *text, unsigned n, uint32_t rest);

typedef struct Scans { const char *name; Scan scan[3]; Same same; Begins begins; } Scans;

#define SCANS(scanner, target) \
    target static const char *name_by_##scanner(const char *p, const char *end, const char *low, char quote) { \
        (void)quote; \
        return name_##scanner(p, end, low); \
    } \
    target static const char *text_by_##scanner(const char *p, const char *end, const char *low, char quote) { \
        (void)quote; \
        return text_##scanner(p, end, low); \
    } \
    target static const char *value_by_##scanner(const char *p, const char *end, const char *low, char quote) { \
        return value_##scanner(p, end, low, quote); \
    } \
    target static int same_by_##scanner(const char *p, const char *b, unsigned n, const char *end) { \
        return same_##scanner(p, b, n, end); \
    } \
    target static int begins_by_##scanner(const char *p, const char *text, unsigned n, uint32_t rest) { \
        return begins_##scanner(p, text, n, rest); \
    } \
    static const Scans BY_##scanner = {#scanner, {name_by_##scanner, text_by_##scanner, value_by_##scanner}, \
                                       same_by_##scanner, begins_by_##scanner};

SCANS(portable, )
#if defined(__x86_64__)
SCANS(sse2, )
SCANS(avx2, __attribute__((target("avx2,bmi,bmi2"))))
static const Scans *const VECTORS[] = {&BY_sse2, &BY_avx2};
#else
SCANS(neon, )
static const Scans *const VECTORS[] = {&BY_neon};
#endif

static int here(const char *name) {
    Scanner known[4];
    for (int i = scanners(known); i--;)
        if (strcmp(known[i].name, name) == 0)
            return 1;
    return 0;
}

static unsigned long compared;

static void compare(const Scans *vector, const char *p, const char *end, const char *low) {
    for (int i = 0; i < 3; i++)
        for (int q = 0; q < 2; q++) {
            const char *want = BY_portable.scan[i](p, end, low, "'\""[q]), *got = vector->scan[i](p, end, low, "'\""[q]);
            compared++;
            if (got == want)
                continue;
            fprintf(stderr, "%s, scan %d, quote %d: stops at %d of %d bytes, %d behind low; should at %d\n", vector->name, i, q,
                    (int)(got - p), (int)(end - p), (int)(p - low), (int)(want - p));
            exit(1);
        }
}

static uint32_t chance(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

/* One byte of every kind at every place of a text without any, and a few texts of chance. What is before the text would
 * stop each scan. */
static void compare_texts(const Scans *vector, char *low, char *p, int n) {
    static const char often[] = "aZ09-./: ='\"<>&]\n\r\t\x01\x7f\x80\xc3\xff@[`{";
    uint32_t state = (uint32_t)(n * 131 + (p - low) + 1);
    memset(low, '<', (size_t)(p - low));
    memset(p, 'x', (size_t)n);
    compare(vector, p, p + n, low);
    for (int at = 0; at < n; at++) {
        for (const char *c = often; c < often + sizeof often; c++) {
            p[at] = *c;
            compare(vector, p, p + n, low);
        }
        p[at] = 'x';
    }
    for (int times = 0; times < 8; times++) {
        for (int at = 0; at < n; at++)
            p[at] = chance(&state) % 8 ? 'x' : (char)chance(&state);
        compare(vector, p, p + n, low);
    }
}

static void compare_bytes(const Scans *vector, char *low) {
    memset(low, 'x', LONGEST_TEXT);
    for (int c = 0; c < 256; c++)
        for (int at = 0; at < LONGEST_TEXT; at++) {
            low[at] = (char)c;
            compare(vector, low, low + LONGEST_TEXT, low);
            low[at] = 'x';
        }
}

/* Every length up to beyond two vectors, some beyond two steps of them, and every distance from the lowest byte that may
 * be read, up to beyond a vector. */
static void compare_scans(const Scans *vector, char *room) {
    static const int before[] = {0, 1, 7, 8, 15, 16, 17, 31, 32, 33};
    compare_bytes(vector, room);
    for (int n = 0; n <= LONGEST_TEXT; n += n < 70 ? 1 : 9)
        for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
            compare_texts(vector, room, room + before[i], n);
            compare_texts(vector, room + PAGE - n - before[i], room + PAGE - n, n);
        }
}

static void compare_same(const Scans *vector, const char *p, const char *tag, unsigned n, const char *end, int want) {
    compared++;
    if (!vector->same(p, tag, n, end) == !want)
        return;
    fprintf(stderr, "%s: %u bytes are %sthe same, %d bytes before the end\n", vector->name, n, want ? "" : "not ",
            (int)(end - p));
    exit(1);
}

/* Spans of every length, so far from the end of what may be read: as long as they are, and a byte of each changed;
 * what is behind them does not matter. */
static void compare_spans(const Scans *vector, char *room) {
    char tag[64];
    for (unsigned n = 1; n <= sizeof tag; n++)
        for (unsigned more = 0; more <= sizeof tag; more++) {
            char *p = room + PAGE - n - more;
            memset(tag, 0, sizeof tag);
            memset(tag, 'x', n);
            memset(p, 'x', n);
            memset(p + n, 'y', more);
            compare_same(vector, p, tag, n, room + PAGE, 1);
            for (unsigned at = 0; at < n; at++) {
                p[at] = (char)0x80;
                compare_same(vector, p, tag, n, room + PAGE, 0);
                p[at] = 'x';
            }
        }
}

static void compare_begins(const Scans *vector, const char *p, const AttrMemo *e, int want) {
    compared++;
    if (!vector->begins(p, e->text, e->n, e->rest) == !want && !BY_portable.begins(p, e->text, e->n, e->rest) == !want)
        return;
    fprintf(stderr, "%s: %u bytes do %sbegin a text\n", vector->name, e->n, want ? "" : "not ");
    exit(1);
}

/* Beginnings of every length at the end of what may be read, as they are and with a byte of each changed; none at all
 * is not even what zeros begin with. */
static void compare_beginnings(const Scans *vector, char *room) {
    char *p = room + PAGE - ATTR_TEXT;
    memset(p, 0, ATTR_TEXT);
    compare_begins(vector, p, &(AttrMemo){.n = 0}, 0);
    for (uint32_t n = 4; n <= ATTR_TEXT; n++) {
        AttrMemo e = {.n = (uint8_t)n, .rest = attr_rest(n)};
        memset(e.text, 'x', n);
        memset(p, 'y', ATTR_TEXT);
        memset(p, 'x', n);
        compare_begins(vector, p, &e, 1);
        for (uint32_t at = 0; at < n; at++) {
            p[at] = 'z';
            compare_begins(vector, p, &e, 0);
            p[at] = 'x';
        }
    }
}

static char *load(const char *path, size_t *n) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END))
        exit(2);
    *n = (size_t)ftell(file);
    char *data = malloc(*n);
    rewind(file);
    if (data == NULL || fread(data, 1, *n, file) != *n)
        exit(2);
    fclose(file);
    return data;
}

static void compare_document(const char *path) {
    size_t size;
    char *input = load(path, &size);
    if (size > HOW) {
        Plan plan = plan_of((const uint8_t *)input);
        Result whole[2] = {{.begin = 0}, {.begin = 0}};
        read_whole(plan, input + HOW, size - HOW, whole);
        check_scanners(&plan, whole, input + HOW, size - HOW);
        free_result(&whole[0]);
    }
    free(input);
}

int main(int argc, char **argv) {
    /* A page that nothing may touch on each side. */
    char *room = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED || mprotect(room + PAGE, PAGE, PROT_READ | PROT_WRITE))
        return 2;
    for (size_t i = 0; i < sizeof VECTORS / sizeof *VECTORS; i++)
        if (here(VECTORS[i]->name)) {
            compared = 0;
            compare_scans(VECTORS[i], room + PAGE);
            compare_spans(VECTORS[i], room + PAGE);
            compare_beginnings(VECTORS[i], room + PAGE);
            printf("%s %lu\n", VECTORS[i]->name, compared);
        }
    for (int i = 1; i < argc; i++)
        compare_document(argv[i]);
    printf("documents %d\n", argc - 1);
    return 0;
}
