/* Preloaded into a program, it lets fsync and fdatasync take SLOW_FSYNC_SECONDS longer, as on a busy disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_a_while(void)
{
    const char *seconds = getenv("SLOW_FSYNC_SECONDS");
    if (seconds != NULL)
        usleep((useconds_t)(atof(seconds) * 1e6));
}

int fsync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_a_while();
    return real(fd);
}

int fdatasync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_a_while();
    return real(fd);
}
