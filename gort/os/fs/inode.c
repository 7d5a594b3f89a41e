#include "gort/os/fs/vfs.h"

#include <string.h>
#include "gort/os/mem.h"
#include "gort/os/fs/notify.h"
#include "gort/load/refuse.h"
#include "kernel/clock.h"

struct vfs vfs = {.lock = LOCK_INIT("vfs", RANK_VFS), .umask = 022};

static uint64_t next_ino; /* [atomic] */

struct ltime vfs_now(void)
{
    int64_t ns = clock_wall_ns();

    return (struct ltime){ns / 1000000000, (uint32_t)(ns % 1000000000)};
}

void vfs_init(void)
{
    vfs.root = inode_new(L_S_IFDIR | 0755);
    BOOT_MEMORY(vfs.root, "the file tree");
    vfs.root->nlink = 2;
    vfs.root->dir.parent = vfs.root;
    vfs.cwd = vfs.root;
    inode_get(vfs.cwd);
}

/* A program may have a socket for each of very many clients. */
_Static_assert(offsetof(struct inode, data) <= 128, "an inode without contents");

/* What is allocated. The type of an inode never changes. */
static size_t inode_bytes(uint32_t mode)
{
    uint32_t type = mode & L_S_IFMT;

    return type == L_S_IFSOCK || type == 0 ? offsetof(struct inode, data) : sizeof(struct inode);
}

struct inode *inode_new(uint32_t mode)
{
    struct inode *n = os_alloc_file(inode_bytes(mode));

    if (!n)
        return NULL;
    n->refs = 1;
    n->mode = mode;
    n->ino = __atomic_add_fetch(&next_ino, 1, __ATOMIC_RELAXED);
    n->atime = n->mtime = n->ctime = n->btime = vfs_now();
    if (inode_is(n, L_S_IFREG))
        data_init(&n->data, NULL, 0);
    __atomic_add_fetch(&vfs.inodes, 1, __ATOMIC_RELAXED);
    return n;
}

void (*inode_fifo_free)(struct pipe *p);

static void inode_destroy(struct inode *n)
{
    notify_gone(n);
    if (n->ops == NULL && inode_is(n, L_S_IFREG))
        data_free(&n->data);
    else if (n->ops == NULL && inode_is(n, L_S_IFLNK))
        os_free(n->link.target, n->link.len + 1);
    else if (n->ops == NULL && inode_is(n, L_S_IFIFO) && n->fifo)
        inode_fifo_free(n->fifo);
    os_free(n, inode_bytes(n->mode));
    __atomic_sub_fetch(&vfs.inodes, 1, __ATOMIC_RELAXED);
}

void inode_get(struct inode *n) { __atomic_add_fetch(&n->refs, 1, __ATOMIC_RELAXED); }

/* Gives up a reference; with the last one n is freed. A name holds a reference (dentry_add),
 * so nlink need not be looked at. A directory with children has a name, so its count is not 0
 * here. */
void inode_put_locked(struct inode *n)
{
    if (__atomic_sub_fetch(&n->refs, 1, __ATOMIC_ACQ_REL) == 0)
        inode_destroy(n);
}

void inode_put(struct inode *n) { inode_put_locked(n); }

int64_t inode_size(struct inode *n)
{
    if (n->ops)
        return 0;
    if (inode_is(n, L_S_IFREG))
        return data_size(&n->data);
    if (inode_is(n, L_S_IFLNK))
        return n->link.len;
    return inode_is(n, L_S_IFDIR) ? 40 + 20 * (int64_t)n->dir.count : 0;
}

static struct l_timespec stat_time(struct ltime t) { return (struct l_timespec){t.sec, t.nsec}; }

void inode_stat(struct inode *n, struct l_stat *st)
{
    memset(st, 0, sizeof *st);
    lock(&vfs.lock);
    st->dev = n->synthetic ? 2 : 1;
    st->ino = n->ino;
    st->nlink = n->nlink;
    st->mode = n->mode;
    st->uid = n->uid;
    st->gid = n->gid;
    st->rdev = inode_is(n, L_S_IFCHR) ? n->rdev : 0;
    st->size = inode_size(n);
    st->blksize = OS_PAGE;
    if (!n->ops && inode_is(n, L_S_IFREG))
        st->blocks = (int64_t)data_blocks(&n->data);
    st->atim = stat_time(n->atime);
    st->mtim = stat_time(n->mtime);
    st->ctim = stat_time(n->ctime);
    unlock(&vfs.lock);
}

/* Writes the path backwards from the end of buf, then moves it to the front. */
size_t inode_path_locked(struct inode *n, char *buf, size_t cap)
{
    size_t at = cap - 1;

    buf[at] = 0;
    for (struct inode *p = n; p != vfs.root;) {
        struct dentry *d = p->named;
        if (d && at < d->name_len + 1u) {
            buf[0] = 0;
            return 0;
        }
        if (!d) {
            static const char lost[] = "(unreachable)";
            size_t len = sizeof lost - 1 < cap - 1 ? sizeof lost - 1 : cap - 1;
            memcpy(buf, lost, len);
            buf[len] = 0;
            return len;
        }
        at -= d->name_len;
        memcpy(buf + at, d->name, d->name_len);
        buf[--at] = '/';
        p = d->dir;
    }
    if (at == cap - 1)
        buf[--at] = '/';
    memmove(buf, buf + at, cap - at);
    return cap - 1 - at;
}
