/* ops.c - what open(2), link(2), rename(2), unlink(2), ... do to the tree.
 *
 * The order of the checks decides which error a program sees when several apply: it is that
 * of Linux, and tests/host/test_vfs.c compares the two. */
#include <string.h>
#include "gort/os/mem.h"
#include "gort/os/mmap.h"
#include "gort/os/fs/memfd.h"
#include "gort/os/fs/notify.h"
#include "gort/os/fs/vfs.h"
#include "gort/load/refuse.h"

/* May a name be made in w->dir? 0 or the error. */
static int may_create(const struct walk *w)
{
    if (w->dir->nlink == 0)
        return -L_ENOENT;
    return w->dir->synthetic ? -L_EACCES : 0;
}

static int attach(struct walk *w, struct inode *n)
{
    int err = dentry_add(w->dir, w->name, w->name_len, n);

    if (!err) {
        dir_touch(w->dir);
        notify_name(w->dir, w->name, w->name_len, n, NOTIFY_CREATE, 0);
    }
    return err;
}

static int create_locked(struct walk *w, uint32_t mode, struct open_result *out)
{
    int err = may_create(w);
    if (err)
        return err;
    struct inode *n = inode_new(L_S_IFREG | (mode & 07777 & ~vfs.umask));
    if (!n)
        return -L_ENOSPC;
    err = attach(w, n);
    if (err) {
        inode_put_locked(n);
        return err;
    }
    *out = (struct open_result){n, true};
    return 0;
}

static int tmpfile_locked(struct walk *w, uint32_t mode, struct open_result *out)
{
    if (!inode_is(w->inode, L_S_IFDIR))
        return -L_ENOTDIR;
    struct inode *n = inode_new(L_S_IFREG | (mode & 07777 & ~vfs.umask));
    if (!n)
        return -L_ENOSPC;
    *out = (struct open_result){n, true};
    return 0;
}

static int open_existing_locked(struct inode *n, uint32_t flags)
{
    bool writes = flags & (L_O_ACCMODE | L_O_TRUNC);

    if (inode_is(n, L_S_IFLNK) && !(flags & L_O_PATH))
        return flags & L_O_DIRECTORY ? -L_ENOTDIR : -L_ELOOP;
    if (flags & L_O_DIRECTORY && !inode_is(n, L_S_IFDIR))
        return -L_ENOTDIR;
    if (flags & L_O_PATH)
        return 0;
    if (inode_is(n, L_S_IFDIR) && (writes || flags & L_O_CREAT))
        return -L_EISDIR;
    if (inode_is(n, L_S_IFSOCK))
        return -L_ENXIO;
    if (flags & L_O_TRUNC && inode_is(n, L_S_IFREG) && !n->ops) {
        mmap_truncate(n, 0);
        n->mtime = n->ctime = vfs_now();
    }
    return 0;
}

static int open_locked(struct walk *w, uint32_t flags, uint32_t mode, struct open_result *out)
{
    if (flags & L_O_CREAT && w->slash && w->last == LAST_NAME)
        return -L_EISDIR;
    if ((flags & L_O_TMPFILE) == L_O_TMPFILE && w->inode)
        return tmpfile_locked(w, mode, out);
    if (!w->inode)
        return flags & L_O_CREAT ? create_locked(w, mode, out) : -L_ENOENT;
    if (flags & L_O_CREAT && flags & L_O_EXCL)
        return -L_EEXIST;
    int err = open_existing_locked(w->inode, flags);
    if (err)
        return err;
    inode_get(w->inode);
    *out = (struct open_result){w->inode, false};
    return 0;
}

int vfs_open(struct inode *at, const char *path, uint32_t flags, uint32_t mode,
             struct open_result *out)
{
    struct walk w;
    bool excl = (flags & (L_O_CREAT | L_O_EXCL)) == (L_O_CREAT | L_O_EXCL);
    unsigned how = (excl || flags & L_O_NOFOLLOW ? 0 : WALK_FOLLOW) |
                   (flags & L_O_CREAT ? WALK_PARENT : 0);

    if ((flags & L_O_TMPFILE) == L_O_TMPFILE && !(flags & L_O_ACCMODE))
        return -L_EINVAL;
    lock(&vfs.lock);
    int err = walk(at, path, how, &w);
    if (!err)
        err = open_locked(&w, flags, mode, out);
    walk_end(&w);
    unlock(&vfs.lock);
    return err;
}

/* A directory, symbolic link (target), pipe, socket node or empty file. */
static int mknod_locked(struct walk *w, uint32_t mode, const char *target)
{
    if (w->inode || w->last != LAST_NAME)
        return -L_EEXIST;
    if (w->slash && (mode & L_S_IFMT) != L_S_IFDIR)
        return -L_ENOENT;
    int err = may_create(w);
    if (err)
        return err;
    struct inode *n = inode_new(target ? L_S_IFLNK | 0777 : mode & ~vfs.umask);
    if (!n)
        return -L_ENOSPC;
    if (target) {
        n->link.len = (uint32_t)strlen(target);
        n->link.target = os_alloc_file(n->link.len + 1);
        if (n->link.target)
            memcpy(n->link.target, target, n->link.len);
        else
            err = -L_ENOSPC;
    }
    if (!err)
        err = attach(w, n);
    inode_put_locked(n); /* n now lives by its name; without one, it is freed here */
    return err;
}

int vfs_mknod(struct inode *at, const char *path, uint32_t mode, const char *target)
{
    struct walk w;

    if (target && !*target)
        return -L_ENOENT;
    lock(&vfs.lock);
    int err = walk(at, path, WALK_PARENT, &w);
    if (!err)
        err = mknod_locked(&w, mode, target);
    walk_end(&w);
    unlock(&vfs.lock);
    return err;
}

static int link_locked(struct inode *n, struct walk *w)
{
    if (w->inode || w->last != LAST_NAME)
        return -L_EEXIST;
    if (w->slash)
        return -L_ENOENT;
    int err = may_create(w);
    if (err)
        return err;
    if (n->synthetic)
        return -L_EXDEV;
    if (inode_is(n, L_S_IFDIR))
        return -L_EPERM;
    notify_self(n, NOTIFY_ATTRIB); /* first, though only now it is known that there is memory */
    struct dentry *first = n->named;
    err = attach(w, n);
    if (err)
        return err;
    n->named = first ? first : n->named;
    n->ctime = vfs_now();
    return 0;
}

int vfs_link(struct inode *oldat, const char *old, struct inode *newat, const char *new,
             unsigned flags)
{
    struct walk o, w;

    lock(&vfs.lock);
    int err = walk(oldat, old, flags, &o);
    if (!err && !o.inode)
        err = -L_ENOENT;
    if (!err) {
        err = walk(newat, new, WALK_PARENT, &w);
        if (!err)
            err = link_locked(o.inode, &w);
        walk_end(&w);
    }
    walk_end(&o);
    unlock(&vfs.lock);
    return err;
}

static int rmdir_check(const struct walk *w)
{
    if (w->last == LAST_DOT)
        return -L_EINVAL;
    if (w->last == LAST_DOTDOT)
        return -L_ENOTEMPTY;
    if (w->last == LAST_ROOT)
        return -L_EBUSY;
    if (!w->inode)
        return -L_ENOENT;
    if (!inode_is(w->inode, L_S_IFDIR))
        return -L_ENOTDIR;
    if (w->inode->synthetic)
        return -L_EBUSY;
    return w->inode->dir.count ? -L_ENOTEMPTY : 0;
}

static int unlink_check(const struct walk *w)
{
    if (w->last != LAST_NAME)
        return -L_EISDIR;
    if (!w->inode)
        return -L_ENOENT;
    if (inode_is(w->inode, L_S_IFDIR))
        return -L_EISDIR;
    if (w->slash)
        return -L_ENOTDIR;
    return w->inode->synthetic ? -L_EPERM : 0;
}

/* Events for watchers of the parent say whether a directory was removed: its type is copied first,
 * for the inode may be gone when they are sent. */
static void unlink_locked(struct walk *w, bool rmdir)
{
    const struct inode type = {.mode = w->inode->mode};

    if (rmdir)
        w->inode->dir.parent = vfs.root; /* an open directory may outlive its parent */
    else
        notify_self(w->inode, NOTIFY_ATTRIB);
    w->inode->ctime = vfs_now();
    dentry_remove(w->dentry);
    dir_touch(w->dir);
    notify_name(w->dir, w->name, w->name_len, &type, NOTIFY_DELETE, 0);
}

int vfs_unlink(struct inode *at, const char *path, bool rmdir)
{
    struct walk w;

    lock(&vfs.lock);
    int err = walk(at, path, WALK_PARENT, &w);
    if (!err)
        err = rmdir ? rmdir_check(&w) : unlink_check(&w);
    if (!err)
        unlink_locked(&w, rmdir);
    walk_end(&w);
    unlock(&vfs.lock);
    return err;
}

/* Is `a` the directory d, or above it? */
static bool is_above(const struct inode *a, const struct inode *d)
{
    while (d != a && d != vfs.root)
        d = d->dir.parent;
    return d == a;
}

static int rename_check(const struct walk *o, const struct walk *n, unsigned flags)
{
    if (o->last != LAST_NAME)
        return -L_EBUSY;
    if (n->last != LAST_NAME)
        return flags & L_RENAME_NOREPLACE ? -L_EEXIST : -L_EBUSY;
    if (!o->inode)
        return -L_ENOENT;
    if (n->inode && flags & L_RENAME_NOREPLACE)
        return -L_EEXIST;
    bool dir = inode_is(o->inode, L_S_IFDIR);
    if (!dir && (o->slash || n->slash))
        return -L_ENOTDIR;
    if (o->inode->synthetic || (n->inode && n->inode->synthetic) || n->dir->synthetic)
        return -L_EXDEV;
    if (dir && is_above(o->inode, n->dir))
        return -L_EINVAL;
    if (n->inode && inode_is(n->inode, L_S_IFDIR) && is_above(n->inode, o->dir))
        return -L_ENOTEMPTY;
    if (n->inode == o->inode)
        return 1;
    if (n->dir->nlink == 0)
        return -L_ENOENT;
    if (!n->inode)
        return 0;
    if (dir != inode_is(n->inode, L_S_IFDIR))
        return dir ? -L_ENOTDIR : -L_EISDIR;
    return dir && n->inode->dir.count ? -L_ENOTEMPTY : 0;
}

static void rename_told(const struct walk *o, const struct walk *n)
{
    uint32_t cookie = notify_cookie();

    notify_name(o->dir, o->name, o->name_len, o->inode, NOTIFY_MOVED_FROM, cookie);
    notify_name(n->dir, n->name, n->name_len, o->inode, NOTIFY_MOVED_TO, cookie);
    if (n->inode)
        notify_self(n->inode, NOTIFY_ATTRIB);
    notify_self(o->inode, NOTIFY_MOVE_SELF);
}

static int rename_locked(struct walk *o, struct walk *n)
{
    struct inode *moved = o->inode, *replaced = n->inode;

    inode_get(moved);
    if (replaced)
        inode_get(replaced);
    uint32_t nlink = moved->nlink;
    int err = dentry_add(n->dir, n->name, n->name_len, moved);
    if (!err) {
        struct dentry *made = moved->named;
        if (n->dentry) {
            if (inode_is(n->inode, L_S_IFDIR))
                n->inode->dir.parent = vfs.root;
            n->inode->ctime = vfs_now();
            dentry_remove(n->dentry);
        }
        dentry_remove(o->dentry);
        moved->named = made;
        moved->nlink = nlink;
        moved->ctime = vfs_now();
        dir_touch(o->dir);
        dir_touch(n->dir);
        if (notify_on())
            rename_told(o, n);
    }
    if (replaced)
        inode_put_locked(replaced);
    inode_put_locked(moved);
    return err;
}

int vfs_rename(struct inode *oldat, const char *old, struct inode *newat, const char *new,
               unsigned flags)
{
    struct walk o, n;

    if (flags & ~L_RENAME_NOREPLACE)
        return -L_EINVAL;
    lock(&vfs.lock);
    int err = walk(oldat, old, WALK_PARENT, &o);
    if (!err) {
        err = walk(newat, new, WALK_PARENT, &n);
        if (!err)
            err = rename_check(&o, &n, flags);
        if (!err)
            err = rename_locked(&o, &n);
        walk_end(&n);
    }
    walk_end(&o);
    unlock(&vfs.lock);
    return err < 0 ? err : 0;
}

int64_t vfs_readlink(struct inode *at, const char *path, char *buf, size_t cap)
{
    struct walk w;
    char *text = os_alloc_last(L_PATH_MAX);
    struct inode *jump = NULL;

    if (!text)
        return -L_ENOMEM;
    lock(&vfs.lock);
    int64_t r = walk(at, path, WALK_EMPTY, &w);
    if (!r)
        r = !w.inode ? -L_ENOENT : !inode_is(w.inode, L_S_IFLNK) ? -L_EINVAL : 0;
    if (!r && w.inode->ops) {
        r = w.inode->ops->target(w.inode, text, L_PATH_MAX, &jump);
    } else if (!r) {
        r = w.inode->link.len;
        memcpy(text, w.inode->link.target, (size_t)r);
    }
    if (jump)
        inode_put_locked(jump);
    walk_end(&w);
    unlock(&vfs.lock);
    if (r > (int64_t)cap)
        r = (int64_t)cap;
    if (r > 0)
        memcpy(buf, text, (size_t)r);
    os_free(text, L_PATH_MAX);
    return r;
}

int vfs_chmod(struct inode *n, uint32_t mode)
{
    if (inode_is(n, L_S_IFLNK))
        return -L_ENOTSUP;
    lock(&vfs.lock);
    n->mode = (n->mode & L_S_IFMT) | (mode & 07777);
    n->ctime = vfs_now();
    unlock(&vfs.lock);
    notify_file(n, NOTIFY_ATTRIB);
    return 0;
}

int vfs_chown(struct inode *n, uint32_t uid, uint32_t gid)
{
    lock(&vfs.lock);
    if (uid != UINT32_MAX)
        n->uid = uid;
    if (gid != UINT32_MAX)
        n->gid = gid;
    if (inode_is(n, L_S_IFREG))
        n->mode &= n->mode & 010 ? ~(L_S_ISUID | L_S_ISGID) : ~L_S_ISUID;
    n->ctime = vfs_now();
    unlock(&vfs.lock);
    notify_file(n, NOTIFY_ATTRIB);
    return 0;
}

int vfs_utimens(struct inode *n, const struct l_timespec t[2])
{
    struct ltime now = vfs_now();
    struct ltime *field[2] = {&n->atime, &n->mtime};

    for (int i = 0; t && i < 2; i++)
        if (t[i].nsec != L_UTIME_NOW && t[i].nsec != L_UTIME_OMIT &&
            (t[i].nsec < 0 || t[i].nsec > 999999999))
            return -L_EINVAL;
    lock(&vfs.lock);
    for (int i = 0; i < 2; i++) {
        if (!t || t[i].nsec == L_UTIME_NOW)
            *field[i] = now;
        else if (t[i].nsec != L_UTIME_OMIT)
            *field[i] = (struct ltime){t[i].sec, (uint32_t)t[i].nsec};
    }
    n->ctime = now;
    unlock(&vfs.lock);
    bool atime = !t || t[0].nsec != L_UTIME_OMIT, mtime = !t || t[1].nsec != L_UTIME_OMIT;
    if (atime || mtime)
        notify_file(n, atime && mtime ? NOTIFY_ATTRIB : atime ? NOTIFY_ACCESS : NOTIFY_MODIFY);
    return 0;
}

int vfs_truncate(struct inode *n, int64_t size)
{
    if (inode_is(n, L_S_IFDIR))
        return -L_EISDIR;
    if (!inode_is(n, L_S_IFREG) || n->ops || size < 0)
        return -L_EINVAL;
    int err = n->seals ? seals_allow_size(n, size, data_size(&n->data)) : 0;
    if (err)
        return err;
    err = mmap_truncate(n, size);
    lock(&vfs.lock);
    n->mtime = n->ctime = vfs_now();
    unlock(&vfs.lock);
    if (!err)
        notify_file(n, NOTIFY_MODIFY);
    return err;
}

int vfs_access(struct inode *n, unsigned mode)
{
    if (mode & ~7u)
        return -L_EINVAL;
    if (mode & 1 && !inode_is(n, L_S_IFDIR) && !(n->mode & 0111))
        return -L_EACCES;
    return 0;
}

struct inode *vfs_mkdirs(const char *path, size_t len)
{
    struct inode *dir = vfs.root;

    lock(&vfs.lock);
    for (size_t at = 0; at < len && dir;) {
        size_t end = at;
        while (end < len && path[end] != '/')
            end++;
        if (end > at) {
            struct dentry *d = dentry_find(dir, path + at, end - at);
            struct inode *n = d ? d->inode : inode_new(L_S_IFDIR | 0755);
            if (!d && n) {
                BOOT_MEMORY(dentry_add(dir, path + at, end - at, n) == 0, "directories");
                inode_put_locked(n);
            }
            dir = n && inode_is(n, L_S_IFDIR) ? n : NULL;
        }
        at = end + 1;
    }
    unlock(&vfs.lock);
    return dir;
}

struct inode *vfs_synthetic(struct inode *dir, const char *name, uint32_t mode,
                            const struct node_ops *ops)
{
    struct inode *n = inode_new(mode);

    BOOT_MEMORY(n, name);
    n->synthetic = true;
    n->ops = ops;
    lock(&vfs.lock);
    int err = dentry_add(dir, name, strlen(name), n);
    unlock(&vfs.lock);
    BOOT_MEMORY(!err, name);
    inode_put(n);
    return n;
}
