/* Memory of the tokenizer. What reading one element needs is a Frame. A stream that is between two elements has none;
 * frames go round among the streams of one thread by way of their Work. All places inside an element are offsets from
 * its first byte: those bytes move from the caller's buffer to acc when input ends in the middle. */
#ifndef HEADRACE_FRAME_H
#define HEADRACE_FRAME_H

#include <stdlib.h>
#include <string.h>

#include "headrace/core/names.h"
#include "headrace/core/view.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

enum {
    FRAMES_KEPT = 16,       /* free frames that a Work keeps for the next partial elements */
    FRAME_BYTES = 65536,    /* an array of a free frame that is larger goes back to malloc */
    BIND_CHAINS = 128,      /* power of 2 */
    FEW_ATTRS = 8,          /* up to here names are compared pair by pair, beyond through a seeded hash */
};

/* Attributes of the top tag that the view names, in its order. */
enum HeadPlace { HEAD_TO = 0, HEAD_FROM, HEAD_ID, HEAD_TYPE, HEAD_LANG, HEAD_NONE, HEAD_XMLNS /* is none at all */ };

typedef struct Open {       /* an element whose end tag has not come */
    uint32_t name;          /* its raw name, with prefix */
    uint32_t record;        /* its T_START, in bytes from the start of the tape */
    uint32_t binds;         /* bindings in force before it */
    uint16_t name_n;
    uint16_t ns;            /* Frame.ns and Frame.own around it */
    uint8_t own;
} Open;

typedef struct Bind {       /* xmlns:prefix='uri', in force */
    uint32_t prefix, hash, next;
    uint16_t prefix_n, ns;
} Bind;

typedef struct Decl {       /* xmlns or xmlns:prefix in the tag that is being read */
    uint32_t name, value, value_n;
    uint16_t name_n;
    uint8_t refs;
} Decl;

typedef struct Uri {        /* a namespace beside those of names.h */
    uint32_t at, n, hash;
    uint8_t decoded;        /* in Frame.text, else in the element's bytes */
} Uri;

#define ARRAY(T, name) T *name; uint32_t name##_n, name##_cap

typedef struct Frame {
    Record *tape, *tape_next, *tape_end;
    uint32_t tape_n;        /* records of an element that is complete */
    ARRAY(Open, open);

    /* the tag being read */
    uint32_t start;         /* its '<' */
    Record *tag;            /* its T_START on the tape */
    uint32_t colon_at;      /* in its name; 0: none */
    uint32_t attrs;         /* attributes so far, without declarations */
    uint32_t prefixed;      /* those with a prefix */
    uint32_t decls;         /* declarations so far */
    uint64_t seen;          /* one bit for each attribute's name: two that share one have to be compared */
    uint8_t again;          /* two do */
    uint8_t declaring;      /* the attribute being read is a declaration */
    uint8_t self_closed;    /* it ends with "/>" */
    uint16_t row;           /* in Work.attr, of the attributes that tags of its name begin with */
    uint16_t guess;         /* there: the next attribute, if it is what followed on the one before the last time */

    /* where reading stopped inside a token */
    uint8_t state;          /* lexis.h */
    uint8_t after_ref;      /* state to go on with behind a reference */
    uint8_t ref;            /* refs.h */
    uint8_t refs;           /* R_REFS of the text or value being read */
    uint8_t fresh;          /* a name must begin here */
    uint8_t brackets;       /* ']' just before, up to 2 */
    char quote;
    uint32_t mark;          /* start of the name, text or value */
    uint32_t colon;         /* of the name; 0: none */
    uint32_t matched;       /* bytes of an expected literal that have come */
    uint32_t ref_at, code;  /* a reference: its name, its number */

    /* the element so far */
    uint16_t ns;            /* default namespace here */
    uint8_t own;            /* that one was declared inside the top-level element */
    uint32_t elements;
    uint32_t head_attrs;    /* attributes of the top tag: tape[1] and following */
    uint32_t child_record[MAX_CHILDREN];    /* in bytes from the start of the tape, like Open.record */
    uint32_t head_record[HEAD_LANG + 1];    /* likewise, of to, from, id, type, xml:lang; 0: absent */
    uint32_t heads;         /* how many of these there are */
    uint8_t head_refs;      /* R_REFS if an attribute of the top tag has it */

    struct Frame *next;     /* of a free one */
    ARRAY(Bind, bind);
    ARRAY(Uri, uri);
    ARRAY(uint32_t, set);   /* hash set of a tag's many attributes */
    ARRAY(char, acc);       /* the element's bytes, once input ended inside it */
    ARRAY(char, text);      /* decoded namespace URIs */
    ARRAY(char, head);      /* decoded attributes of the top tag */
    uint32_t chain[BIND_CHAINS];
    Decl decl[MAX_DECLS];
    StanzaView view;
} Frame;

typedef struct Machine Machine;
typedef int (*Run)(Machine *m, const char *base, const char *p, const char *end);

enum { NS_SLOTS = 128 };    /* power of 2, more than twice NS_COUNT */
enum { MEMOS = 64 };        /* power of 2 */
enum { MEMO_TAG = 64 };     /* bytes of a tag that is worth it: from its name up to behind its '>' */
enum { MEMO_TOPS = 4 };     /* power of 2; places for what follows a top element's tag */
enum { ATTR_TEXT = 16 };    /* bytes of the start of an attribute that is worth it */
enum { ATTR_MEMOS = 256 };  /* power of 2 */

typedef struct Memo {       /* a start tag that has been read before: memo.h */
    char tag[MEMO_TAG];
    uint8_t n;              /* bytes of it; 0: none */
    uint8_t next;           /* the one that came behind it the last time */
    uint8_t name_n;
    uint8_t self_closed;
    uint8_t declares;       /* xmlns */
    uint8_t content;        /* Machine.content: .known depends on it */
    uint8_t known;
    uint8_t uri_at, uri_n;  /* declared namespace that has no number */
    uint16_t ns;            /* declared, NS_OTHER: see above; else that around it */
} Memo;

typedef struct AttrMemo {   /* white space, name, '=' and quote of an attribute that has been read before: memo.h */
    char text[ATTR_TEXT];
    uint32_t rest;          /* beyond the bits of its bytes, ATTR_TEXT + 1 of them; 0: none has been read */
    uint8_t n;              /* its bytes */
    uint8_t place;          /* HeadPlace */
    uint8_t bit;            /* of Frame.seen */
    char quote;             /* the last of them */
} AttrMemo;

typedef struct Work {
    uint8_t ns_slot[NS_SLOTS];  /* numbers of the known namespaces by hash; 0: empty */
    Frame *free;
    uint32_t free_n;
    Memo memo[MEMOS + MEMO_TOPS];
    uint8_t memo_last;      /* the last tag found there */
    AttrMemo attr[ATTR_MEMOS + 1];  /* the last is never used */
    uint64_t seed;          /* of hashes over what peers choose */
    Run run;                /* the machine, compiled for a scanner */
    const char *scan;       /* its name */
    char *value;            /* of the last value() */
    size_t value_cap;
} Work;

/* Room for `more` items behind the used ones; 0 on success. */
__attribute__((cold, noinline, unused)) static int array_grow(void **items, uint32_t used, uint32_t *cap, uint32_t more, size_t size) {
    uint64_t want = (uint64_t)used + more, next = *cap ? (uint64_t)*cap * 2 : 64;
    if (next < want)
        next = want;
    if (next > UINT32_MAX)
        return -1;
    void *grown = realloc(*items, next * size);
    if (grown == NULL)
        return -1;
    *items = grown;
    *cap = (uint32_t)next;
    return 0;
}

#define ROOM(f, name, more) (__builtin_expect((f)->name##_cap - (f)->name##_n >= (more), 1) ? 0 : \
    array_grow((void **)&(f)->name, (f)->name##_n, &(f)->name##_cap, (more), sizeof *(f)->name))

/* Room on the tape for one record more; 0 on success. */
__attribute__((cold, noinline, unused)) static int tape_grow(Frame *f) {
    size_t used = (size_t)(f->tape_next - f->tape), tag = f->tag ? (size_t)(f->tag - f->tape) : 0;
    uint32_t cap = (uint32_t)used;
    if (used * 2 > UINT32_MAX / sizeof *f->tape || array_grow((void **)&f->tape, cap, &cap, 1, sizeof *f->tape))
        return -1;
    f->tape_next = f->tape + used;
    f->tape_end = f->tape + cap;
    f->tag = f->tape + tag;
    return 0;
}

static inline uint32_t tape_place(const Frame *f, const Record *r) { return (uint32_t)((const char *)r - (const char *)f->tape); }

static inline Record *tape_at(const Frame *f, uint32_t place) { return (Record *)((char *)f->tape + place); }

static inline void frame_reset(Frame *f) {
    if (f->bind_n)
        memset(f->chain, 0, sizeof f->chain);
    f->tape_next = f->tape;
    f->open_n = f->bind_n = f->uri_n = f->acc_n = f->text_n = 0;
    f->state = 0;
    f->elements = f->heads = 0;
    f->head_refs = 0;
    memset(f->head_record, 0, sizeof f->head_record);
    f->view.flags = 0;
    f->view.known = 0;
    f->view.children = 0;
    f->view.decls = 0;
}

static inline void frame_free(Frame *f) {
    free(f->tape); free(f->open); free(f->bind); free(f->uri); free(f->set);
    free(f->acc); free(f->text); free(f->head); free(f);
}

static inline size_t frame_memory(const Frame *f) {
    return sizeof *f + (size_t)((char *)f->tape_end - (char *)f->tape) + f->open_cap * sizeof *f->open + f->bind_cap * sizeof *f->bind +
           f->uri_cap * sizeof *f->uri + f->set_cap * sizeof *f->set +
           f->acc_cap + f->text_cap + f->head_cap;
}

static inline Frame *frame_take(Work *w) {
    Frame *f = w->free;
    if (f == NULL)
        return calloc(1, sizeof *f);
    w->free = f->next;
    w->free_n--;
    return f;
}

#define TRIM(f, name) if ((f)->name##_cap > FRAME_BYTES / sizeof *(f)->name) \
    (free((f)->name), (f)->name = NULL, (f)->name##_cap = 0)

/* Takes back a frame that has been reset. */
static inline void frame_give(Work *w, Frame *f) {
    if (w->free_n >= FRAMES_KEPT) {
        frame_free(f);
        return;
    }
    if ((char *)f->tape_end - (char *)f->tape > FRAME_BYTES) {
        free(f->tape);
        f->tape = f->tape_next = f->tape_end = NULL;
    }
    TRIM(f, open); TRIM(f, bind); TRIM(f, uri); TRIM(f, set);
    TRIM(f, acc); TRIM(f, text); TRIM(f, head);
    f->next = w->free;
    w->free = f;
    w->free_n++;
}

static inline uint64_t load64(const char *p) {
    uint64_t v;
    memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* The first 8 bytes of a name as a number; shorter names are unique in it. `end` bounds what may be read. */
static inline uint64_t name_key(const char *p, size_t n, const char *end) {
    uint64_t key = 0;
    if (n >= 8)
        return load64(p);
    if (end - p >= 8)
        return load64(p) & (((uint64_t)1 << 8 * n) - 1);
    for (size_t i = 0; i < n; i++)
        key |= (uint64_t)(uint8_t)p[i] << 8 * i;
    return key;
}

static inline uint64_t fold(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Seeded, so that nobody outside can choose names that collide. */
static inline uint32_t hash_bytes(uint64_t seed, const char *p, size_t n) {
    uint64_t h = seed ^ n * UINT64_C(0x9E3779B97F4A7C15);
    for (; n >= 8; p += 8, n -= 8)
        h = fold(h ^ load64(p), seed | 1) + UINT64_C(0xD6E8FEB86659FD93);
    uint64_t rest = 0;
    while (n)
        rest = rest << 8 | (uint8_t)p[--n];
    h = fold(h ^ rest, UINT64_C(0xA0761D6478BD642F) ^ seed);
    return (uint32_t)(h ^ h >> 32);
}

/* Two names of n bytes are the same; 8 bytes may be read at both. */
__attribute__((always_inline)) static inline int same_name(const char *a, const char *b, size_t n) {
    uint64_t differ = load64(a) ^ load64(b);
    if (n < 8)
        return (differ & (((uint64_t)1 << 8 * n) - 1)) == 0;
    return differ == 0 && (n == 8 || memcmp(a + 8, b + 8, n - 8) == 0);
}

static inline uint32_t ns_hash(const char *uri, size_t n) {
    return (uint32_t)((load64(uri + n - 8) ^ n) * UINT64_C(0x9E3779B97F4A7C15) >> 32) % NS_SLOTS;
}

static inline void ns_slots_fill(Work *w) {
    for (int ns = NS_NONE + 1; ns < NS_COUNT; ns++) {
        uint32_t slot = ns_hash(NS_URI[ns].p, NS_URI[ns].n);
        while (w->ns_slot[slot])
            slot = (slot + 1) % NS_SLOTS;
        w->ns_slot[slot] = (uint8_t)ns;
    }
}

/* What ns_find() answers, by a hash. */
static inline int ns_lookup(const Work *w, const char *uri, size_t n) {
    if (n < 8)  /* none of those in the table is so short */
        return n ? NS_OTHER : NS_NONE;
    for (uint32_t slot = ns_hash(uri, n); w->ns_slot[slot]; slot = (slot + 1) % NS_SLOTS) {
        const Str *known = &NS_URI[w->ns_slot[slot]];
        if (known->n == n && memcmp(known->p, uri, n) == 0)
            return w->ns_slot[slot];
    }
    return NS_OTHER;
}

#endif
