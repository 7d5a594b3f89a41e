/* sys_dir.c - system calls about directories: their names, the working directory, umask. */
#include "gort/os/fs/notify.h"
#include "gort/os/mem.h"
#include "gort/os/sys.h"

/* Names are collected in a buffer of the kernel's, up to GETDENTS_MAX bytes: a call may return
 * fewer names than fit. */
enum { GETDENTS_MAX = 16 << 10 };

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
