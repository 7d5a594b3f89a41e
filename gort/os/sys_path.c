/* sys_path.c - (directory, path) pairs of system calls, and the calls that make, link, rename and
 * remove names. */
#include "gort/os/mem.h"
#include "gort/os/sys.h"

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

int lookup_at(const struct call *c, uint64_t fd, uint64_t path, unsigned flags,
              struct inode **out)
{
    struct atpath a;
    int err = at_get(c, fd, path, &a);

    if (!err)
        err = vfs_lookup(a.dir, a.path, flags, out);
    at_put(&a);
    return err;
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
