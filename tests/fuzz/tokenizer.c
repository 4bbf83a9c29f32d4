/* The tokenizer against itself (every scanner, any cut, stops and restarts) and against expat. Built by fuzz.py. */
#include "ways.h"
#include "oracle.h"

static int named(const char *condition, const char *name) { return condition && strcmp(condition, name) == 0; }

/* -- Differences from expat that are meant; tests/core/test_expat.py has a test for each. -- */

/* White space between elements written as a reference is an error here; expat's handler gets white space either way. */
static int space_by_reference(const Result *ours, const char *data, size_t n) {
    return named(ours->condition, E_BAD_FORMAT) && ours->error_at < n && data[ours->error_at] == '&';
}

/* Names are those of XML 1.0, 5th edition; expat's those of the 4th. */
static int newer_name(const Oracle *theirs, const char *data, size_t n) {
    uint32_t code;
    if (theirs->code != XML_ERROR_INVALID_TOKEN || theirs->error_at < 0 || theirs->error_at >= (int64_t)n)
        return 0;
    const char *p = data + theirs->error_at;
    return (uint8_t)*p >= 0x80 && utf8_decode(p, data + n, &code) > 0 && is_wide_name(code);
}

/* expat reads UTF-16 too. */
static int other_encoding(const Result *ours, const char *data, size_t n) {
    return named(ours->condition, E_ENCODING) && n && ((uint8_t)data[0] >= 0xFE || !data[0] || (n > 1 && !data[1]));
}

/* A frame is one element and nothing else: no declaration, no byte order mark, no text or white space around it. */
static int around_frame(const Result *ours, const Plan *plan, const char *data, size_t n) {
    if (plan->mode != MODE_FRAME || ours->condition == NULL)
        return 0;
    return named(ours->condition, E_BAD_FORMAT) || (n > 1 && data[1] == '?') ||
           (ours->error_at < n && is_space(data[ours->error_at]));
}

/* The XML declaration is read once its '>' has come; "<![CDATA[" is judged once it is whole. */
static int not_yet_judged(const Result *ours, const char *data, size_t n) {
    size_t open = n;
    if (ours->count == 0 && memchr(data, '?', n) && memchr(data, '>', n) == NULL)
        return 1;
    while (open > 0 && data[--open] != '<');
    return n - open > 1 && data[open + 1] == '!' && n - open < sizeof "<![CDATA[" - 1;
}

/* The first bytes of something that is not allowed are enough here (a comment, a reference to an entity, text between
 * elements); expat reads on and may find it not well-formed. Behind the root nothing is looked at here. What expat does not
 * see before the end of input is told is no more than that the document has not ended. */
static int same_condition(const Result *ours, const Oracle *theirs, const char *data, size_t n) {
    if (!theirs->early || (ours->closed && named(ours->condition, E_NOT_WELL_FORMED)))
        return 1;
    if (ours->condition == NULL)
        return not_yet_judged(ours, data, n);
    if (named(theirs->condition, E_NOT_WELL_FORMED))
        return 1;
    return strcmp(ours->condition, theirs->condition) == 0;
}

static void compare_with_expat(const Plan *plan, const Result *ours, const char *data, size_t n) {
    Oracle theirs = {.frame = plan->mode == MODE_FRAME};
    read_oracle(&theirs, data, n);
    const Log *a = &ours->events, *b = &theirs.events;
    if (other_encoding(ours, data, n))
        ;
    else if (newer_name(&theirs, data, n)) {
        if (!log_begins(a, b) && !log_begins(b, a))
            differ("events up to a name that expat does not know", a, b);
    } else if (named(ours->condition, E_POLICY) || space_by_reference(ours, data, n) ||
               around_frame(ours, plan, data, n)) {
        if (!log_begins(b, a))
            differ("events up to an error that is ours alone", a, b);
    } else {
        if (!log_same(a, b))
            differ("events, ours and expat's", a, b);
        if ((ours->closed && ours->condition == NULL) != (theirs.closed && theirs.condition == NULL) ||
            !same_condition(ours, &theirs, data, n)) {
            fprintf(stderr, "ours: %s at %llu; expat's: %s (%d) at %lld%s\n", ours->condition ? ours->condition : "good",
                    (unsigned long long)ours->error_at, theirs.condition ? theirs.condition : "good", theirs.code,
                    (long long)theirs.error_at, theirs.early ? "" : ", at the end");
            differ("verdict, ours and expat's", a, b);
        }
    }
    log_free(&theirs.events);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    if (size < HOW)
        return 0;
    const char *data = (const char *)input + HOW;
    size_t n = size - HOW;
    Plan plan = plan_of(input);
    Result whole[2] = {{.begin = 0}, {.begin = 0}};
    read_whole(plan, data, n, whole);
    if (n)
        compare_with_expat(&plan, whole, data, n);
    check_scanners(&plan, whole, data, n);
    free_result(&whole[0]);
    return 0;
}
