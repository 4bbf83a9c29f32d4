/* Events as bytes: two parsers agree if their logs are equal. Marks are controls that no XML document can contain. */
#ifndef HEADRACE_FUZZ_LOG_H
#define HEADRACE_FUZZ_LOG_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { L_OPEN = 1, L_START, L_ATTR, L_TEXT, L_END, L_CLOSE, L_PART };

typedef struct Log {
    char *p;
    size_t n, cap;
    int in_text;        /* the last record is text: more of it is joined on */
} Log;

static void log_bytes(Log *log, const void *bytes, size_t n) {
    if (log->cap - log->n < n) {
        log->cap = (log->n + n) * 2 + 256;
        log->p = realloc(log->p, log->cap);
    }
    if (n)
        memcpy(log->p + log->n, bytes, n);
    log->n += n;
}

static void log_mark(Log *log, char mark) {
    log->in_text = 0;
    log_bytes(log, &mark, 1);
}

static void log_part(Log *log, const char *p, size_t n) {
    log_mark(log, L_PART);
    log_bytes(log, p, n);
}

static void log_text(Log *log, const char *p, size_t n) {
    if (n == 0)
        return;
    if (!log->in_text)
        log_mark(log, L_TEXT);
    log->in_text = 1;
    log_bytes(log, p, n);
}

static int log_begins(const Log *log, const Log *with) {
    return log->n >= with->n && (with->n == 0 || memcmp(log->p, with->p, with->n) == 0);
}

static int log_same(const Log *a, const Log *b) { return a->n == b->n && log_begins(a, b); }

static void log_free(Log *log) {
    free(log->p);
    *log = (Log){0};
}

static void log_print(const char *whose, const Log *log) {
    static const char *names[] = {"", "\nopen", "\nstart", "\n  attribute", "\n  text ", "\nend", "\nclose", " | "};
    fprintf(stderr, "%s", whose);
    for (size_t i = 0; i < log->n; i++) {
        uint8_t c = (uint8_t)log->p[i];
        if (c >= 1 && c <= L_PART)
            fputs(names[c], stderr);
        else
            fprintf(stderr, c < ' ' || c > '~' ? "\\x%02x" : "%c", c);
    }
    fputc('\n', stderr);
}

#endif
