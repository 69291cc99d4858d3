/* Preloaded into a program, it counts its fsync and fdatasync calls in `synced`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

long synced = 0;

int fsync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    __atomic_add_fetch(&synced, 1, __ATOMIC_RELAXED);
    return real(fd);
}

int fdatasync(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    __atomic_add_fetch(&synced, 1, __ATOMIC_RELAXED);
    return real(fd);
}
