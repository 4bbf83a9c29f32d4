/* Start tags, and beginnings of attributes, that have been read before. Half of all tags in a stream are the same few, byte for byte: <body>,
 * <active xmlns='...'/>, and mostly they follow each other as they did the last time. What such bytes mean was checked
 * when they came first, so it is enough to compare them.
 *
 * Only tags that mean the same wherever they stand are kept: below a top element, without prefixes, references and
 * attributes, with at most one declaration, of the default namespace. The table belongs to all streams of a thread; a
 * newer tag takes the place of an older one, so what strangers invent takes no more room than this. */
#ifndef HEADRACE_MEMO_H
#define HEADRACE_MEMO_H

#include "headrace/core/scan.h"
#include "headrace/core/scope.h"

/* Known tags may be used here: the limits allow all that they have. */
static inline int memo_use(const Machine *m, const Frame *f) {
    return m->memo && f->open_n < m->limits.depth && f->elements < m->limits.elements;
}

/* The tag is one that its declaration does not make an attribute's: <name>, <name/>, <name xmlns=. */
static inline int memo_may(const char *after, const char *end) {
    return *after == '>' || *after == '/' || (end - after > 9 && after[1] == 'x');
}

/* The place of a tag by the key of its name, which ends at `after`, and by the first bytes of the namespace it declares. */
static inline uint32_t memo_place(uint64_t key, const char *after, const char *end) {
    uint64_t more = *after == '>' || *after == '/' || end - after < 16 ? 0 : load64(after + 8) * 3;
    return (uint32_t)(((key ^ more) * UINT64_C(0x9E3779B97F4A7C15)) >> 32 & (MEMOS - 1));
}

/* Below a top element that begins with this byte; its first child follows on it. */
static inline void memo_top(Work *w, char first) { w->memo_last = (uint8_t)(MEMOS + ((uint8_t)first >> 2) % MEMO_TOPS); }

/* It means the same here as where it came from. */
static inline int memo_holds(const Machine *m, const Frame *f, const Memo *e) {
    return e->content == m->content && (e->declares || e->ns == f->ns);
}

static inline int memo_fits(const Machine *m, const Frame *f, uint32_t at) {
    if (!m->memo || f->attrs || f->colon_at || at - f->start - 1 > MEMO_TAG)
        return 0;
    return f->decls == 0 || (f->decls == 1 && f->decl[0].name_n == 5 && !f->decl[0].refs);
}

/* Keeps the tag that has been read up to `at`; ns: its namespace. */
static inline void memo_keep(Machine *m, const Frame *f, const char *base, uint32_t name_n, uint32_t at, int ns) {
    const char *p = base + f->start + 1, *end = base + at;
    const Decl *d = &f->decl[0];
    uint64_t key = name_key(p, name_n, end);
    uint32_t place = memo_place(key, p + name_n, end);
    Memo *e = &m->work->memo[place];
    *e = (Memo){.n = (uint8_t)(end - p), .name_n = (uint8_t)name_n, .self_closed = f->self_closed,
                .declares = (uint8_t)f->decls, .content = m->content, .ns = (uint16_t)ns, .next = (uint8_t)place};
    e->known = (uint8_t)known_find(ns < NS_COUNT ? ns : NS_OTHER, p, name_n, m->content);
    if (f->decls && ns >= NS_COUNT) {
        e->ns = NS_OTHER;
        e->uri_at = (uint8_t)(base + d->value - p);
        e->uri_n = (uint8_t)d->value_n;
    }
    memcpy(e->tag, p, (size_t)(end - p));
}

typedef void (*MemoKeep)(Machine *m, const Frame *f, const char *base, uint32_t name_n, uint32_t at, int ns);

/* Attributes are known by how they begin, up to the quote: their tags seldom repeat, but have the same attributes in the
 * same order. The place of a tag's first attribute, by the key of its name. */
static inline uint16_t attr_first(const Machine *m, uint64_t key) {
    return UNLIKELY(!m->memo) ? ATTR_MEMOS : (uint16_t)((key * UINT64_C(0x9E3779B97F4A7C15) >> 32) % ATTR_MEMOS);
}

/* The place of the attribute behind one that has this bit. */
static inline uint16_t attr_next(const Frame *f, uint8_t bit) { return (uint16_t)((f->row + 1u + bit) % ATTR_MEMOS); }

/* AttrMemo.rest of n bytes. */
static inline uint32_t attr_rest(uint32_t n) { return (UINT32_C(2) << ATTR_TEXT) - (UINT32_C(1) << n); }

/* Keeps the attribute whose name of n bytes begins at p, behind white space, as the next one of its tag. */
static inline void attr_keep(Machine *m, Frame *f, const char *p, uint32_t n, int place, uint8_t bit) {
    if (f->guess >= ATTR_MEMOS)
        return;
    AttrMemo *e = &m->work->attr[f->guess];
    f->guess = attr_next(f, bit);
    n += 3;
    if (n > ATTR_TEXT)
        return;
    *e = (AttrMemo){.rest = attr_rest(n), .n = (uint8_t)n, .place = (uint8_t)place, .bit = bit, .quote = p[n - 2]};
    memcpy(e->text, p - 1, n);
}

#endif
