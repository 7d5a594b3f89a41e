/* sys.h - what the handlers of system calls share. */
#ifndef GORT_OS_SYS_H
#define GORT_OS_SYS_H

#include "arch/x86_64/cpu.h"
#include "gort/os/file.h"
#include "gort/os/fs/vfs.h"
#include "gort/os/user.h"
#include "gort/os/wait.h"

/* Every system call that is served: number, name. dispatch.c makes the table of it. */
#define SYSCALLS(X)                                                                          \
    X(0, read) X(1, write) X(2, open) X(3, close) X(4, stat) X(5, fstat) X(6, lstat)         \
    X(7, poll) X(8, lseek) X(9, mmap) X(10, mprotect) X(11, munmap) X(13, rt_sigaction)      \
    X(14, rt_sigprocmask) X(16, ioctl) X(17, pread64) X(18, pwrite64) X(19, readv)           \
    X(20, writev) X(21, access) X(22, pipe) X(23, select) X(24, sched_yield) X(25, mremap)   \
    X(26, msync) X(27, mincore) X(28, madvise) X(32, dup) X(33, dup2) X(35, nanosleep)       \
    X(36, getitimer) X(37, alarm) X(38, setitimer) X(39, getpid) X(40, sendfile) X(60, exit) \
    X(61, wait4) X(62, kill) X(63, uname) X(72, fcntl) X(73, flock) X(74, fsync)             \
    X(75, fdatasync) X(76, truncate) X(77, ftruncate) X(79, getcwd) X(80, chdir)             \
    X(81, fchdir) X(82, rename) X(83, mkdir) X(84, rmdir) X(85, creat) X(86, link)           \
    X(87, unlink) X(88, symlink) X(89, readlink) X(90, chmod) X(91, fchmod) X(92, chown)     \
    X(93, fchown) X(94, lchown) X(95, umask) X(96, gettimeofday) X(97, getrlimit)            \
    X(98, getrusage) X(99, sysinfo) X(100, times) X(102, getuid) X(104, getgid)              \
    X(105, setuid) X(106, setgid) X(107, geteuid) X(108, getegid) X(109, setpgid)            \
    X(110, getppid) X(111, getpgrp) X(112, setsid) X(113, setreuid) X(114, setregid)         \
    X(115, getgroups) X(116, setgroups) X(117, setresuid) X(118, getresuid) X(119, setresgid)\
    X(120, getresgid) X(121, getpgid) X(124, getsid) X(125, capget) X(127, rt_sigpending)    \
    X(128, rt_sigtimedwait) X(129, rt_sigqueueinfo) X(130, rt_sigsuspend) X(131, sigaltstack) \
    X(132, utime) X(133, mknod) X(137, statfs) X(138, fstatfs) X(140, getpriority)           \
    X(141, setpriority) X(143, sched_getparam) X(145, sched_getscheduler)                    \
    X(146, sched_get_priority_max) X(147, sched_get_priority_min) X(149, mlock)              \
    X(150, munlock) X(151, mlockall) X(152, munlockall) X(157, prctl) X(160, setrlimit)      \
    X(162, sync) X(186, gettid) X(187, readahead) X(200, tkill) X(201, time)                 \
    X(203, sched_setaffinity) X(204, sched_getaffinity) X(213, epoll_create)                 \
    X(217, getdents64) X(221, fadvise64) X(228, clock_gettime) X(229, clock_getres)          \
    X(230, clock_nanosleep) X(231, exit_group) X(232, epoll_wait) X(233, epoll_ctl)          \
    X(234, tgkill) X(235, utimes) X(247, waitid) X(253, inotify_init)                        \
    X(254, inotify_add_watch) X(255, inotify_rm_watch) X(257, openat) X(258, mkdirat)        \
    X(259, mknodat) X(260, fchownat) X(261, futimesat) X(262, newfstatat) X(263, unlinkat)   \
    X(264, renameat) X(265, linkat) X(266, symlinkat) X(267, readlinkat) X(268, fchmodat)    \
    X(269, faccessat) X(270, pselect6) X(271, ppoll) X(275, splice) X(277, sync_file_range)  \
    X(280, utimensat) X(281, epoll_pwait) X(282, signalfd) X(283, timerfd_create)            \
    X(284, eventfd) X(285, fallocate) X(286, timerfd_settime) X(287, timerfd_gettime)        \
    X(289, signalfd4) X(290, eventfd2) X(291, epoll_create1) X(292, dup3) X(293, pipe2)      \
    X(294, inotify_init1) X(295, preadv) X(296, pwritev) X(297, rt_tgsigqueueinfo)           \
    X(302, prlimit64) X(306, syncfs) X(309, getcpu) X(316, renameat2) X(318, getrandom)      \
    X(319, memfd_create) X(326, copy_file_range) X(327, preadv2) X(328, pwritev2)            \
    X(332, statx) X(436, close_range) X(439, faccessat2) X(441, epoll_pwait2)                \
    X(452, fchmodat2)

#define X(num, name) int64_t sys_##name(struct call *c);
SYSCALLS(X)
#undef X

#define RW_MAX 0x7ffff000ull /* bytes that one read or write moves at most, as on Linux */

#define CWD ((uint64_t)L_AT_FDCWD)

/* A (directory descriptor, path) pair of an *at call. */
struct atpath {
    struct inode *dir;   /* NULL: working directory, or the path is absolute */
    struct file *file;   /* holds dir */
    char path[L_PATH_MAX];
};
int at_get(const struct call *c, uint64_t fd, uint64_t path, struct atpath *a);
void at_put(struct atpath *a);
/* The inode that (fd, path) names, with a reference for the caller. WALK_* flags; 0 or -errno. */
int lookup_at(const struct call *c, uint64_t fd, uint64_t path, unsigned flags,
              struct inode **out);

/* The file of descriptor fd, kept in c->file until the call completes; NULL: -L_EBADF. */
struct file *call_file(struct call *c, uint64_t fd);

/* Runs system call num of gp, the calling goroutine: call_begin (wait.h) with its handler. */
void call_start(struct g *gp, void *frame, uint64_t num, const uint64_t a[6]);

/* read(2), or write(2), with arguments a, if it is over at once and needs no waiting: *r is its
 * result. False: nothing has happened, it goes by call_start. g0, no locks; calls that it has woken
 * wait for calls_run. */
bool io_at_once(struct g *gp, const uint64_t a[3], bool write, int64_t *r);
/* gp has written to a pipe or stream that nobody reads: SIGPIPE. g0, no locks. */
void io_broken(struct g *gp);

/* The process's name, NUL-terminated. */
void process_name(char out[16]);
/* Resource limit `which`, below 16. */
struct l_rlimit limit_of(uint64_t which);
/* May the program have `more` bytes of addresses, by RLIMIT_AS? */
bool limit_of_addresses(uint64_t more);

/* What read(2), write(2) and their kin have moved. */
struct io_count { uint64_t read_bytes, written_bytes, reads, writes; }; /* [owner] a CPU */
extern struct io_count io_counts[CPU_MAX];

/* Another room's handler for system call num. Boot. */
void os_call_add(uint64_t num, call_fn *fn);

#endif
