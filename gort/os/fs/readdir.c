/* readdir.c - getdents64. The position behind an entry is the entry's cookie, so that it
 * stays right while names come and go; 1 and 2 are behind "." and "..". */
#include <string.h>
#include "gort/os/fs/vfs.h"

struct emit { uint8_t *buf; size_t cap, used; };

static bool emit(struct emit *e, const char *name, size_t len, uint64_t ino, uint32_t mode,
                 uint64_t off)
{
    size_t reclen = (sizeof(struct l_dirent) + len + 1 + 7) & ~7ul;
    struct l_dirent *d = (struct l_dirent *)(e->buf + e->used);

    if (e->cap - e->used < reclen)
        return false;
    memset(d, 0, reclen);
    d->ino = ino;
    d->off = (int64_t)off;
    d->reclen = (uint16_t)reclen;
    d->type = (uint8_t)(mode >> 12);
    memcpy(d->name, name, len);
    e->used += reclen;
    return true;
}

/* The first name behind position pos. Whoever reads a directory comes back for what follows:
 * so it is looked for from where the last reader was. */
static struct dentry *first_behind(const struct inode *dir, uint64_t pos)
{
    struct dentry *d = dir->dir.reader;

    if (dir->dir.last && dir->dir.last->cookie <= pos)
        return NULL;
    if (!d || (dir->dir.first && dir->dir.first->cookie > pos))
        d = dir->dir.first;
    while (d && d->prev && d->prev->cookie > pos)
        d = d->prev;
    while (d && d->cookie <= pos)
        d = d->next;
    return d;
}

static bool emit_children(struct inode *dir, uint64_t *pos, struct emit *e)
{
    if (dir->ops && dir->ops->list) {
        char name[32];
        uint64_t ino, next = *pos;
        uint8_t type;
        while (dir->ops->list(&next, name, &ino, &type)) {
            if (!emit(e, name, strlen(name), ino, (uint32_t)type << 12, next))
                return false;
            *pos = next;
        }
        return true;
    }
    for (struct dentry *d = first_behind(dir, *pos); d; d = d->next) {
        dir->dir.reader = d;
        if (!emit(e, d->name, d->name_len, d->inode->ino, d->inode->mode, d->cookie))
            return false;
        *pos = d->cookie;
    }
    return true;
}

int64_t vfs_getdents(struct inode *dir, uint64_t *pos, void *buf, size_t cap)
{
    struct emit e = {buf, cap, 0};
    bool all = true;

    if (!inode_is(dir, L_S_IFDIR))
        return -L_ENOTDIR;
    lock(&vfs.lock);
    if (dir->nlink == 0) {
        unlock(&vfs.lock);
        return -L_ENOENT;
    }
    struct inode *up = dir->ops && dir->ops->lookup ? vfs.root : dir->dir.parent;
    if (*pos < 1 && (all = emit(&e, ".", 1, dir->ino, L_S_IFDIR, 1)))
        *pos = 1;
    if (all && *pos < 2 && (all = emit(&e, "..", 2, up->ino, L_S_IFDIR, 2)))
        *pos = 2;
    if (all)
        all = emit_children(dir, pos, &e);
    dir->atime = vfs_now();
    unlock(&vfs.lock);
    return e.used || all ? (int64_t)e.used : -L_EINVAL;
}
