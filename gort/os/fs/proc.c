/* proc.c - /proc: the files that Go programs read. */
#include <stdio.h>
#include <string.h>
#include "gort/g.h"
#include "gort/os/cputime.h"
#include "gort/os/file.h"
#include "gort/os/mem.h"
#include "gort/os/fs/nodes.h"
#include "gort/os/fs/pty.h"
#include "gort/load/bundle.h"
#include "gort/load/refuse.h"
#include "kernel/clock.h"
#include "mm/mm.h"

static const struct bundle *boot; /* [const after boot] */

/* ---- texts --------------------------------------------------------------------------- */

static void uptime_text(struct outbuf *o)
{
    unsigned long long cs = (unsigned long long)clock_mono_ns() / 10000000, idle = 0;

    for (unsigned i = 0; i < ncpu; i++)
        idle += (unsigned long long)cputime_idle(i) / 10000000;
    out_printf(o, "%llu.%02llu %llu.%02llu\n", cs / 100, cs % 100, idle / 100, idle % 100);
}

static void strings_text(struct outbuf *o, const struct bundle_strings *l)
{
    if (l->first)
        out_bytes(o, l->first, l->bytes);
}

static void cmdline_text(struct outbuf *o) { strings_text(o, &boot->args); }
static void environ_text(struct outbuf *o) { strings_text(o, &boot->env); }
static void cgroup_text(struct outbuf *o) { out_printf(o, "0::/\n"); }
static void somaxconn_text(struct outbuf *o) { out_printf(o, "4096\n"); }
static void overcommit_text(struct outbuf *o) { out_printf(o, "0\n"); }
static void hostname_text(struct outbuf *o) { out_printf(o, "gort\n"); }
static void osrelease_text(struct outbuf *o) { out_printf(o, "6.1.0-gort\n"); }
static void ostype_text(struct outbuf *o) { out_printf(o, "Linux\n"); }
static void pid_max_text(struct outbuf *o) { out_printf(o, "32768\n"); }
static void mountinfo_text(struct outbuf *o)
{
    out_printf(o, "1 0 0:1 / / rw - tmpfs tmpfs rw\n2 1 0:2 / /proc rw - proc proc rw\n"
               "3 1 0:2 / /sys ro - sysfs sysfs ro\n4 1 0:1 / /dev/shm rw - tmpfs tmpfs rw\n");
}
static void mounts_text(struct outbuf *o)
{
    out_printf(o, "tmpfs / tmpfs rw 0 0\nproc /proc proc rw 0 0\nsysfs /sys sysfs ro 0 0\n"
               "tmpfs /dev/shm tmpfs rw 0 0\n");
}

/* ---- /proc/self/fd -------------------------------------------------------------------- */

static int64_t exe_target(struct inode *n, char *buf, size_t cap, struct inode **jump)
{
    (void)n;
    (void)cap;
    (void)jump;
    memcpy(buf, "/init", 5);
    return 5;
}

static int64_t cwd_target(struct inode *n, char *buf, size_t cap, struct inode **jump)
{
    (void)n;
    *jump = vfs.cwd;
    inode_get(vfs.cwd);
    size_t len = inode_path_locked(vfs.cwd, buf, cap);
    return len ? (int64_t)len : -L_ENAMETOOLONG;
}

static int64_t fd_target(struct inode *n, char *buf, size_t cap, struct inode **jump)
{
    const char *anon;
    struct inode *to = fd_inode((int64_t)n->extra, &anon);
    int64_t len;

    if (!to)
        return -L_ENOENT;
    *jump = to;
    if (anon)
        len = snprintf(buf, cap, "anon_inode:%s", anon);
    else if (!to->ops && inode_is(to, L_S_IFIFO) && !to->named)
        len = snprintf(buf, cap, "pipe:[%llu]", (unsigned long long)to->ino);
    else if (inode_is(to, L_S_IFCHR) && !to->named)
        len = snprintf(buf, cap, "/dev/pts/%d (deleted)", pty_of_inode(to));
    else if (to->ops && !to->named)
        len = snprintf(buf, cap, "%s:[%llu]", inode_is(to, L_S_IFSOCK) ? "socket" : "pipe",
                       (unsigned long long)to->ino);
    else if (!to->named && to != vfs.root)
        len = snprintf(buf, cap, "/#%llu (deleted)", (unsigned long long)to->ino);
    else
        len = (int64_t)inode_path_locked(to, buf, cap);
    return len;
}

static int64_t thread_target(struct inode *n, char *buf, size_t cap, struct inode **jump)
{
    (void)n, (void)jump;
    return snprintf(buf, cap, "1/task/%u", cpu_self()->id + 1);
}

static const struct node_ops thread_ops = {.target = thread_target};
static const struct node_ops exe_ops = {.target = exe_target};
static const struct node_ops cwd_ops = {.target = cwd_target};
static const struct node_ops fd_link_ops = {.target = fd_target};

/* vfs.lock held. */
static struct inode *fd_lookup(const char *name, size_t len)
{
    int64_t fd = 0;

    for (size_t i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9' || i > 6)
            return NULL;
        fd = fd * 10 + (name[i] - '0');
    }
    if (fd_cloexec(fd, -1) < 0)
        return NULL;
    struct inode *n = inode_new(L_S_IFLNK | 0700);
    if (n) {
        n->synthetic = true;
        n->ops = &fd_link_ops;
        n->nlink = 1;
        n->extra = (uintptr_t)fd;
    }
    return n;
}

/* Position 2 + fd is in front of fd, so that position 2, behind "..", is in front of 0. */
static bool fd_list(uint64_t *pos, char *name, uint64_t *ino, uint8_t *type)
{
    int64_t fd = (int64_t)*pos - 2;

    if (!fd_next(&fd))
        return false;
    snprintf(name, 32, "%lld", (long long)fd);
    *ino = 1000000 + (uint64_t)fd;
    *type = L_S_IFLNK >> 12;
    *pos = (uint64_t)fd + 3;
    return true;
}

static const struct node_ops fd_dir_ops = {.lookup = fd_lookup, .list = fd_list};

/* ---- the tree ------------------------------------------------------------------------- */

#define TEXT(n) static const struct node_ops n##_ops = {.text = n##_text}
TEXT(maps); TEXT(smaps); TEXT(smaps_rollup);
TEXT(uptime); TEXT(cmdline); TEXT(environ); TEXT(cgroup); TEXT(somaxconn);
TEXT(overcommit); TEXT(hostname); TEXT(osrelease); TEXT(ostype); TEXT(pid_max);
TEXT(mountinfo); TEXT(mounts);

static const struct { const char *dir, *name; const struct node_ops *ops; } files[] = {
    {"proc", "uptime", &uptime_ops}, {"proc", "mounts", &mounts_ops},
    {"proc/1", "maps", &maps_ops}, {"proc/1", "smaps", &smaps_ops},
    {"proc/1", "smaps_rollup", &smaps_rollup_ops},
    {"proc/1", "cmdline", &cmdline_ops}, {"proc/1", "environ", &environ_ops},
    {"proc/1", "cgroup", &cgroup_ops}, {"proc/1", "mountinfo", &mountinfo_ops},
    {"proc/1", "mounts", &mounts_ops},
    {"proc/sys/net/core", "somaxconn", &somaxconn_ops},
    {"proc/sys/vm", "overcommit_memory", &overcommit_ops},
    {"proc/sys/kernel", "hostname", &hostname_ops},
    {"proc/sys/kernel", "osrelease", &osrelease_ops}, {"proc/sys/kernel", "ostype", &ostype_ops},
    {"proc/sys/kernel", "pid_max", &pid_max_ops},
};

static void proc_dirs_are_synthetic(void)
{
    static const char *const dirs[] = {"proc/1", "proc/1/task", "proc/1/ns", "proc/sys/net/core"};

    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
        struct inode *n = vfs_mkdirs(dirs[i], strlen(dirs[i]));
        if (!n)
            boot_refuse("/%s is not a directory in the bundle", dirs[i]);
        n->mode = L_S_IFDIR | 0555;
        n->synthetic = true;
    }
}

void proc_init(const struct bundle *b)
{
    boot = b;
    procmaps_init(b);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct inode *dir = vfs_mkdirs(files[i].dir, strlen(files[i].dir));
        if (!dir)
            boot_refuse("/%s is not a directory in the bundle", files[i].dir);
        vfs_synthetic(dir, files[i].name, L_S_IFREG | 0444, files[i].ops);
    }
    if (vfs_mknod(NULL, "/proc/self", 0, "1"))
        boot_refuse("cannot make /proc/self: the bundle has a file of that name");
    vfs_synthetic(vfs_mkdirs("proc", 4), "thread-self", L_S_IFLNK | 0777, &thread_ops);
    struct inode *self = vfs_mkdirs("proc/1", 6);
    vfs_synthetic(self, "exe", L_S_IFLNK | 0777, &exe_ops);
    vfs_synthetic(self, "cwd", L_S_IFLNK | 0777, &cwd_ops);
    vfs_synthetic(self, "fd", L_S_IFDIR | 0500, &fd_dir_ops);
    procself_init(self);
    procsys_init();
    proc_dirs_are_synthetic();
}
