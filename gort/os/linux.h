/* linux.h - numbers and layouts of Linux on x86-64 as Go programs use them.
 *
 * The C library's errno.h has other numbers for most of these, hence the prefix. Facts from
 * the man pages (errno(3), open(2), stat(2), getdents(2), statx(2)) and Go's package syscall. */
#ifndef GORT_OS_LINUX_H
#define GORT_OS_LINUX_H

#include <stdint.h>

enum {
    L_EPERM = 1, L_ENOENT = 2, L_ESRCH = 3, L_EINTR = 4, L_EIO = 5, L_ENXIO = 6, L_E2BIG = 7,
    L_EBADF = 9, L_ECHILD = 10, L_EAGAIN = 11, L_ENOMEM = 12, L_EACCES = 13, L_EFAULT = 14,
    L_EBUSY = 16, L_EEXIST = 17, L_EXDEV = 18, L_ENODEV = 19, L_ENOTDIR = 20, L_EISDIR = 21,
    L_EINVAL = 22, L_ENFILE = 23, L_EMFILE = 24, L_ENOTTY = 25, L_EFBIG = 27, L_ENOSPC = 28,
    L_ESPIPE = 29, L_EROFS = 30, L_EMLINK = 31, L_EPIPE = 32, L_ERANGE = 34,
    L_ENAMETOOLONG = 36, L_ENOSYS = 38, L_ENOTEMPTY = 39, L_ELOOP = 40, L_ENODATA = 61,
    L_EOVERFLOW = 75, L_ENOTSOCK = 88, L_ENOTSUP = 95, L_EAFNOSUPPORT = 97, L_ETIMEDOUT = 110,
};

#define L_S_IFMT   0170000u
#define L_S_IFSOCK 0140000u
#define L_S_IFLNK  0120000u
#define L_S_IFREG  0100000u
#define L_S_IFBLK  0060000u
#define L_S_IFDIR  0040000u
#define L_S_IFCHR  0020000u
#define L_S_IFIFO  0010000u
#define L_S_ISUID  04000u
#define L_S_ISGID  02000u

#define L_O_ACCMODE   03u
#define L_O_WRONLY    01u
#define L_O_RDWR      02u
#define L_O_CREAT     0100u
#define L_O_EXCL      0200u
#define L_O_NOCTTY    0400u
#define L_O_TRUNC     01000u
#define L_O_APPEND    02000u
#define L_O_NONBLOCK  04000u
#define L_O_DSYNC     010000u
#define L_O_DIRECT    040000u
#define L_O_LARGEFILE 0100000u
#define L_O_DIRECTORY 0200000u
#define L_O_NOFOLLOW  0400000u
#define L_O_NOATIME   01000000u
#define L_O_CLOEXEC   02000000u
#define L_O_SYNC      04010000u
#define L_O_PATH      010000000u
#define L_O_TMPFILE   020200000u

#define L_AT_FDCWD            (-100)
#define L_AT_SYMLINK_NOFOLLOW 0x100u
#define L_AT_EACCESS          0x200u
#define L_AT_REMOVEDIR        0x200u
#define L_AT_SYMLINK_FOLLOW   0x400u
#define L_AT_EMPTY_PATH       0x1000u

#define L_RENAME_NOREPLACE 1u
#define L_RENAME_EXCHANGE  2u

#define L_UTIME_NOW  0x3fffffff
#define L_UTIME_OMIT 0x3ffffffe

enum { L_SEEK_SET, L_SEEK_CUR, L_SEEK_END, L_SEEK_DATA, L_SEEK_HOLE };

#define L_PATH_MAX 4096u
#define L_NAME_MAX 255u
#define L_LINK_MAX 40u      /* symbolic links that one walk follows */

#define L_POLLIN   0x001u
#define L_POLLPRI  0x002u
#define L_POLLOUT  0x004u
#define L_POLLERR  0x008u
#define L_POLLHUP  0x010u
#define L_POLLNVAL 0x020u
#define L_POLLRDNORM 0x040u
#define L_POLLRDBAND 0x080u
#define L_POLLWRNORM 0x100u
#define L_POLLWRBAND 0x200u

enum { L_SIGHUP = 1, L_SIGINT = 2, L_SIGQUIT = 3, L_SIGABRT = 6, L_SIGKILL = 9, L_SIGPIPE = 13,
       L_SIGTERM = 15, L_SIGCHLD = 17, L_SIGCONT = 18, L_SIGSTOP = 19, L_SIGTSTP = 20,
       L_SIGTTIN = 21, L_SIGTTOU = 22, L_SIGURG = 23, L_SIGWINCH = 28, L_NSIG = 65 };

struct l_timespec { int64_t sec, nsec; };
struct l_timeval  { int64_t sec, usec; };
struct l_iovec    { uint64_t base, len; };
struct l_pollfd   { int32_t fd; int16_t events, revents; };
struct l_epoll_event { uint32_t events; uint64_t data; } __attribute__((packed));
struct l_itimerspec { struct l_timespec interval, value; };

struct l_stat {
    uint64_t dev, ino, nlink;
    uint32_t mode, uid, gid, pad0;
    uint64_t rdev;
    int64_t  size, blksize, blocks;
    struct l_timespec atim, mtim, ctim;
    int64_t  unused[3];
};
_Static_assert(sizeof(struct l_stat) == 144, "struct stat");

struct l_statx_time { int64_t sec; uint32_t nsec; int32_t pad; };
struct l_statx {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, pad0;
    uint64_t ino, size, blocks, attributes_mask;
    struct l_statx_time atime, btime, ctime, mtime;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t mnt_id;
    uint64_t spare[13];
};
_Static_assert(sizeof(struct l_statx) == 256, "struct statx");

struct l_statfs {
    int64_t  type, bsize;
    uint64_t blocks, bfree, bavail, files, ffree;
    int32_t  fsid[2];
    int64_t  namelen, frsize, flags, spare[4];
};
_Static_assert(sizeof(struct l_statfs) == 120, "struct statfs");

struct l_dirent { /* getdents64: reclen bytes each, name NUL-terminated */
    uint64_t ino;
    int64_t  off;
    uint16_t reclen;
    uint8_t  type;
    char     name[];
} __attribute__((packed));

struct l_utsname { char sysname[65], nodename[65], release[65], version[65], machine[65],
                        domainname[65]; };
struct l_rlimit { uint64_t cur, max; };
struct l_rusage { struct l_timeval utime, stime; int64_t rest[14]; };
struct l_sysinfo {
    int64_t  uptime;
    uint64_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    uint16_t procs, pad;
    uint32_t pad2;
    uint64_t totalhigh, freehigh;
    uint32_t unit, pad3;
};
_Static_assert(sizeof(struct l_sysinfo) == 112, "struct sysinfo");

#endif
