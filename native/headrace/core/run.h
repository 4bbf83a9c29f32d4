/* The machine itself: a switch that can stop before any byte and go on there. Included once for each scanner, with
 * SCAN(x) giving the scanner's names, RUN the functions' attributes, RUN_CALLED those of functions that stay out of line.
 *
 * A token that lies in the buffer whole falls through from label to label and stores nothing but its records; the same
 * code stores its state where input ends. So there is one reading of each rule, whole or cut. */

#define AT(q) ((uint32_t)((q) - base))
#define STOP(s) do { f->state = (s); m->at = AT(p); return EV_MORE; } while (0)
#define NEED(s) do { if (__builtin_expect(p == end, 0)) STOP(s); } while (0)
#define WRONG(condition, text) return wrong(m, AT(p), condition, text)

/* Goes on with a name (f->fresh: one must begin). Answers EV_MORE at the end of input, EV_ERROR, else -1. */
RUN int SCAN(read_name)(Machine *m, Frame *f, const char *base, const char **at, const char *end) {
    const char *p = *at;
    for (;; *at = p) {
        if (p < end && f->fresh && CHAR_CLASS[(uint8_t)*p] & C_START)
            f->fresh = 0;
        if (!f->fresh)
            p = SCAN(name)(p, end, base);
        *at = p;
        if (p == end)
            return EV_MORE;
        if ((uint8_t)*p >= 0x80) {
            int n = wide_in_name(p, end, f->fresh);
            if (n == UTF8_MORE)
                return EV_MORE;
            if (n < 0)
                WRONG(E_NOT_WELL_FORMED, "not a character that a name may contain");
            f->fresh = 0;
            p += n;
        } else if (f->fresh)
            WRONG(E_NOT_WELL_FORMED, "a name was expected");
        else if (*p != ':')
            return -1;
        else if (f->colon)
            WRONG(E_NOT_WELL_FORMED, "a name has two colons");
        else {
            f->colon = AT(p++);
            f->fresh = 1;
        }
    }
}

/* What stopped a text or value and is neither markup nor a reference. Answers as read_name. */
RUN int SCAN(read_odd)(Machine *m, const char *base, const char **at, const char *end) {
    const char *p = *at;
    if ((uint8_t)*p < 0x80)
        WRONG(E_NOT_WELL_FORMED, "not a character that XML allows");
    int r = utf8_skip(at, end);
    p = *at;
    if (r == UTF8_BAD)
        WRONG(E_NOT_WELL_FORMED, "not UTF-8, or not a character that XML allows");
    return r == UTF8_MORE ? EV_MORE : -1;
}

/* The tag that came behind the last known one, if the bytes at p are that again; NULL: they are something else. */
RUN const Memo *SCAN(memo_next)(const Machine *m, const Frame *f, const char *p, const char *end) {
    const Work *w = m->work;
    const Memo *e = &w->memo[w->memo[w->memo_last].next];
    return *p == e->tag[0] && end - p >= e->n && SCAN(same)(p, e->tag, e->n, end) && memo_holds(m, f, e) ? e : NULL;
}

/* Any known tag that begins at p and whose name ends at `after`; NULL: it has to be read. */
RUN const Memo *SCAN(memo_find)(Machine *m, const Frame *f, const char *p, const char *after, const char *end) {
    Work *w = m->work;
    uint32_t place = memo_place(name_key(p, (size_t)(after - p), end), after, end);
    const Memo *e = &w->memo[place];
    if (e->n == 0 || end - p < e->n || !SCAN(same)(p, e->tag, e->n, end) || !memo_holds(m, f, e))
        return NULL;
    w->memo[w->memo_last].next = (uint8_t)place;
    return e;
}

/* Called rather than inlined, but with the scanner's instructions: a change of their kind in between is slow. */
RUN_CALLED void SCAN(keep_tag)(Machine *m, const Frame *f, const char *base, uint32_t name_n, uint32_t at, int ns) {
    memo_keep(m, f, base, name_n, at, ns);
}

RUN_CALLED void SCAN(keep_attr)(Machine *m, Frame *f, const char *p, uint32_t n, int place, uint8_t bit) {
    attr_keep(m, f, p, n, place, bit);
}

/* p stays in a register: what moves it elsewhere is given the address of a copy. */
#define MOVED(call) (copy = p, r = (call), p = copy, r)

RUN int SCAN(run)(Machine *m, const char *base, const char *p, const char *end) {
    Frame *f = m->frame;
    const char *literal, *copy;
    const Memo *known;
    const AttrMemo *habit;
    int r;
    char mark;
    switch (f->state) {
    case S_LT: goto lt;
    case S_NAME: goto name;
    case S_AFTER_NAME: goto after_name;
    case S_TAG_SPACE: goto tag_space;
    case S_ATTR_NAME: goto attr_name;
    case S_EQUALS: goto equals;
    case S_QUOTE: goto quote;
    case S_VALUE: goto value;
    case S_SLASH: goto slash;
    case S_END_NAME: goto end_name;
    case S_END_SPACE: goto end_space;
    case S_CONTENT: goto content;
    case S_TOP_SPACE: goto top_space;
    case S_TEXT: goto text;
    case S_REF: goto reference;
    case S_BANG: goto bang;
    case S_LITERAL: goto literal;
    case S_CDATA: goto cdata;
    case S_PI: goto pi;
    default: goto declaration;
    }

lt:
    NEED(S_LT);
    copy = p;   /* end of the name; p: none that is plain */
    if (LIKELY(CHAR_CLASS[(uint8_t)*p] & C_START)) {
        known = NULL;
        if (f->open_n == 0)
            memo_top(m->work, *p);
        else if (memo_use(m, f))
            known = SCAN(memo_next)(m, f, p, end);
        if (known == NULL) {
            copy = SCAN(name)(p, end, base);
            if (f->open_n && copy < end && memo_may(copy, end) && memo_use(m, f))
                known = SCAN(memo_find)(m, f, p, copy, end);
        }
        if (known) {
            m->work->memo_last = (uint8_t)(known - m->work->memo);
            r = tag_known(m, f, known, AT(p));
            p += known->n;
            if (LIKELY(r == EV_MORE))
                goto content;
            return r;
        }
    } else if (LIKELY(*p == '/')) {
        f->matched = 0;
        f->start = AT(p) - 1;
        p++;
        if (f->open_n == 0 && (m->phase != PHASE_INSIDE || m->outer == NULL))
            WRONG(E_NOT_WELL_FORMED, "an end tag without its element");
        goto end_name;
    } else if (*p == '!' || *p == '?') {
        f->matched = 0;
        if (*p++ == '!')
            goto bang;
        goto pi;
    } else if (*p == 0 && m->phase == PHASE_START)
        WRONG(E_ENCODING, "only UTF-8 is spoken here");
    if (tag_begin(m, f, AT(p)))
        return EV_ERROR;
    f->mark = AT(p);
    f->colon = 0;
    f->fresh = copy == p;
    p = copy;
    if (LIKELY(!f->fresh && p < end && (int8_t)*p >= 0 && *p != ':'))
        goto named;
name:
    if (MOVED(SCAN(read_name)(m, f, base, &copy, end)) >= 0) {
        if (r == EV_MORE)
            STOP(S_NAME);
        return r;
    }
named:
    if (AT(p) - f->mark > m->limits.name)
        WRONG(E_POLICY, "a name is too long");
    f->tag->name = f->mark;
    f->tag->name_n = (uint16_t)(AT(p) - f->mark);
    f->colon_at = f->colon;
    f->row = f->guess = attr_first(m, name_key(base + f->mark, AT(p) - f->mark, end));
after_name:
    habit = &m->work->attr[f->guess];
    if (LIKELY(end - p > ATTR_TEXT && SCAN(begins)(p, habit->text, habit->n, habit->rest))) {
        uint32_t name = AT(p) + 1, n = habit->n - 3u;
        f->guess = attr_next(f, habit->bit);
        p += habit->n;
        mark = habit->quote;
        if (begin_in_tag(m, f, habit->place, habit->bit, name, n))
            return EV_ERROR;
        goto plain_value;
    }
    if (end - p > 1 && *p == ' ' && CHAR_CLASS[(uint8_t)p[1]] & C_START) {
        p++;
        goto plain_name;
    }
    NEED(S_AFTER_NAME);
    if (*p == '>' || *p == '/')
        goto tag_close;
    if (!is_space(*p))
        WRONG(E_NOT_WELL_FORMED, "white space, '/' or '>' was expected in a tag");
    p++;
tag_space:
    while (p < end && is_space(*p))
        p++;
    NEED(S_TAG_SPACE);
    if (*p == '>' || *p == '/')
        goto tag_close;
    if (!(CHAR_CLASS[(uint8_t)*p] & C_START)) {
        f->mark = AT(p);
        f->colon = 0;
        f->fresh = 1;
        goto attr_name;
    }
plain_name: {
    const char *q = SCAN(name)(p, end, base);
    uint32_t n = (uint32_t)(q - p);
    if (UNLIKELY(end - q < 2 || !opens_value(q) || n > m->limits.name)) {
        f->mark = AT(p);
        f->colon = 0;
        f->fresh = 0;
        p = q;
        goto attr_name;
    }
    uint64_t key = name_key(p, n, end);
    int place = head_place(key);
    SCAN(keep_attr)(m, f, p, n, place, attr_bit(key));
    if (begin_in_tag(m, f, place, attr_bit(key), AT(p), n))
        return EV_ERROR;
    p = q + 2;
    mark = p[-1];
}
plain_value: {
    const char *q = SCAN(value)(p, end, base, mark);
    if (UNLIKELY(q == end || *q != mark)) {
        f->quote = mark;
        f->mark = AT(p);
        f->refs = 0;
        p = q;
        goto value;
    }
    valued_in_tag(f, AT(p), (uint32_t)(q - p), 0);
    p = q + 1;
    goto after_name;
}
attr_name:
    if (MOVED(SCAN(read_name)(m, f, base, &copy, end)) >= 0) {
        if (r == EV_MORE)
            STOP(S_ATTR_NAME);
        return r;
    }
    if (named_in_tag(m, f, base, AT(p), end))
        return EV_ERROR;
equals:
    while (p < end && is_space(*p))
        p++;
    NEED(S_EQUALS);
    if (*p != '=')
        WRONG(E_NOT_WELL_FORMED, "'=' was expected behind an attribute's name");
    p++;
quote:
    while (p < end && is_space(*p))
        p++;
    NEED(S_QUOTE);
    if (*p != '"' && *p != '\'')
        WRONG(E_NOT_WELL_FORMED, "an attribute's value must be quoted");
    f->quote = *p++;
    f->mark = AT(p);
    f->refs = 0;
value:
    p = SCAN(value)(p, end, base, f->quote);
    NEED(S_VALUE);
    if (*p == f->quote) {
        valued_in_tag(f, f->mark, AT(p) - f->mark, f->refs);
        p++;
        goto after_name;
    }
    if (*p == '&') {
        f->after_ref = S_VALUE;
        goto ampersand;
    }
    if (is_space(*p)) {  /* to be normalised */
        f->refs = R_REFS;
        p++;
        goto value;
    }
    if (*p == '<')
        WRONG(E_NOT_WELL_FORMED, "'<' in an attribute's value");
    if (MOVED(SCAN(read_odd)(m, base, &copy, end)) == EV_MORE)
        STOP(S_VALUE);
    if (r < 0)
        goto value;
    return r;

tag_close:
    f->self_closed = *p++ == '/';
    if (!f->self_closed)
        goto tag_closed;
slash:
    NEED(S_SLASH);
    if (*p != '>')
        WRONG(E_NOT_WELL_FORMED, "'>' was expected behind '/'");
    p++;
tag_closed:
    r = tag_end(m, f, base, AT(p), SCAN(keep_tag));
    goto ended;

end_name: {
    const Open *o = f->open_n ? &f->open[f->open_n - 1] : NULL;  /* NULL: the root */
    if (o && f->matched == 0 && end - p > o->name_n && end - p >= 8 && p[o->name_n] == '>' &&
        same_name(p, base + o->name, o->name_n)) {
        p += o->name_n + 1;
        r = end_tag(m, f, AT(p));
        goto ended;
    }
    const char *name = (o ? base + o->name : m->outer->text) + f->matched;
    uint32_t missing = (o ? o->name_n : m->outer->name_n) - f->matched;
    uint32_t n = (size_t)(end - p) < missing ? (uint32_t)(end - p) : missing;
    if (memcmp(p, name, n) != 0) {
        while (*p == *name)
            p++, name++;
        WRONG(E_NOT_WELL_FORMED, "an end tag that does not fit the open element");
    }
    p += n;
    f->matched += n;
    if (n < missing)
        STOP(S_END_NAME);
}
end_space:
    while (p < end && is_space(*p))
        p++;
    NEED(S_END_SPACE);
    if (*p != '>')
        WRONG(E_NOT_WELL_FORMED, "an end tag that does not fit the open element");
    p++;
    r = end_tag(m, f, AT(p));
ended:
    if (r != EV_MORE) {
        m->at = AT(p);
        return r;
    }

content:
    NEED(S_CONTENT);
    if (*p == '<') {
        p++;
        goto lt;
    }
    f->mark = AT(p);
    f->refs = f->brackets = 0;
    if (f->open_n > 1)
        goto text;
top_space:
    while (p < end && is_space(*p))
        f->refs |= *p++ == '\r' ? R_REFS : 0;
    NEED(S_TOP_SPACE);
    if (*p != '<')
        f->view.flags |= F_TOP_TEXT;
text:
    if (f->brackets) {
        NEED(S_TEXT);
        if (*p == '>' && f->brackets == 2)
            WRONG(E_NOT_WELL_FORMED, "']]>' in text");
        if (*p == ']') {
            f->brackets = 2;
            p++;
            goto text;
        }
        f->brackets = 0;
    }
    p = SCAN(text)(p, end, base);
    NEED(S_TEXT);
    if (*p == '<') {
        if (push_text(m, f, f->mark, AT(p), f->refs))
            return EV_ERROR;
        p++;
        goto lt;
    }
    if (*p == '&') {
        uint32_t n = ref_plain(p, end);
        if (LIKELY(n)) {
            f->refs |= R_REFS;
            p += n;
            goto text;
        }
        f->after_ref = S_TEXT;
        goto ampersand;
    }
    if (utf8_pair(p, end)) {
        do
            p += 2;
        while (utf8_pair(p, end));
        goto text;
    }
    if (*p == ']' || is_space(*p)) {
        f->brackets = *p == ']';
        f->refs |= *p == '\r' ? R_REFS : 0;
        p++;
        goto text;
    }
    if (MOVED(SCAN(read_odd)(m, base, &copy, end)) == EV_MORE)
        STOP(S_TEXT);
    if (r < 0)
        goto text;
    return r;

ampersand:
    p++;
    f->refs = R_REFS;
    f->ref = REF_AMP;
reference:
    switch (MOVED(ref_scan(f, base, &copy, end))) {
    case REF_MORE: STOP(S_REF);
    case REF_WRONG: WRONG(E_NOT_WELL_FORMED, "not a reference to a character");
    case REF_ENTITY: WRONG(E_RESTRICTED, "a reference to an entity beside the five of XML");
    default: break;
    }
    if (f->after_ref == S_VALUE)
        goto value;
    goto text;

bang:
    NEED(S_BANG);
    f->quote = *p;
    if (bang_literal(*p) == NULL)
        WRONG(E_NOT_WELL_FORMED, "not a kind of markup");
literal:
    for (literal = bang_literal(f->quote); literal[f->matched]; p++, f->matched++) {
        NEED(S_LITERAL);
        if (*p != literal[f->matched])
            WRONG(E_NOT_WELL_FORMED, "not a kind of markup");
    }
    if (bang_verdict(m, f, AT(p)))
        return EV_ERROR;
    f->mark = AT(p);
    f->refs = f->brackets = 0;
cdata:
    if (f->brackets) {
        NEED(S_CDATA);
        if (*p == '>' && f->brackets == 2) {
            uint32_t to = AT(p) - 2;
            if (to > f->mark && push_text(m, f, f->mark, to, f->refs | R_CDATA))
                return EV_ERROR;
            if (f->open_n == 1 && to > f->mark)
                f->view.flags |= F_TOP_TEXT;
            p++;
            goto content;
        }
        if (*p == ']') {
            f->brackets = 2;
            p++;
            goto cdata;
        }
        f->brackets = 0;
    }
    p = SCAN(text)(p, end, base);
    NEED(S_CDATA);
    if (*p == ']' || *p == '<' || *p == '&' || is_space(*p)) {
        f->brackets = *p == ']';
        f->refs |= *p == '\r' ? R_REFS : 0;
        p++;
        goto cdata;
    }
    if (MOVED(SCAN(read_odd)(m, base, &copy, end)) == EV_MORE)
        STOP(S_CDATA);
    if (r < 0)
        goto cdata;
    return r;

pi:
    for (; f->matched < 3; p++, f->matched++) {
        NEED(S_PI);
        if (*p != "xml"[f->matched])
            WRONG(E_RESTRICTED, "processing instructions are not allowed");
    }
    NEED(S_PI);
    if (!is_space(*p) && *p != '?')
        WRONG(E_RESTRICTED, "processing instructions are not allowed");
    if (m->phase != PHASE_START)
        WRONG(E_NOT_WELL_FORMED, "the XML declaration is not at the start");
declaration:
    literal = memchr(p, '>', (size_t)(end - p));
    p = literal ? literal : end;
    NEED(S_DECLARATION);
    p++;
    m->at = AT(p);
    return read_declaration(m, base, p);
}

#undef AT
#undef STOP
#undef NEED
#undef WRONG
#undef MOVED
