/* What the tokenizer's work costs, in instructions: `work PIECE... -- FILE...` reads each file in pieces of each size under
 * callgrind, which leaves one dump for each, named FILE/PIECE. Built and run by test_work.py. */
#include <stdio.h>
#include <valgrind/callgrind.h>

#include "headrace/core/pull.h"

static void read_document(const Scanner *scanner, const char *data, size_t n, size_t piece) {
    static const Limits none;
    Work work = {.run = scanner->run, .seed = 12345};
    Machine m = {.work = &work, .mode = MODE_STREAM, .content = NS_CLIENT};
    int event = EV_MORE;
    ns_slots_fill(&work);
    machine_limits(&m, &none);
    machine_reset(&m, 1);
    for (size_t at = 0; at < n && event != EV_ERROR; at += piece) {
        machine_feed(&m, data + at, piece < n - at ? piece : n - at);
        while ((event = machine_next(&m)) != EV_MORE && event != EV_ERROR);
    }
    if (event == EV_ERROR) {
        fprintf(stderr, "%s at %llu: %s\n", m.condition, (unsigned long long)m.error_at, m.message);
        exit(1);
    }
    machine_reset(&m, 1);
    while (work.free) {
        Frame *f = work.free;
        work.free = f->next;
        frame_free(f);
    }
}

static char *load(const char *path, size_t *n) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END))
        exit(2);
    *n = (size_t)ftell(file);
    char *data = malloc(*n);
    rewind(file);
    if (fread(data, 1, *n, file) != *n)
        exit(2);
    fclose(file);
    return data;
}

int main(int argc, char **argv) {
    Scanner known[4];
    int files = 1;
    scanners(known);
    while (strcmp(argv[files], "--") != 0)
        files++;
    for (int i = files + 1; i < argc; i++) {
        size_t n;
        char *data = load(argv[i], &n);
        for (int k = 1; k < files; k++) {
            char name[4096];
            snprintf(name, sizeof name, "%s/%s", argv[i], argv[k]);
            CALLGRIND_ZERO_STATS;
            read_document(&known[0], data, n, strtoul(argv[k], NULL, 10));
            CALLGRIND_DUMP_STATS_AT(name);
        }
        free(data);
    }
    return 0;
}
