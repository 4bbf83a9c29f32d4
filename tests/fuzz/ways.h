/* How an input is read, and each scanner beside the portable one: any cut, stops and restarts.
 *
 * An input is four bytes that say how to read, and the document. */
#ifndef HEADRACE_FUZZ_WAYS_H
#define HEADRACE_FUZZ_WAYS_H

#include "ours.h"

enum { HOW = 4 };

/* byte 0: mode and ways, 1: limits, 2: sizes of pieces, 3: where to restart */
enum { W_FRAME = 1, W_BODY = 2, W_STOPS = 4, W_RESET = 8, W_DROPS = 16 };

static Plan plan_of(const uint8_t *how) {
    Plan plan = {.mode = how[0] & W_FRAME ? MODE_FRAME : how[0] & W_BODY ? MODE_BODY : MODE_STREAM};
    plan.content = NS_CLIENT;
    plan.cuts = how[2] * 2654435761u | 1;
    plan.largest = 1u << (how[2] & 7);
    plan.stops = (how[0] & W_STOPS) != 0;
    plan.drops = (how[0] & W_DROPS) != 0;
    plan.reset_at = how[0] & W_RESET && plan.mode == MODE_STREAM ? how[3] % 8 + 1 : 0;
    if (how[1] & 1)
        plan.limits = (Limits){.stanza = 40 + how[1], .header = 100 + how[1], .elements = 4, .depth = 3, .attrs = 3,
                               .decls = 2, .name = 8, .total = plan.reset_at ? 0 : 300, .tops = plan.reset_at ? 0 : 4};
    else if (how[1] & 2)
        plan.limits = (Limits){.stanza = 4096, .header = 1024, .depth = 8, .attrs = 16, .decls = 8, .name = 64};
    return plan;
}

static int same_result(const Result *a, const Result *b) {
    return log_same(&a->events, &b->events) && log_same(&a->facts, &b->facts) && a->condition == b->condition &&
           a->error_at == b->error_at && a->closed == b->closed;
}

__attribute__((noreturn)) static void differ(const char *what, const Log *a, const Log *b) {
    fprintf(stderr, "== %s\n", what);
    log_print("first:", a);
    log_print("second:", b);
    abort();
}

/* What is behind a restart reads like a document by itself. */
static void check_restart(const Scanner *scanner, Plan plan, const Result results[2], const char *data, size_t n) {
    Result alone[2] = {{.begin = 0}, {.begin = 0}};
    size_t begin = results[1].begin;
    plan.reset_at = plan.stops = 0;
    plan.cuts = 0;
    plan.content = results[1].content;
    read_ours(scanner, plan, data + begin, n - begin, alone);
    if (!same_result(&results[1], &alone[0]))
        differ("behind a restart", &results[1].events, &alone[0].events);
    free_result(&alone[0]);
}

/* The document by itself, as the scanner reads it in one piece. */
static void check_scanner(const Scanner *scanner, const Plan *plan, const Result *whole, const char *data, size_t n) {
    Result results[2] = {{.begin = 0}, {.begin = 0}};
    Plan cut = *plan;
    int restarts = plan->reset_at;
    cut.reset_at = 0;
    read_ours(scanner, cut, data, n, results);
    if (!same_result(whole, &results[0]))
        differ(scanner->name, &whole->events, &results[0].events);
    free_result(&results[0]);
    if (!restarts)
        return;
    results[0] = (Result){.begin = 0};
    read_ours(scanner, *plan, data, n, results);
    if (!log_begins(&whole->events, &results[0].events))
        differ("before a restart", &whole->events, &results[0].events);
    if (results[1].begin)
        check_restart(scanner, *plan, results, data, n);
    free_result(&results[0]);
    free_result(&results[1]);
}

/* The document by itself in one piece, read by the portable scanner: what all have to find. */
static void read_whole(Plan plan, const char *data, size_t n, Result results[2]) {
    Scanner known[4];
    int count = scanners(known);
    plan.cuts = 0;
    plan.stops = plan.reset_at = 0;
    read_ours(&known[count - 1], plan, data, n, results);
}

static void check_scanners(const Plan *plan, const Result *whole, const char *data, size_t n) {
    Scanner known[4];
    int count = scanners(known);
    for (int i = 0; i < count; i++)
        check_scanner(&known[i], plan, whole, data, n);
}

#endif
