/* load: logs N clients in and lets each pair chat for a while, or has --logins users log in again and again, a few at a
 * time; prints one JSON line.
 *
 * Each client keeps `window` numbered messages on their way to its partner's full JID. The CPU time of the server's
 * processes (--pids) is read at the same two moments as the message count. */
#define _GNU_SOURCE
#include "load.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, PATIENCE = 120 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* User and system time of one process, all its threads, in seconds. */
static double process_cpu(long pid) {
    char path[64], line[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(line, sizeof line, file))
        die(NULL, "process %ld is gone", pid);
    fclose(file);
    const char *rest = strrchr(line, ')'); /* the name may hold anything */
    if (!rest || sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        die(NULL, "cannot read %s", path);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double server_cpu(const char *pids) {
    double sum = 0;
    char *next;
    for (const char *p = pids; *p; p = *next ? next + 1 : next)
        sum += process_cpu(strtol(p, &next, 10));
    return sum;
}

/* One turn: what came is handled, then everybody who has something to say is flushed once. */
static void turn(struct load *load, int wait_ms) {
    struct epoll_event events[EVENTS];
    int n = epoll_wait(load->epoll, events, EVENTS, wait_ms);
    for (int i = 0; i < n; i++)
        client_event(load, events[i].data.ptr, events[i].events);
    for (int i = 0; i < load->dirty_count; i++) {
        struct client *c = load->dirty[i];
        c->dirty = false;
        if (load->sending && c->state == READY)
            xmpp_fill(load, c);
        client_flush(load, c);
    }
    load->dirty_count = 0;
}

static void log_in(struct load *load) {
    double deadline = now() + PATIENCE;
    int started = 0;
    while (load->ready < load->options.clients) {
        for (; started < load->options.clients && started - load->ready < load->options.login_at_once; started++) {
            struct client *c = &load->clients[started];
            c->index = load->options.first + started;
            c->peer = &load->clients[started ^ 1];
            client_connect(load, c);
        }
        turn(load, 100);
        if (now() > deadline)
            die(NULL, "only %d of %d could log in", load->ready, load->options.clients);
    }
}

static void run_for(struct load *load, double seconds) {
    for (double end = now() + seconds; now() < end;)
        turn(load, 10);
}

static void chat(struct load *load, double logged_in) {
    load->sending = true;
    for (int i = 0; i < load->options.clients; i++)
        mark_dirty(load, &load->clients[i]);
    run_for(load, load->options.warm_up);
    double cpu = server_cpu(load->options.pids), began = now();
    uint64_t before = load->messages;
    run_for(load, load->options.seconds);
    cpu = server_cpu(load->options.pids) - cpu;
    double seconds = now() - began;
    uint64_t messages = load->messages - before, missing = 0;
    load->sending = false;
    for (double end = now() + 10; now() < end;) {
        missing = 0;
        for (int i = 0; i < load->options.clients; i++)
            missing += load->clients[i].in_flight;
        if (!missing)
            break;
        turn(load, 10);
    }
    if (missing)
        die(NULL, "%lu messages never came", (unsigned long)missing);
    printf("{\"clients\": %d, \"login_seconds\": %.3f, \"messages\": %lu, \"seconds\": %.3f, \"server_cpu\": %.2f}\n",
           load->options.clients, logged_in, (unsigned long)messages, seconds, cpu);
}

/* Logins for a while, once every user has been there. */
static void only_log_in(struct load *load) {
    int at_once = load->options.login_at_once;
    login_prepare(load);
    for (int i = 0; i < at_once; i++)
        login_begin(load, &load->clients[i]);
    for (double end = now() + PATIENCE; load->logins < (uint64_t)(load->options.logins + at_once);) {
        turn(load, 100);
        if (now() > end)
            die(NULL, "only %lu of %d could log in", (unsigned long)load->logins, load->options.logins);
    }
    while (load->logins < (uint64_t)load->options.total)
        turn(load, 10);
    if (load->options.total)
        return;
    run_for(load, load->options.warm_up);
    double cpu = server_cpu(load->options.pids), began = now();
    uint64_t before = load->logins, resumed = load->resumed;
    run_for(load, load->options.seconds);
    cpu = server_cpu(load->options.pids) - cpu;
    printf("{\"logins\": %lu, \"resumed\": %lu, \"seconds\": %.3f, \"server_cpu\": %.2f}\n",
           (unsigned long)(load->logins - before), (unsigned long)(load->resumed - resumed), now() - began, cpu);
}

/* Says that all are logged in, then keeps the connections until standard input ends. */
static void idle(struct load *load) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    struct epoll_event events[EVENTS];
    run_for(load, load->options.seconds);
    printf("ready\n");
    fflush(stdout);
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event))
        die(NULL, "standard input must be a pipe");
    for (;;) {
        int n = epoll_wait(load->epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (!events[i].data.ptr)
                return;
            client_event(load, events[i].data.ptr, events[i].events);
        }
    }
}

static void parse(struct options *o, int argc, char **argv) {
    enum { ADDRESS = 1, PORT, DOMAIN, PASSWORD, PIDS, PAIRS, WINDOW, BODY, WARM_UP, SECONDS, FIRST, TLS, IDLE,
           LOGINS, AT_ONCE, MECHANISM, RESUME, TOTAL };
    static const struct option names[] = {
        {"address", 1, 0, ADDRESS}, {"port", 1, 0, PORT}, {"domain", 1, 0, DOMAIN}, {"password", 1, 0, PASSWORD},
        {"pids", 1, 0, PIDS}, {"pairs", 1, 0, PAIRS}, {"window", 1, 0, WINDOW}, {"body", 1, 0, BODY},
        {"warm-up", 1, 0, WARM_UP}, {"seconds", 1, 0, SECONDS}, {"first", 1, 0, FIRST}, {"tls", 0, 0, TLS}, {"idle", 0, 0, IDLE},
        {"logins", 1, 0, LOGINS}, {"at-once", 1, 0, AT_ONCE}, {"mechanism", 1, 0, MECHANISM}, {"resume", 0, 0, RESUME},
        {"total", 1, 0, TOTAL},
        {0}};
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (name) {
        case ADDRESS: o->address = optarg; break;
        case PORT: o->port = atoi(optarg); break;
        case DOMAIN: o->domain = optarg; break;
        case PASSWORD: o->password = optarg; break;
        case PIDS: o->pids = optarg; break;
        case PAIRS: o->clients = 2 * atoi(optarg); break;
        case WINDOW: o->window = atoi(optarg); break;
        case BODY: o->body = atoi(optarg); break;
        case WARM_UP: o->warm_up = atof(optarg); break;
        case SECONDS: o->seconds = atof(optarg); break;
        case FIRST: o->first = atoi(optarg); break;
        case TLS: o->tls = true; break;
        case IDLE: o->idle = true; break;
        case LOGINS: o->logins = atoi(optarg); break;
        case AT_ONCE: o->login_at_once = atoi(optarg); break;
        case MECHANISM:
            o->mechanism = !strcmp(optarg, "PLAIN") ? PLAIN : !strcmp(optarg, "FAST") ? FAST : SCRAM;
            break;
        case RESUME: o->resume = true; break;
        case TOTAL: o->total = atoi(optarg); break;
        default: exit(2);
        }
    }
    if (o->logins)
        o->clients = o->login_at_once;
    if (o->body < 16 || o->clients < 2)
        die(NULL, "at least one pair and bodies of 16 bytes");
}

int main(int argc, char **argv) {
    struct load load = {.options = {
        .address = "127.0.0.1", .domain = "localhost", .password = "secret", .pids = "", .port = 5222, .clients = 100,
        .window = 8, .body = 100, .login_at_once = 32, .warm_up = 2, .seconds = 10}};
    struct rlimit files;
    parse(&load.options, argc, argv);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.clients = calloc((size_t)load.options.clients, sizeof *load.clients);
    load.dirty = calloc((size_t)load.options.clients, sizeof *load.dirty);
    load.tls = SSL_CTX_new(TLS_client_method());
    if (load.epoll < 0 || !load.clients || !load.dirty || !load.tls)
        die(NULL, "cannot start");
    SSL_CTX_set_mode(load.tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(load.tls, 1);
    double began = now();
    if (load.options.logins) {
        only_log_in(&load);
        return 0;
    }
    log_in(&load);
    if (load.options.idle)
        idle(&load);
    else
        chat(&load, now() - began);
    return 0;
}
