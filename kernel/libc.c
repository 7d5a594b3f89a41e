/* libc.c - what newlib asks of its system. The kernel uses its string and formatting
 * functions; files, memory and processes of programs are not its business here. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/arch.h"
#include "kernel/check.h"
#include "kernel/print.h"

struct _reent;
struct stat;
#undef errno
extern int *__errno(void);
#define FAIL(e) (*__errno() = (e), -1)

/* Refuses: newlib's malloc has no memory in the kernel, and a caller gets NULL. */
void *sbrk(ptrdiff_t n);
void *sbrk(ptrdiff_t n)
{
    (void)n;
    *__errno() = ENOMEM;
    return (void *)-1;
}

int write(int fd, const void *buf, size_t n);
int write(int fd, const void *buf, size_t n)
{
    if (fd != 1 && fd != 2)
        return FAIL(EBADF);
    kwrite(buf, n);
    return (int)n;
}

int read(int fd, void *buf, size_t n);
int read(int fd, void *buf, size_t n) { (void)fd, (void)buf, (void)n; return FAIL(EBADF); }
int close(int fd);
int close(int fd) { (void)fd; return FAIL(EBADF); }
long lseek(int fd, long off, int whence);
long lseek(int fd, long off, int whence) { (void)fd, (void)off, (void)whence; return FAIL(ESPIPE); }
int fstat(int fd, struct stat *st);
int fstat(int fd, struct stat *st) { (void)fd, (void)st; return FAIL(EBADF); }
int isatty(int fd);
int isatty(int fd) { (void)fd; return 0; }
int getpid(void);
int getpid(void) { return 1; }
int kill(int pid, int sig);
int kill(int pid, int sig) { (void)pid, (void)sig; return FAIL(EINVAL); }

_Noreturn void _exit(int status);
void _exit(int status)
{
    PANIC("_exit(%d) called inside the kernel (abort or assert of the C library)", status);
}

/* Locks of newlib's malloc and stdio. They need not exclude anything: malloc fails, and no
 * stdio stream is used. */
void __malloc_lock(struct _reent *r);
void __malloc_lock(struct _reent *r) { (void)r; }
void __malloc_unlock(struct _reent *r);
void __malloc_unlock(struct _reent *r) { (void)r; }
