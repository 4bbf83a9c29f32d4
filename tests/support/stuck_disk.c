/* LD_PRELOAD: what the file named by STUCK_DISK says of the disk for as long as it exists. Nothing: what is to be safe
   on it does not get there; a number: not before so many seconds have passed; "full": it has no room. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static const char *mark(void) {
    const char *name = getenv("STUCK_DISK");
    return name ? name : "";
}

static int said(char *word) {
    FILE *file = fopen(mark(), "r");
    if (!file)
        return 0;
    if (fscanf(file, "%15s", word) != 1)
        word[0] = 0;
    fclose(file);
    return 1;
}

static void wait_for_disk(void) {
    char word[16];
    double seconds, waited = 0;
    if (!said(word) || strcmp(word, "full") == 0)
        return;
    seconds = word[0] ? atof(word) : 1e9;
    for (; waited < seconds && access(mark(), F_OK) == 0; waited += 0.01)
        usleep(10000);
}

static ssize_t put(const char *function, int fd, const void *data, size_t n, off64_t at) {
    char word[16];
    if (said(word) && strcmp(word, "full") == 0) {
        errno = ENOSPC;
        return -1;
    }
    return ((ssize_t (*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, function))(fd, data, n, at);
}

int fsync(int fd) {
    wait_for_disk();
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

int fdatasync(int fd) {
    wait_for_disk();
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at) {
    return put("pwrite", fd, data, n, at);
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at) {
    return put("pwrite64", fd, data, n, at);
}
