/* sys_path.c - system calls that name files. */
#include <string.h>
#include "gort/os/fs/notify.h"
#include "gort/os/mem.h"
#include "gort/os/sys.h"
#include "mm/mm.h"

#define CWD ((uint64_t)L_AT_FDCWD)

int at_get(const struct call *c, uint64_t fd, uint64_t path, struct atpath *a)
{
    a->dir = NULL;
    a->file = NULL;
    int err = copy_str(c, path, a->path);
    if (err || a->path[0] == '/' || (int32_t)fd == L_AT_FDCWD)
        return err;
    a->file = fd_get((int32_t)fd);
    if (!a->file)
        return -L_EBADF;
    a->dir = a->file->inode;
    return a->path[0] && !inode_is(a->dir, L_S_IFDIR) ? -L_ENOTDIR : 0;
}

void at_put(struct atpath *a)
{
    if (a->file)
        file_put(a->file);
}

static int lookup_at(struct call *c, uint64_t fd, uint64_t path, unsigned flags,
                     struct inode **out)
{
    struct atpath a;
    int err = at_get(c, fd, path, &a);

    if (!err)
        err = vfs_lookup(a.dir, a.path, flags, out);
    at_put(&a);
    return err;
}

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

/* ---- names --------------------------------------------------------------------------- */

static int64_t mknod_at(struct call *c, uint64_t fd, uint64_t path, uint32_t mode)
{
    struct atpath a;
    int64_t err = at_get(c, fd, path, &a);

    if (!err)
        err = vfs_mknod(a.dir, a.path, mode, NULL);
    at_put(&a);
    return err;
}

static int64_t mknod_checked(struct call *c, uint64_t fd, uint64_t path, uint32_t mode)
{
    uint32_t type = mode & L_S_IFMT;

    if (type == 0)
        mode |= L_S_IFREG;
    else if (type == L_S_IFCHR || type == L_S_IFBLK || type == L_S_IFDIR)
        return -L_EPERM;
    else if (type != L_S_IFREG && type != L_S_IFIFO && type != L_S_IFSOCK)
        return -L_EINVAL;
    return mknod_at(c, fd, path, mode);
}

static uint32_t dir_mode(uint64_t mode) { return L_S_IFDIR | ((uint32_t)mode & 01777); }

int64_t sys_mkdir(struct call *c) { return mknod_at(c, CWD, c->a[0], dir_mode(c->a[1])); }
int64_t sys_mkdirat(struct call *c) { return mknod_at(c, c->a[0], c->a[1], dir_mode(c->a[2])); }
int64_t sys_mknod(struct call *c) { return mknod_checked(c, CWD, c->a[0], (uint32_t)c->a[1]); }
int64_t sys_mknodat(struct call *c)
{
    return mknod_checked(c, c->a[0], c->a[1], (uint32_t)c->a[2]);
}

static int64_t unlink_at(struct call *c, uint64_t fd, uint64_t path, bool dir)
{
    struct atpath a;
    int64_t err = at_get(c, fd, path, &a);

    if (!err)
        err = vfs_unlink(a.dir, a.path, dir);
    at_put(&a);
    return err;
}

int64_t sys_unlink(struct call *c) { return unlink_at(c, CWD, c->a[0], false); }
int64_t sys_rmdir(struct call *c) { return unlink_at(c, CWD, c->a[0], true); }
int64_t sys_unlinkat(struct call *c)
{
    if (c->a[2] & ~(uint64_t)L_AT_REMOVEDIR)
        return -L_EINVAL;
    return unlink_at(c, c->a[0], c->a[1], c->a[2] & L_AT_REMOVEDIR);
}

static int64_t symlink_at(struct call *c, uint64_t target, uint64_t fd, uint64_t path)
{
    struct atpath a;
    char *text = os_alloc_last(L_PATH_MAX);
    int64_t err = !text ? -L_ENOMEM : copy_str(c, target, text);

    if (!err) {
        err = at_get(c, fd, path, &a);
        if (!err)
            err = vfs_mknod(a.dir, a.path, 0, text);
        at_put(&a);
    }
    os_free(text, L_PATH_MAX);
    return err;
}

int64_t sys_symlink(struct call *c) { return symlink_at(c, c->a[0], CWD, c->a[1]); }
int64_t sys_symlinkat(struct call *c) { return symlink_at(c, c->a[0], c->a[1], c->a[2]); }

static int64_t readlink_at(struct call *c, uint64_t fd, uint64_t path, uint64_t out, uint64_t cap)
{
    struct atpath a;

    if ((int32_t)cap <= 0)
        return -L_EINVAL;
    char *text = os_alloc_last(L_PATH_MAX);
    if (!text)
        return -L_ENOMEM;
    int64_t r = at_get(c, fd, path, &a);
    if (!r)
        r = vfs_readlink(a.dir, a.path, text, cap < L_PATH_MAX ? cap : L_PATH_MAX);
    at_put(&a);
    if (r > 0 && copy_out(c, out, text, (size_t)r))
        r = -L_EFAULT;
    os_free(text, L_PATH_MAX);
    return r;
}

int64_t sys_readlink(struct call *c)
{
    return readlink_at(c, CWD, c->a[0], c->a[1], c->a[2]);
}
int64_t sys_readlinkat(struct call *c)
{
    return readlink_at(c, c->a[0], c->a[1], c->a[2], c->a[3]);
}

/* link and rename: two (descriptor, path) pairs, allocated, since they are too large for a
 * frame on g0. */
static int64_t two_paths(struct call *c, uint64_t fd1, uint64_t path1, uint64_t fd2,
                         uint64_t path2, bool link, unsigned flags)
{
    struct atpath *a = os_alloc_last(2 * sizeof *a);
    int64_t err;

    if (!a)
        return -L_ENOMEM;
    err = at_get(c, fd1, path1, &a[0]);
    if (!err)
        err = at_get(c, fd2, path2, &a[1]);
    if (!err)
        err = link ? vfs_link(a[0].dir, a[0].path, a[1].dir, a[1].path, flags)
                   : vfs_rename(a[0].dir, a[0].path, a[1].dir, a[1].path, flags);
    at_put(&a[0]);
    at_put(&a[1]);
    os_free(a, 2 * sizeof *a);
    return err;
}

int64_t sys_link(struct call *c) { return two_paths(c, CWD, c->a[0], CWD, c->a[1], true, 0); }
int64_t sys_linkat(struct call *c)
{
    uint64_t fl = c->a[4];

    if (fl & ~(uint64_t)(L_AT_SYMLINK_FOLLOW | L_AT_EMPTY_PATH))
        return -L_EINVAL;
    return two_paths(c, c->a[0], c->a[1], c->a[2], c->a[3], true,
                     (fl & L_AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) |
                         (fl & L_AT_EMPTY_PATH ? WALK_EMPTY : 0));
}
int64_t sys_rename(struct call *c) { return two_paths(c, CWD, c->a[0], CWD, c->a[1], false, 0); }
int64_t sys_renameat(struct call *c)
{
    return two_paths(c, c->a[0], c->a[1], c->a[2], c->a[3], false, 0);
}
int64_t sys_renameat2(struct call *c)
{
    return two_paths(c, c->a[0], c->a[1], c->a[2], c->a[3], false, (unsigned)c->a[4]);
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

/* ---- directories --------------------------------------------------------------------- */

/* Names are collected in a buffer of the kernel's, up to GETDENTS_MAX bytes: a call may return
 * fewer names than fit. */
enum { GETDENTS_MAX = 32 << 10 };

int64_t sys_getdents64(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);
    size_t cap = (uint32_t)c->a[2] < GETDENTS_MAX ? (uint32_t)c->a[2] : GETDENTS_MAX;

    if (!f || f->flags & L_O_PATH)
        return -L_EBADF;
    char *names = os_alloc_last(cap ? cap : 1);
    if (!names)
        return -L_ENOMEM;
    uint64_t pos = (uint64_t)f->pos;
    int64_t r = vfs_getdents(f->inode, &pos, names, cap);
    if (r >= 0)
        notify_file(f->inode, NOTIFY_ACCESS);
    if (r > 0 && copy_out(c, c->a[1], names, (size_t)r))
        r = -L_EFAULT;
    else
        __atomic_store_n(&f->pos, (int64_t)pos, __ATOMIC_RELAXED);
    os_free(names, cap ? cap : 1);
    return r;
}

int64_t sys_getcwd(struct call *c)
{
    char *buf = os_alloc_last(L_PATH_MAX);
    if (!buf)
        return -L_ENOMEM;
    lock(&vfs.lock);
    bool gone = vfs.cwd->nlink == 0;
    size_t len = inode_path_locked(vfs.cwd, buf, L_PATH_MAX);
    unlock(&vfs.lock);
    int64_t r = (int64_t)len + 1;
    if (gone)
        r = -L_ENOENT;
    else if (!len)
        r = -L_ENAMETOOLONG;
    else if (len + 1 > c->a[1])
        r = -L_ERANGE;
    if (r > 0 && copy_out(c, c->a[0], buf, len + 1))
        r = -L_EFAULT;
    os_free(buf, L_PATH_MAX);
    return r;
}

/* Makes n the working directory; the caller's reference goes to it. */
static int64_t cwd_set(struct inode *n)
{
    if (!inode_is(n, L_S_IFDIR)) {
        inode_put(n);
        return -L_ENOTDIR;
    }
    lock(&vfs.lock);
    struct inode *old = vfs.cwd;
    vfs.cwd = n;
    unlock(&vfs.lock);
    inode_put(old);
    return 0;
}

int64_t sys_chdir(struct call *c)
{
    struct inode *n;
    int err = lookup_at(c, CWD, c->a[0], WALK_FOLLOW, &n);

    return err ? err : cwd_set(n);
}

int64_t sys_fchdir(struct call *c)
{
    struct file *f = call_file(c, c->a[0]);

    if (!f)
        return -L_EBADF;
    inode_get(f->inode);
    return cwd_set(f->inode);
}

int64_t sys_umask(struct call *c)
{
    lock(&vfs.lock);
    uint32_t old = vfs.umask;
    vfs.umask = (uint32_t)c->a[0] & 0777;
    unlock(&vfs.lock);
    return old;
}
