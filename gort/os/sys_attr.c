/* sys_attr.c - system calls that read or change the attributes of a file: stat, access, chmod,
 * chown, times, length. */
#include <string.h>
#include "gort/os/mem.h"
#include "gort/os/sys.h"
#include "mm/mm.h"

/* AT_* flags of a call as WALK_* flags. */
static unsigned follow_of(uint64_t flags)
{
    return (flags & L_AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
           (flags & L_AT_EMPTY_PATH ? WALK_EMPTY : 0);
}

/* ---- stat ---------------------------------------------------------------------------- */

static int64_t stat_at(struct call *c, uint64_t fd, uint64_t path, uint64_t out, uint64_t flags)
{
    struct l_stat st;
    struct inode *n;
    int err = lookup_at(c, fd, path, follow_of(flags), &n);

    if (err)
        return err;
    inode_stat(n, &st);
    inode_put(n);
    return copy_out(c, out, &st, sizeof st);
}

int64_t sys_stat(struct call *c) { return stat_at(c, CWD, c->a[0], c->a[1], 0); }
int64_t sys_lstat(struct call *c)
{
    return stat_at(c, CWD, c->a[0], c->a[1], L_AT_SYMLINK_NOFOLLOW);
}
int64_t sys_newfstatat(struct call *c) { return stat_at(c, c->a[0], c->a[1], c->a[2], c->a[3]); }

int64_t sys_fstat(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);
    struct l_stat st;

    if (!f)
        return -L_EBADF;
    inode_stat(f->inode, &st);
    return copy_out(c, c->a[1], &st, sizeof st);
}

#define STATX_BASIC_AND_BTIME 0xfffu

static struct l_statx_time statx_time(struct l_timespec t)
{
    return (struct l_statx_time){t.sec, (uint32_t)t.nsec, 0};
}

static void statx_fill(struct l_statx *x, struct inode *n)
{
    struct l_stat st;

    inode_stat(n, &st);
    memset(x, 0, sizeof *x);
    x->mask = STATX_BASIC_AND_BTIME;
    x->blksize = (uint32_t)st.blksize;
    x->nlink = (uint32_t)st.nlink;
    x->uid = st.uid;
    x->gid = st.gid;
    x->mode = (uint16_t)st.mode;
    x->ino = st.ino;
    x->size = (uint64_t)st.size;
    x->blocks = (uint64_t)st.blocks;
    x->atime = statx_time(st.atim);
    x->mtime = statx_time(st.mtim);
    x->ctime = statx_time(st.ctim);
    x->btime = (struct l_statx_time){n->btime.sec, n->btime.nsec, 0};
    x->rdev_major = (uint32_t)(st.rdev >> 8);
    x->rdev_minor = st.rdev & 0xff;
    x->dev_minor = (uint32_t)st.dev;
}

int64_t sys_statx(struct call *c)
{
    struct l_statx x;
    struct inode *n;
    int err = lookup_at(c, c->a[0], c->a[1], follow_of(c->a[2]), &n);

    if (err)
        return err;
    statx_fill(&x, n);
    inode_put(n);
    return copy_out(c, c->a[4], &x, sizeof x);
}

static int64_t statfs_out(struct call *c, uint64_t out)
{
    struct mm_stats mm;

    mm_stats_read(&mm);
    uint64_t blocks = mm.ram_bytes / OS_PAGE, free = mm.free_bytes / OS_PAGE;
    struct l_statfs s = {
        .type = 0x01021994, /* tmpfs */
        .bsize = OS_PAGE, .frsize = OS_PAGE, .namelen = L_NAME_MAX,
        .blocks = blocks, .bfree = free, .bavail = free, .files = blocks, .ffree = free,
    };
    return copy_out(c, out, &s, sizeof s);
}

int64_t sys_statfs(struct call *c)
{
    struct inode *n;
    int err = lookup_at(c, CWD, c->a[0], WALK_FOLLOW, &n);

    if (err)
        return err;
    inode_put(n);
    return statfs_out(c, c->a[1]);
}

int64_t sys_fstatfs(struct call *c)
{
    return call_file(c, c->a[0]) ? statfs_out(c, c->a[1]) : -L_EBADF;
}

/* ---- access -------------------------------------------------------------------------- */

static int64_t access_at(struct call *c, uint64_t fd, uint64_t path, uint64_t mode, uint64_t flags)
{
    struct inode *n;
    int err;

    if (flags & ~(uint64_t)(L_AT_EACCESS | L_AT_SYMLINK_NOFOLLOW | L_AT_EMPTY_PATH) || mode & ~7ull)
        return -L_EINVAL;
    err = lookup_at(c, fd, path, follow_of(flags), &n);
    if (err)
        return err;
    err = vfs_access(n, (unsigned)mode);
    inode_put(n);
    return err;
}

int64_t sys_access(struct call *c) { return access_at(c, CWD, c->a[0], c->a[1], 0); }
int64_t sys_faccessat(struct call *c) { return access_at(c, c->a[0], c->a[1], c->a[2], 0); }
int64_t sys_faccessat2(struct call *c)
{
    return access_at(c, c->a[0], c->a[1], c->a[2], c->a[3]);
}

/* ---- attributes ---------------------------------------------------------------------- */

static int64_t chmod_at(struct call *c, uint64_t fd, uint64_t path, uint64_t mode, uint64_t flags)
{
    struct inode *n;
    int err = lookup_at(c, fd, path, follow_of(flags), &n);

    if (err)
        return err;
    err = vfs_chmod(n, (uint32_t)mode);
    inode_put(n);
    return err;
}

int64_t sys_chmod(struct call *c) { return chmod_at(c, CWD, c->a[0], c->a[1], 0); }
int64_t sys_fchmodat(struct call *c) { return chmod_at(c, c->a[0], c->a[1], c->a[2], 0); }
int64_t sys_fchmodat2(struct call *c)
{
    return chmod_at(c, c->a[0], c->a[1], c->a[2], c->a[3]);
}
int64_t sys_fchmod(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);

    return f && !(f->flags & L_O_PATH) ? vfs_chmod(f->inode, (uint32_t)c->a[1]) : -L_EBADF;
}

static int64_t chown_at(struct call *c, uint64_t fd, uint64_t path, uint64_t uid, uint64_t gid,
                        uint64_t flags)
{
    struct inode *n;
    int err = lookup_at(c, fd, path, follow_of(flags), &n);

    if (err)
        return err;
    err = vfs_chown(n, (uint32_t)uid, (uint32_t)gid);
    inode_put(n);
    return err;
}

int64_t sys_chown(struct call *c) { return chown_at(c, CWD, c->a[0], c->a[1], c->a[2], 0); }
int64_t sys_lchown(struct call *c)
{
    return chown_at(c, CWD, c->a[0], c->a[1], c->a[2], L_AT_SYMLINK_NOFOLLOW);
}
int64_t sys_fchownat(struct call *c)
{
    return chown_at(c, c->a[0], c->a[1], c->a[2], c->a[3], c->a[4]);
}
int64_t sys_fchown(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);

    return f ? vfs_chown(f->inode, (uint32_t)c->a[1], (uint32_t)c->a[2]) : -L_EBADF;
}

static int64_t utimens_at(struct call *c, uint64_t fd, uint64_t path,
                          const struct l_timespec *t, uint64_t flags)
{
    struct inode *n;
    int err;

    if (!path) { /* futimens */
        struct file *f = call_file(c, fd);
        return f ? vfs_utimens(f->inode, t) : -L_EBADF;
    }
    err = lookup_at(c, fd, path, follow_of(flags), &n);
    if (err)
        return err;
    err = vfs_utimens(n, t);
    inode_put(n);
    return err;
}

int64_t sys_utimensat(struct call *c)
{
    struct l_timespec t[2];

    if (c->a[2] && copy_in(c, t, c->a[2], sizeof t))
        return -L_EFAULT;
    return utimens_at(c, c->a[0], c->a[1], c->a[2] ? t : NULL, c->a[3]);
}

static int64_t utimes_at(struct call *c, uint64_t fd, uint64_t path, uint64_t times)
{
    struct l_timeval tv[2];
    struct l_timespec t[2];

    if (!times)
        return utimens_at(c, fd, path, NULL, 0);
    if (copy_in(c, tv, times, sizeof tv))
        return -L_EFAULT;
    for (int i = 0; i < 2; i++) {
        if (tv[i].usec < 0 || tv[i].usec > 999999)
            return -L_EINVAL;
        t[i] = (struct l_timespec){tv[i].sec, tv[i].usec * 1000};
    }
    return utimens_at(c, fd, path, t, 0);
}

int64_t sys_utimes(struct call *c) { return utimes_at(c, CWD, c->a[0], c->a[1]); }
int64_t sys_futimesat(struct call *c) { return utimes_at(c, c->a[0], c->a[1], c->a[2]); }

int64_t sys_truncate(struct call *c)
{
    struct inode *n;

    if ((int64_t)c->a[1] < 0)
        return -L_EINVAL;
    int err = lookup_at(c, CWD, c->a[0], WALK_FOLLOW, &n);
    if (err)
        return err;
    err = vfs_truncate(n, (int64_t)c->a[1]);
    inode_put(n);
    return err;
}
