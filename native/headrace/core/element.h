/* What the tokens add up to: open elements, the tape, and the facts of the view. */
#ifndef HEADRACE_ELEMENT_H
#define HEADRACE_ELEMENT_H

#include "headrace/core/scope.h"

static inline Record *push(Machine *m, Frame *f, int kind, uint32_t at) {
    if (ROOM(f, tape, 1)) {
        no_memory(m, at);
        return NULL;
    }
    Record *r = &f->tape[f->tape_n++];
    *r = (Record){.kind = (uint8_t)kind, .depth = (uint16_t)f->open_n};
    return r;
}

static inline int in_root(const Machine *m) { return m->phase < PHASE_INSIDE; }

/* '<' and the first byte of a name have come; `at` is that byte. */
static inline int tag_begin(Machine *m, Frame *f, uint32_t at) {
    Record *r = push(m, f, T_START, at);
    if (r == NULL)
        return EV_ERROR;
    r->depth += !in_root(m);
    r->value = f->start = at - 1;
    f->tag = f->tape_n - 1;
    f->tag_attrs = f->key_n = 0;
    f->decls = 0;
    if (in_root(m))
        return 0;
    if (f->open_n == 0 && m->tops++ >= m->tops_allowed)
        return wrong(m, at, E_POLICY, "too many elements before authentication");
    if (f->open_n >= m->limits.depth)
        return wrong(m, at, E_POLICY, "elements are nested too deep");
    if (f->elements++ >= m->limits.elements)
        return wrong(m, at, E_POLICY, "too many elements in one stanza");
    return 0;
}

static inline int is_declaration(uint64_t key, uint32_t n, uint32_t prefix_n) {
    return prefix_n ? prefix_n == 5 && (key & 0xFFFFFFFFFF) == KEY_XMLNS : n == 5 && key == KEY_XMLNS;
}

/* An attribute's name is complete: from f->mark to `at`. */
static inline int attr_begin(Machine *m, Frame *f, const char *base, uint32_t at, const char *end) {
    uint32_t n = at - f->mark, prefix_n = f->colon ? f->colon - f->mark : 0;
    uint64_t key = name_key(base + f->mark, n, end);
    if (n > m->limits.name)
        return wrong(m, at, E_POLICY, "a name is too long");
    if (is_declaration(key, n, prefix_n)) {
        if (f->decls >= m->limits.decls)
            return wrong(m, at, E_POLICY, "too many namespace declarations in a tag");
        f->decl[f->decls] = (Decl){.name = f->mark, .name_n = (uint16_t)n};
        f->declaring = 1;
        return 0;
    }
    if (f->tag_attrs >= m->limits.attrs)
        return wrong(m, at, E_POLICY, "too many attributes in a tag");
    Record *r = push(m, f, T_ATTR, at);
    if (r == NULL || ROOM(f, key, 1))
        return no_memory(m, at);
    r->depth = f->tape[f->tag].depth;
    r->name = f->mark;
    r->name_n = (uint16_t)n;
    r->ns = (uint16_t)prefix_n;
    r->flags = prefix_n ? R_PREFIXED : 0;
    f->key[f->key_n++] = key;
    f->tag_attrs++;
    f->declaring = 0;
    return 0;
}

/* Its value is complete: from f->mark to `at`. */
static inline void attr_end(Frame *f, uint32_t at) {
    if (f->declaring) {
        Decl *d = &f->decl[f->decls++];
        d->value = f->mark;
        d->value_n = at - f->mark;
        d->refs = f->refs;
    } else {
        Record *r = &f->tape[f->tape_n - 1];
        r->value = f->mark;
        r->value_n = at - f->mark;
        r->flags |= f->refs;
    }
}

static inline int push_text(Machine *m, Frame *f, uint32_t at, uint32_t to, int flags) {
    Record *r = push(m, f, T_TEXT, at);
    if (r == NULL)
        return EV_ERROR;
    r->value = at;
    r->value_n = to - at;
    r->flags = (uint8_t)flags;
    return 0;
}

static inline int push_end(Machine *m, Frame *f, uint32_t start, uint32_t at) {
    Record *r = push(m, f, T_END, at);
    if (r == NULL)
        return EV_ERROR;
    *r = f->tape[start];
    r->kind = T_END;
    r->value = at;
    r->value_n = 0;
    return 0;
}

/* The head of the top tag: which attributes are there, and whether there are others. */
static void top_attrs(Frame *f, const char *base) {
    const Record *a = &f->tape[f->tag + 1];
    for (uint32_t i = 0; i < f->tag_attrs; i++) {
        int place = 5;
        if (!(a[i].flags & R_PREFIXED))
            switch (f->key[i]) {
            case KEY_TO: place = 0; break;
            case KEY_FROM: place = 1; break;
            case KEY_ID: place = 2; break;
            case KEY_TYPE: place = 3; break;
            default: break;
            }
        else if (a[i].ns == NS_XML && same(base + a[i].name, a[i].name_n, "lang", 4))
            place = 4;
        if (place < 5)
            f->head_record[place] = f->tag + 2 + i;
        else
            f->view.flags |= F_EXTRA_ATTRS;
    }
}

static void top_tag(Machine *m, Frame *f, const char *base, int outer, int own) {
    const Record *tag = &f->tape[f->tag];
    StanzaView *v = &f->view;
    f->head_attrs = f->tag_attrs;
    if (tag->flags & R_PREFIXED)
        v->flags |= F_PREFIXED;
    if (own)
        v->flags |= F_OWN_XMLNS;
    if (outer != m->content)
        v->flags |= F_FOREIGN_DEFAULT;
    if (f->tag_attrs)
        top_attrs(f, base);
    for (uint32_t i = 0; i < f->decls; i++) {
        const Decl *d = &f->decl[i];
        if (d->name_n == 5)
            continue;
        v->decl[v->decls] = d->name;
        v->decl_n[v->decls++] = d->value + d->value_n + 1 - d->name;
    }
}

/* A direct child's start tag; `at` is behind its '>'. */
static void child_begin(Machine *m, Frame *f, const char *base, uint32_t at, int own) {
    const Record *tag = &f->tape[f->tag];
    StanzaView *v = &f->view;
    int ns = tag->ns < NS_COUNT ? tag->ns : NS_OTHER;
    int known = known_find(ns, base + tag->name, tag->name_n, m->content);
    v->known |= (uint64_t)(known != K_NONE) << known;
    if (ns_is_content(ns) && (own || tag->flags & R_PREFIXED))
        v->flags |= F_CONTENT_CHILD;
    if (v->children < MAX_CHILDREN) {
        Child *c = &v->child[v->children];
        f->child_record[v->children] = f->tag;
        c->known = (uint8_t)known;
        c->ns = (uint8_t)ns;
        c->start = f->start;
        c->inner = at;
    }
    v->children++;
}

/* An element is complete: from its end tag's '<' (or, self-closed, its own '>') at `inner_end` to `at`. */
static inline int element_end(Machine *m, Frame *f, uint32_t record, uint32_t inner_end, uint32_t at) {
    StanzaView *v = &f->view;
    if (push_end(m, f, record, at))
        return EV_ERROR;
    if (f->open_n == 1 && v->children <= MAX_CHILDREN) {
        v->child[v->children - 1].inner_end = inner_end;
        v->child[v->children - 1].end = at;
    }
    if (f->open_n)
        return EV_MORE;
    v->body_end = inner_end;
    v->size = at;
    return EV_ELEMENT;
}

/* A start tag is complete; `at` is behind its '>'. Answers EV_MORE to go on with its content. */
static int tag_end(Machine *m, Frame *f, const char *base, uint32_t at, int self_closed) {
    Record *tag = &f->tape[f->tag];
    const Open *parent = f->open_n ? &f->open[f->open_n - 1] : NULL;
    int outer = parent ? parent->ns : m->outer ? m->outer->ns : NS_NONE, inside = outer, declared = -1;
    uint32_t binds = f->bind_n, raw = f->start + 1;
    if (f->decls) {
        if (declare(m, f, base, at - 1, &declared))
            return EV_ERROR;
        inside = declared < 0 ? outer : declared;
    }
    int own = declared >= 0 || (parent && parent->own);
    if (f->tag_attrs && resolve_attrs(m, f, base, at - 1))
        return EV_ERROR;
    uint32_t raw_n = tag->name_n;
    if (f->tag_colon) {
        uint32_t prefix_n = f->tag_colon - raw;
        int ns = resolve_prefix(m, f, base, base + raw, prefix_n);
        if (ns == UNBOUND)
            return wrong(m, at - 1, E_NOT_WELL_FORMED, "an element's prefix is not bound");
        tag->ns = (uint16_t)ns;
        tag->name += prefix_n + 1;
        tag->name_n = (uint16_t)(raw_n - prefix_n - 1);
        tag->flags |= R_PREFIXED;
    } else {
        tag->ns = (uint16_t)inside;
        if (!own && inside != m->content && inside != NS_NONE)
            f->view.flags |= F_OUTER_BINDING;
    }
    if (parent == NULL)
        top_tag(m, f, base, outer, declared >= 0);
    else if (f->open_n == 1)
        child_begin(m, f, base, at, declared >= 0);
    if (parent == NULL) {
        f->view.body = at;
        f->view.flags |= self_closed ? F_SELF_CLOSED : 0;
    }
    if (in_root(m)) {
        f->view.size = at;
        f->root_ns = (uint16_t)inside;
        return EV_OPEN;
    }
    if (self_closed) {
        unbind(f, binds);
        return element_end(m, f, f->tag, at, at);
    }
    if (ROOM(f, open, 1))
        return no_memory(m, at);
    f->open[f->open_n++] = (Open){raw, f->tag, binds, (uint16_t)raw_n, (uint16_t)inside, (uint8_t)own};
    return EV_MORE;
}

/* An end tag that fits is complete; it began at `start`. EV_MORE to go on, EV_ELEMENT, or EV_CLOSE for the root. */
static inline int end_tag(Machine *m, Frame *f, uint32_t start, uint32_t at) {
    if (f->open_n == 0)
        return EV_CLOSE;
    const Open *o = &f->open[--f->open_n];
    unbind(f, o->binds);
    return element_end(m, f, o->record, start, at);
}

#endif
