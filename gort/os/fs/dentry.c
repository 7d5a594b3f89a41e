/* dentry.c - names in directories: one hash table for the whole tree. */
#include <string.h>
#include "gort/os/mem.h"
#include "gort/os/fs/vfs.h"
#include "kernel/check.h"

enum { BUCKETS = 8192 };

static struct dentry *table[BUCKETS]; /* [vfs.lock] */

static uint32_t name_hash(const struct inode *dir, const char *name, size_t len)
{
    uint32_t h = 2166136261u ^ (uint32_t)dir->ino * 0x9e3779b1u; /* FNV-1a */

    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)name[i]) * 16777619u;
    return h ^ h >> 15;
}

struct dentry *dentry_find(struct inode *dir, const char *name, size_t len)
{
    uint32_t h = name_hash(dir, name, len);

    for (struct dentry *d = table[h % BUCKETS]; d; d = d->hash_next)
        if (d->hash == h && d->dir == dir && d->name_len == len && !memcmp(d->name, name, len))
            return d;
    return NULL;
}

int dentry_add(struct inode *dir, const char *name, size_t len, struct inode *n)
{
    struct dentry *d = os_alloc_file(sizeof *d + len + 1);

    if (!d)
        return -L_ENOSPC;
    memcpy(d->name, name, len);
    d->name_len = (uint32_t)len;
    d->hash = name_hash(dir, name, len);
    d->dir = dir;
    d->inode = n;
    d->cookie = ++dir->dir.next_cookie + 2; /* 1 and 2 are "." and ".." */
    d->prev = dir->dir.last;
    *(d->prev ? &d->prev->next : &dir->dir.first) = d;
    dir->dir.last = d;
    dir->dir.count++;
    d->hash_next = table[d->hash % BUCKETS];
    table[d->hash % BUCKETS] = d;
    n->named = d;
    inode_get(n);
    n->nlink++;
    if (inode_is(n, L_S_IFDIR)) {
        n->nlink = 2;
        if (!n->ops)
            n->dir.parent = dir;
        dir->nlink++;
    }
    return 0;
}

/* Takes the name out. A removed directory keeps its parent pointer until it is freed: nothing
 * looks at it, since its name is gone and it is empty. */
void dentry_remove(struct dentry *d)
{
    struct inode *dir = d->dir, *n = d->inode;
    struct dentry **pp = &table[d->hash % BUCKETS];

    while (*pp != d) {
        CHECK(*pp, "name %s is not in the table", d->name);
        pp = &(*pp)->hash_next;
    }
    *pp = d->hash_next;
    *(d->prev ? &d->prev->next : &dir->dir.first) = d->next;
    *(d->next ? &d->next->prev : &dir->dir.last) = d->prev;
    if (dir->dir.reader == d)
        dir->dir.reader = d->next;
    dir->dir.count--;
    if (n->named == d)
        n->named = NULL;
    n->nlink--;
    if (inode_is(n, L_S_IFDIR)) {
        n->nlink = 0;
        dir->nlink--;
    }
    os_free(d, sizeof *d + d->name_len + 1);
    inode_put_locked(n);
}

void dir_touch(struct inode *dir) { dir->mtime = dir->ctime = vfs_now(); }
