/* Preloaded before a program, it makes each fsync and fdatasync last SLOW_FSYNC_MS milliseconds longer: an SD card. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int slowly(const char *name, int file) {
    const char *told = getenv("SLOW_FSYNC_MS");
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    if (told) usleep(1000 * (unsigned)atoi(told));
    return real(file);
}

int fsync(int file) { return slowly("fsync", file); }
int fdatasync(int file) { return slowly("fdatasync", file); }
