/* What the tokens add up to: open elements, the tape, and the facts of the view. */
#ifndef HEADRACE_ELEMENT_H
#define HEADRACE_ELEMENT_H

#include "headrace/core/memo.h"

#define INLINE __attribute__((always_inline)) static inline
#define OUTLINE __attribute__((noinline)) static

static inline int in_root(const Machine *m) { return m->phase < PHASE_INSIDE; }

INLINE Record *push(Machine *m, Frame *f, uint32_t at) {
    if (UNLIKELY(f->tape_next == f->tape_end) && tape_grow(f)) {
        no_memory(m, at);
        return NULL;
    }
    Record *r = f->tape_next++;
    if (r == NULL)  /* the compiler can't know */
        __builtin_unreachable();
    return r;
}

/* '<' and the first byte of a name have come; `at` is that byte. */
INLINE int tag_begin(Machine *m, Frame *f, uint32_t at) {
    Record *r = push(m, f, at);
    if (r == NULL)
        return EV_ERROR;
    r->kind = T_START;
    r->flags = 0;
    r->depth = (uint16_t)(f->open_n + !in_root(m));
    r->value = f->start = at - 1;
    r->value_n = 0;
    f->tag = r;
    f->attrs = f->prefixed = f->decls = 0;
    f->seen = 0;
    f->again = 0;
    if (UNLIKELY(f->open_n >= m->limits.depth))
        return wrong(m, at, E_POLICY, "elements are nested too deep");
    if (UNLIKELY(f->elements++ >= m->limits.elements))
        return wrong(m, at, E_POLICY, "too many elements in one stanza");
    if (f->open_n == 0 && !in_root(m) && m->tops++ >= m->tops_allowed)
        return wrong(m, at, E_POLICY, "too many elements before authentication");
    return 0;
}

static inline int is_declaration(const char *name, uint32_t n, uint32_t prefix_n) {
    return (prefix_n ? prefix_n : n) == 5 && memcmp(name, "xmlns", 5) == 0;
}

/* The next declaration of the tag: its name is complete. NULL after an error. */
INLINE Decl *decl_begin(Machine *m, Frame *f, uint32_t name, uint32_t n) {
    if (UNLIKELY(f->decls >= m->limits.decls)) {
        wrong(m, name + n, E_POLICY, "too many namespace declarations in a tag");
        return NULL;
    }
    Decl *d = &f->decl[f->decls++];
    d->name = name;
    d->name_n = (uint16_t)n;
    d->refs = 0;
    return d;
}

/* The HeadPlace of an attribute by its name_key(). */
static inline int head_place(uint64_t key) {
    switch (key) {
    case KEY_TO: return HEAD_TO;
    case KEY_FROM: return HEAD_FROM;
    case KEY_ID: return HEAD_ID;
    case KEY_TYPE: return HEAD_TYPE;
    case KEY_XMLNS: return HEAD_XMLNS;
    default: return HEAD_NONE;
    }
}

/* One of 64, by its name_key(). */
static inline uint8_t attr_bit(uint64_t key) { return (uint8_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 58); }

/* Quoted value behind '=': =' or =" */
static inline int opens_value(const char *p) {
    uint16_t both;
    memcpy(&both, p, 2);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    both = __builtin_bswap16(both);
#endif
    return both == ('=' | '\'' << 8) || both == ('=' | '"' << 8);
}

/* The next attribute of the tag: its name is complete. NULL after an error. */
INLINE Record *attr_begin(Machine *m, Frame *f, int place, uint8_t bit_n, uint32_t name, uint32_t n, uint32_t prefix_n) {
    if (UNLIKELY(f->attrs >= m->limits.attrs)) {
        wrong(m, name + n, E_POLICY, "too many attributes in a tag");
        return NULL;
    }
    Record *r = push(m, f, name + n);
    if (UNLIKELY(r == NULL))
        return NULL;
    uint64_t bit = (uint64_t)1 << (bit_n & 63);
    f->again |= (f->seen & bit) != 0;
    f->seen |= bit;
    f->attrs++;
    if (f->open_n == 0 && place < HEAD_LANG) {
        f->head_record[place] = tape_place(f, r);
        f->heads++;
    }
    r->kind = T_ATTR;
    r->flags = prefix_n ? R_PREFIXED : 0;
    r->depth = r[-1].depth;     /* that is its tag, or another attribute of it */
    r->ns = prefix_n ? (uint16_t)prefix_n : NS_NONE;
    r->name_n = (uint16_t)n;
    r->name = name;
    return r;
}

/* The next attribute or declaration of the tag, without a prefix: its name is complete. */
INLINE int begin_in_tag(Machine *m, Frame *f, int place, uint8_t bit, uint32_t name, uint32_t n) {
    f->declaring = place == HEAD_XMLNS;
    if (place == HEAD_XMLNS)
        return UNLIKELY(decl_begin(m, f, name, n) == NULL) ? EV_ERROR : 0;
    return UNLIKELY(attr_begin(m, f, place, bit, name, n, 0) == NULL) ? EV_ERROR : 0;
}

/* The name of an attribute or declaration is complete: from f->mark to `at`. */
static int named_in_tag(Machine *m, Frame *f, const char *base, uint32_t at, const char *end) {
    uint32_t n = at - f->mark, prefix_n = f->colon ? f->colon - f->mark : 0;
    if (n > m->limits.name)
        return wrong(m, at, E_POLICY, "a name is too long");
    f->declaring = (uint8_t)is_declaration(base + f->mark, n, prefix_n);
    if (f->declaring)
        return decl_begin(m, f, f->mark, n) ? 0 : EV_ERROR;
    f->prefixed += prefix_n != 0;
    uint64_t key = name_key(base + f->mark, n, end);
    return attr_begin(m, f, head_place(key), attr_bit(key), f->mark, n, prefix_n) ? 0 : EV_ERROR;
}

/* Its value is complete: n bytes at `value`. */
INLINE void valued_in_tag(Frame *f, uint32_t value, uint32_t n, uint8_t refs) {
    if (f->declaring) {
        Decl *d = &f->decl[f->decls - 1];
        d->value = value;
        d->value_n = n;
        d->refs = refs;
    } else {
        Record *r = f->tape_next - 1;
        r->value = value;
        r->value_n = n;
        r->flags |= refs;
        if (f->open_n == 0)
            f->head_refs |= refs;
    }
}

INLINE int push_text(Machine *m, Frame *f, uint32_t at, uint32_t to, int flags) {
    Record *r = push(m, f, at);
    if (UNLIKELY(r == NULL))
        return EV_ERROR;
    r->kind = T_TEXT;
    r->flags = (uint8_t)flags;
    r->depth = (uint16_t)f->open_n;
    r->ns = r->name_n = 0;
    r->name = 0;
    r->value = at;
    r->value_n = to - at;
    return 0;
}

/* The top tag, its names resolved; outer: the default namespace around it; own: it declares one. */
OUTLINE void top_tag(Machine *m, Frame *f, const char *base, int outer, int own) {
    const Record *tag = f->tag;
    StanzaView *v = &f->view;
    f->head_attrs = f->attrs;
    for (uint32_t i = 1; f->prefixed && i <= f->attrs; i++) {
        const Record *a = tag + i;
        if (a->flags & R_PREFIXED && a->ns == NS_XML && same(base + a->name, a->name_n, "lang", 4)) {
            f->head_record[HEAD_LANG] = tape_place(f, a);
            f->heads++;
        }
    }
    v->flags |= (tag->flags & R_PREFIXED ? F_PREFIXED : 0) | (own ? F_OWN_XMLNS : 0) |
                (outer != m->content ? F_FOREIGN_DEFAULT : 0) | (f->attrs != f->heads ? F_EXTRA_ATTRS : 0);
    for (uint32_t i = 0; i < f->decls; i++) {
        const Decl *d = &f->decl[i];
        if (d->name_n == 5)
            continue;
        v->decl[v->decls] = d->name;
        v->decl_n[v->decls++] = d->value + d->value_n + 1 - d->name;
    }
}

static inline int known_tag(const Machine *m, const char *base, const Record *tag) {
    return known_find(tag->ns < NS_COUNT ? tag->ns : NS_OTHER, base + tag->name, tag->name_n, m->content);
}

/* A direct child's start tag; `at` is behind its '>'. */
INLINE void child_begin(Frame *f, uint32_t at, int own, int known) {
    const Record *tag = f->tag;
    StanzaView *v = &f->view;
    int ns = tag->ns < NS_COUNT ? tag->ns : NS_OTHER;
    v->known |= (uint64_t)(known != K_NONE) << known;
    if (UNLIKELY(ns_is_content(ns)) && (own || tag->flags & R_PREFIXED))
        v->flags |= F_CONTENT_CHILD;
    if (v->children < MAX_CHILDREN) {
        Child *c = &v->child[v->children];
        f->child_record[v->children] = tape_place(f, tag);
        c->known = (uint8_t)known;
        c->ns = (uint8_t)ns;
        c->start = f->start;
        c->inner = at;
    }
    v->children++;
}

/* An element is complete: from its end tag's '<' (or, self-closed, its own end) at `inner_end` to `at`. */
INLINE int element_end(Machine *m, Frame *f, uint32_t record, uint32_t inner_end, uint32_t at) {
    StanzaView *v = &f->view;
    Record *r = push(m, f, at);
    if (UNLIKELY(r == NULL))
        return EV_ERROR;
    *r = *tape_at(f, record);
    r->kind = T_END;
    r->value = at;
    if (f->open_n > 1)
        return EV_MORE;
    if (f->open_n == 0) {
        v->body_end = inner_end;
        v->size = at;
        return EV_ELEMENT;
    }
    if (v->children <= MAX_CHILDREN) {
        v->child[v->children - 1].inner_end = inner_end;
        v->child[v->children - 1].end = at;
    }
    return EV_MORE;
}

/* Resolves the tag's own name if it has a prefix. */
OUTLINE int resolve_tag(Machine *m, Frame *f, const char *base, uint32_t at) {
    Record *tag = f->tag;
    uint32_t raw = f->start + 1, prefix_n = f->colon_at - raw;
    int ns = resolve_prefix(m, f, base, base + raw, prefix_n);
    if (ns == UNBOUND)
        return wrong(m, at, E_NOT_WELL_FORMED, "an element's prefix is not bound");
    tag->ns = (uint16_t)ns;
    tag->name += prefix_n + 1;
    tag->name_n = (uint16_t)(tag->name_n - prefix_n - 1);
    tag->flags |= R_PREFIXED;
    return 0;
}

/* Behind a start tag: into the element, or at its end. binds: bindings in force before it; raw_n: bytes of its name with
 * prefix; inside, own: of Frame.ns and Frame.own in the element. */
INLINE int tag_enter(Machine *m, Frame *f, uint32_t at, uint32_t binds, uint32_t raw_n, int inside, int own) {
    if (f->self_closed) {
        unbind(f, binds);
        return element_end(m, f, tape_place(f, f->tag), at, at);
    }
    if (ROOM(f, open, 1))
        return no_memory(m, at);
    Open *o = &f->open[f->open_n++];
    o->name = f->start + 1;
    o->record = tape_place(f, f->tag);
    o->binds = binds;
    o->name_n = (uint16_t)raw_n;
    o->ns = f->ns;
    o->own = f->own;
    f->ns = (uint16_t)inside;
    f->own = (uint8_t)own;
    return EV_MORE;
}

/* All of a start tag that memo.h knows, whose name begins at `name`. Answers as tag_end(). */
INLINE int tag_known(Machine *m, Frame *f, const Memo *e, uint32_t name) {
    int inside = f->ns, own = f->own;
    Record *tag = push(m, f, name);
    if (UNLIKELY(tag == NULL))
        return EV_ERROR;
    f->start = name - 1;
    f->tag = tag;
    f->elements++;
    f->self_closed = e->self_closed;
    if (e->declares) {
        own = 1;
        inside = e->ns;
        if (inside == NS_OTHER &&
            (inside = number_uri(m, f, (Uri){name + e->uri_at, e->uri_n, 0, 0}, name + e->n - 1)) < 0)
            return EV_ERROR;
    } else if (!own && inside != m->content && inside != NS_NONE)
        f->view.flags |= F_OUTER_BINDING;
    tag->kind = T_START;
    tag->flags = 0;
    tag->depth = (uint16_t)(f->open_n + 1);
    tag->ns = (uint16_t)inside;
    tag->name_n = e->name_n;
    tag->name = name;
    tag->value = name - 1;
    tag->value_n = 0;
    if (f->open_n == 1)
        child_begin(f, name + e->n, e->declares, e->known);
    return tag_enter(m, f, name + e->n, f->bind_n, e->name_n, inside, own);
}

/* A start tag is complete; `at` is behind its '>'. Answers EV_MORE to go on with its content. */
INLINE int tag_end(Machine *m, Frame *f, const char *base, uint32_t at, MemoKeep keep) {
    Record *tag = f->tag;
    int outer = f->ns, inside = outer, own = f->own, declared = -1;
    uint32_t binds = f->bind_n, raw_n = tag->name_n;
    if (f->decls) {
        if (declare(m, f, base, at - 1, &declared))
            return EV_ERROR;
        if (declared >= 0) {
            inside = declared;
            own = 1;
        }
    }
    if (UNLIKELY(f->again) && attrs_repeat(m, f, base, at - 1))
        return EV_ERROR;
    if (UNLIKELY(f->prefixed) && resolve_attrs(m, f, base, at - 1))
        return EV_ERROR;
    tag->ns = (uint16_t)inside;
    if (UNLIKELY(f->colon_at)) {
        if (resolve_tag(m, f, base, at - 1))
            return EV_ERROR;
    } else if (!own && inside != m->content && inside != NS_NONE)
        f->view.flags |= F_OUTER_BINDING;
    if (f->open_n == 1)
        child_begin(f, at, declared >= 0, known_tag(m, base, tag));
    else if (f->open_n == 0) {
        top_tag(m, f, base, outer, declared >= 0);
        f->view.flags |= f->self_closed ? F_SELF_CLOSED : 0;
        f->view.body = at;
        if (in_root(m)) {
            f->view.size = at;
            f->ns = (uint16_t)inside;
            return EV_OPEN;
        }
    }
    if (f->open_n && memo_fits(m, f, at))
        keep(m, f, base, raw_n, at, inside);
    return tag_enter(m, f, at, binds, raw_n, inside, own);
}

/* An end tag that fits is complete; it began at f->start. EV_MORE to go on, EV_ELEMENT, or EV_CLOSE for the root. */
INLINE int end_tag(Machine *m, Frame *f, uint32_t at) {
    if (UNLIKELY(f->open_n == 0))
        return EV_CLOSE;
    const Open *o = &f->open[--f->open_n];
    if (f->bind_n > o->binds)
        unbind(f, o->binds);
    f->ns = o->ns;
    f->own = o->own;
    return element_end(m, f, o->record, f->start, at);
}

#endif
