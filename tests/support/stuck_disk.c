/* LD_PRELOAD: while the file named by STUCK_DISK exists, nothing that is to be safe on the disk gets there. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_for_disk(void) {
    const char *mark = getenv("STUCK_DISK");
    while (mark && access(mark, F_OK) == 0)
        usleep(10000);
}

int fsync(int fd) {
    wait_for_disk();
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

int fdatasync(int fd) {
    wait_for_disk();
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
