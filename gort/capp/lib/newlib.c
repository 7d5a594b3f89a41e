/* newlib.c - what newlib asks of its system: system calls over the kernel's (gort/os/, with
 * Linux's numbers and layouts), its locks. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/lock.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>
#include "heap.h"
#include "private.h"

int64_t syscall6(uint64_t num, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                 uint64_t f)
{
    struct syscall6_frame fr = { num, a, b, c, d, e, f, 0, 0, 0 };

    GATE(syscall6, &fr);
    return fr.err ? -(int64_t)fr.err : (int64_t)fr.r1;
}

/* Linux's numbers that newlib numbers otherwise; those below 35 are the same. */
int errno_of(int64_t e)
{
    static const struct { uint8_t from; uint8_t to; } map[] = {
        { 35, EDEADLK }, { 36, ENAMETOOLONG }, { 37, ENOLCK }, { 38, ENOSYS }, { 39, ENOTEMPTY },
        { 40, ELOOP }, { 75, EOVERFLOW }, { 84, EILSEQ }, { 88, ENOTSOCK }, { 89, EDESTADDRREQ },
        { 90, EMSGSIZE }, { 91, EPROTOTYPE }, { 92, ENOPROTOOPT }, { 93, EPROTONOSUPPORT },
        { 94, EPROTONOSUPPORT }, { 95, EOPNOTSUPP }, { 97, EAFNOSUPPORT }, { 98, EADDRINUSE },
        { 99, EADDRNOTAVAIL }, { 100, ENETDOWN }, { 101, ENETUNREACH }, { 103, ECONNABORTED },
        { 104, ECONNRESET }, { 105, ENOBUFS }, { 106, EISCONN }, { 107, ENOTCONN },
        { 110, ETIMEDOUT }, { 111, ECONNREFUSED }, { 113, EHOSTUNREACH }, { 114, EALREADY },
        { 115, EINPROGRESS },
    };

    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (map[i].from == e)
            return map[i].to;
    return (int)e;
}

int64_t sys_ret(int64_t r)
{
    if (r >= 0)
        return r;
    errno = errno_of(-r);
    return -1;
}

#define SYS(n, a, b, c) sys_ret(syscall6(n, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), 0, 0, 0))

/* ---- files ---------- */

static const struct { int ours, linux; } file_flags[] = {
    { O_CREAT, 0100 }, { O_EXCL, 0200 }, { O_TRUNC, 01000 }, { O_APPEND, 02000 },
    { O_NONBLOCK, 04000 }, { O_SYNC, 04010000 }, { O_DIRECTORY, 0200000 }, { O_NOFOLLOW, 0400000 },
};
enum { FILE_FLAGS = sizeof file_flags / sizeof file_flags[0] };

static int flags_to_linux(int flags)
{
    int l = flags & O_ACCMODE; /* the same */

    for (int i = 0; i < FILE_FLAGS; i++)
        l |= flags & file_flags[i].ours ? file_flags[i].linux : 0;
    return l;
}

static int flags_from_linux(int l)
{
    int flags = l & O_ACCMODE;

    for (int i = 0; i < FILE_FLAGS; i++)
        flags |= (l & file_flags[i].linux) == file_flags[i].linux ? file_flags[i].ours : 0;
    return flags;
}

int open(const char *path, int flags, ...)
{
    int mode = 0666; /* a mode that was not given is not looked at */

    if (flags & O_CREAT) {
        va_list ap;
        va_start(ap, flags);
        mode = va_arg(ap, int);
        va_end(ap);
    }
    return (int)SYS(2, path, flags_to_linux(flags), mode);
}

/* F_DUPFD to F_SETFL have Linux's numbers; there are no locks: nobody is there to lock out. */
int fcntl(int fd, int what, ...)
{
    va_list ap;

    va_start(ap, what);
    int arg = what == F_GETFD || what == F_GETFL ? 0 : va_arg(ap, int);
    va_end(ap);
    switch (what) {
    case F_GETFL: {
        int l = (int)SYS(72, fd, what, 0);
        return l < 0 ? l : flags_from_linux(l);
    }
    case F_SETFL:         return (int)SYS(72, fd, what, flags_to_linux(arg));
    case F_DUPFD_CLOEXEC: return (int)SYS(72, fd, 1030, arg);
    case F_DUPFD: case F_GETFD: case F_SETFD: return (int)SYS(72, fd, what, arg);
    case F_SETLK: case F_SETLKW: return 0;
    }
    errno = EINVAL;
    return -1;
}

int close(int fd) { return (int)SYS(3, fd, 0, 0); }

_READ_WRITE_RETURN_TYPE read(int fd, void *buf, size_t n)
{
    touch(buf, n);
    return (_READ_WRITE_RETURN_TYPE)SYS(0, fd, buf, n);
}

_READ_WRITE_RETURN_TYPE write(int fd, const void *buf, size_t n)
{
    return (_READ_WRITE_RETURN_TYPE)SYS(1, fd, buf, n);
}
off_t lseek(int fd, off_t off, int whence) { return SYS(8, fd, off, whence); }
int unlink(const char *path) { return (int)SYS(87, path, 0, 0); }
int link(const char *a, const char *b) { return (int)SYS(86, a, b, 0); }
int mkdir(const char *path, mode_t mode) { return (int)SYS(83, path, mode, 0); }
int rmdir(const char *path) { return (int)SYS(84, path, 0, 0); }
int chdir(const char *path) { return (int)SYS(80, path, 0, 0); }
int rename(const char *a, const char *b) { return (int)SYS(82, a, b, 0); }
int _rename(const char *a, const char *b) { return rename(a, b); }
int access(const char *path, int mode) { return (int)SYS(21, path, mode, 0); }
int ftruncate(int fd, off_t n) { return (int)SYS(77, fd, n, 0); }
int dup(int fd) { return (int)SYS(32, fd, 0, 0); }
int fsync(int fd) { return (int)SYS(74, fd, 0, 0); }

char *getcwd(char *buf, size_t n)
{
    touch(buf, n);
    return SYS(79, buf, n, 0) < 0 ? NULL : buf;
}

struct linux_stat {
    uint64_t dev, ino, nlink;
    uint32_t mode, uid, gid, pad;
    uint64_t rdev;
    int64_t size, blksize, blocks;
    int64_t atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, unused[3];
};

static int stat_with(uint64_t num, uint64_t what, struct stat *st)
{
    struct linux_stat l = { 0 };

    if (SYS(num, what, &l, 0) < 0)
        return -1;
    memset(st, 0, sizeof *st);
    st->st_dev = (dev_t)l.dev;
    st->st_ino = (ino_t)l.ino;
    st->st_mode = l.mode; /* the same bits */
    st->st_nlink = (nlink_t)l.nlink;
    st->st_size = l.size;
    st->st_blksize = l.blksize;
    st->st_blocks = l.blocks;
    st->st_atime = l.atime;
    st->st_mtime = l.mtime;
    st->st_ctime = l.ctime;
    return 0;
}

int stat(const char *path, struct stat *st) { return stat_with(4, (uint64_t)path, st); }
int lstat(const char *path, struct stat *st) { return stat_with(6, (uint64_t)path, st); }
int fstat(int fd, struct stat *st) { return stat_with(5, (uint64_t)fd, st); }

int isatty(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode);
}

/* ---- directories ---------- */

struct DIR {
    int fd;
    int64_t at, end;
    struct dirent entry;
    char buf[4096] __attribute__((aligned(8)));
};

DIR *opendir(const char *path)
{
    int fd = (int)SYS(2, path, 0200000, 0); /* O_DIRECTORY */
    DIR *d = fd < 0 ? NULL : calloc(1, sizeof *d);

    if (d)
        d->fd = fd;
    return d;
}

struct dirent *readdir(DIR *d)
{
    struct { uint64_t ino; int64_t off; uint16_t len; uint8_t type; char name[]; } *e;

    if (d->at >= d->end) {
        d->at = 0;
        d->end = SYS(217, d->fd, d->buf, sizeof d->buf);
        if (d->end <= 0)
            return NULL;
    }
    e = (void *)(d->buf + d->at);
    d->at += e->len;
    d->entry.d_ino = e->ino;
    d->entry.d_type = e->type;
    snprintf(d->entry.d_name, sizeof d->entry.d_name, "%s", e->name);
    return &d->entry;
}

int closedir(DIR *d)
{
    int fd = d->fd;

    free(d);
    return close(fd);
}

/* ---- time, process ---------- */

int gettimeofday(struct timeval *tv, void *zone)
{
    int64_t t[2] = { 0 };

    (void)zone;
    SYS(96, t, 0, 0);
    tv->tv_sec = t[0];
    tv->tv_usec = t[1];
    return 0;
}

/* -1: no such clock. */
static int linux_clock(clockid_t id)
{
    switch (id) {
    case CLOCK_REALTIME:  return 0;
    case CLOCK_MONOTONIC: return 1;
    }
    errno = EINVAL;
    return -1;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    int64_t now[2] = { 0 };
    int clock = linux_clock(id);

    if (clock < 0 || SYS(228, clock, now, 0) < 0)
        return -1;
    *t = (struct timespec){ .tv_sec = now[0], .tv_nsec = now[1] };
    return 0;
}

int clock_getres(clockid_t id, struct timespec *t)
{
    if (linux_clock(id) < 0)
        return -1;
    if (t)
        *t = (struct timespec){ .tv_nsec = 1 };
    return 0;
}

int clock_settime(clockid_t id, const struct timespec *t)
{
    (void)t;
    if (linux_clock(id) >= 0)
        errno = EPERM;
    return -1;
}

int nanosleep(const struct timespec *t, struct timespec *left)
{
    if (t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec > 999999999) {
        errno = EINVAL;
        return -1;
    }
    gort_sleep(t->tv_sec > INT64_MAX / GORT_S - 1 ? INT64_MAX : t->tv_sec * GORT_S + t->tv_nsec);
    if (left)
        *left = (struct timespec){ 0 };
    return 0;
}

/* All time is the program's. */
clock_t times(struct tms *t)
{
    clock_t now = (clock_t)(gort_now() / (1000000000 / CLOCKS_PER_SEC));

    *t = (struct tms){ .tms_utime = now };
    return now;
}

unsigned sleep(unsigned s) { return gort_sleep(s * GORT_S), 0; }
int usleep(useconds_t us) { return gort_sleep(us * 1000ll), 0; }
int getpagesize(void) { return 4096; }
int getpid(void) { return 1; }

long sysconf(int what)
{
    gort_stats s;

    gort_read_stats(&s);
    switch (what) {
    case _SC_NPROCESSORS_CONF: case _SC_NPROCESSORS_ONLN: return (long)s.cpus;
    case _SC_PAGESIZE:         return 4096;
    case _SC_CLK_TCK:          return CLOCKS_PER_SEC;
    case _SC_OPEN_MAX:         return 1024;
    }
    errno = EINVAL;
    return -1;
}

int kill(int pid, int sig) { return (int)SYS(62, pid, sig, 0); }
int getentropy(void *p, size_t n)
{
    touch(p, n);
    return SYS(318, p, n, 0) < 0 ? -1 : 0;
}
int execve(const char *p, char *const v[], char *const e[])
{
    (void)p, (void)v, (void)e;
    errno = ENOSYS;
    return -1;
}
int fork(void) { errno = ENOSYS; return -1; }
int wait(int *status) { (void)status; errno = ECHILD; return -1; }

void _exit(int status)
{
    for (;;)
        SYS(231, status, 0, 0);
}

void abort(void) { gort_fatal("abort"); }

void __assert_func(const char *file, int line, const char *func, const char *what)
{
    gort_fatal("assertion \"%s\" failed: file \"%s\", line %d%s%s", what, file, line,
               func ? ", function: " : "", func ? func : "");
}

/* ---- memory ---------- */

void *pages_system(void *p, size_t n, bool give)
{
    struct capp_pages_frame f = { .p = p, .n = n, .give = give };

    GATE(capp_pages, &f);
    return f.at;
}

/* For programs with an allocator of their own: nothing here uses it. It does not shrink. */
void *sbrk(ptrdiff_t n)
{
    static gort_mutex lock;
    static char *brk, *end;
    void *p = (void *)-1;

    gort_lock(&lock);
    if (!brk)
        brk = end = pages_system(NULL, HEAP_RANGE, false);
    size_t more = n > end - brk ? ((size_t)(n - (end - brk)) + 0xfffff) & ~0xffffful : 0;
    if (brk && n >= 0 && (size_t)n <= HEAP_RANGE && (!more || pages_system(end, more, false))) {
        p = brk;
        brk += n;
        end += more;
    }
    gort_unlock(&lock);
    if (p == (void *)-1)
        errno = ENOMEM;
    return p;
}

/* ---- locks ---------- */

struct __lock { gort_mutex m; uint64_t owner; uint32_t depth; };

#define LOCK(name) struct __lock __lock_##name;
LOCK(__sinit_recursive_mutex) LOCK(__sfp_recursive_mutex) LOCK(__atexit_recursive_mutex)
LOCK(__at_quick_exit_mutex) LOCK(__malloc_recursive_mutex) LOCK(__env_recursive_mutex)
LOCK(__tz_mutex) LOCK(__dd_hash_mutex) LOCK(__arc4random_mutex)

void __retarget_lock_init(_LOCK_T *l) { *l = calloc(1, sizeof **l); }
void __retarget_lock_init_recursive(_LOCK_T *l) { *l = calloc(1, sizeof **l); }
void __retarget_lock_close(_LOCK_T l) { free(l); }
void __retarget_lock_close_recursive(_LOCK_T l) { free(l); }
void __retarget_lock_acquire(_LOCK_T l) { gort_lock(&l->m); }
int __retarget_lock_try_acquire(_LOCK_T l) { return gort_try_lock(&l->m); }
void __retarget_lock_release(_LOCK_T l) { gort_unlock(&l->m); }

/* owner is written by the holder alone, so it is this goroutine's id only if we hold it. */
static bool again(_LOCK_T l)
{
    return __atomic_load_n(&l->owner, __ATOMIC_RELAXED) == gort_id() && ++l->depth;
}

static void own(_LOCK_T l)
{
    __atomic_store_n(&l->owner, gort_id(), __ATOMIC_RELAXED);
    l->depth = 1;
}

void __retarget_lock_acquire_recursive(_LOCK_T l)
{
    if (again(l))
        return;
    gort_lock(&l->m);
    own(l);
}

int __retarget_lock_try_acquire_recursive(_LOCK_T l)
{
    if (again(l))
        return 1;
    if (!gort_try_lock(&l->m))
        return 0;
    own(l);
    return 1;
}

void __retarget_lock_release_recursive(_LOCK_T l)
{
    if (--l->depth)
        return;
    __atomic_store_n(&l->owner, 0, __ATOMIC_RELAXED);
    gort_unlock(&l->m);
}
