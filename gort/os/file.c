#include "gort/os/file.h"

#include "gort/os/mem.h"
#include "gort/os/fs/memfd.h"
#include "gort/os/user.h"
#include "kernel/check.h"

struct file *file_new(struct inode *n, uint32_t flags, const struct file_ops *ops, void *priv)
{
    struct file *f = os_alloc(sizeof *f);

    if (!f)
        return NULL;
    f->refs = 1;
    f->flags = flags;
    f->inode = n;
    f->ops = ops;
    f->priv = priv;
    inode_get(n);
    return f;
}

struct file *file_new_anon(uint32_t mode, uint32_t flags, const struct file_ops *ops, void *priv)
{
    struct inode *n = inode_new(mode);
    static const struct node_ops anonymous;

    if (!n)
        return NULL;
    n->ops = &anonymous;
    n->nlink = 1;
    struct file *f = file_new(n, flags, ops, priv);
    inode_put(n);
    return f;
}

void file_get(struct file *f) { __atomic_add_fetch(&f->refs, 1, __ATOMIC_RELAXED); }

bool file_try_get(struct file *f)
{
    uint32_t n = __atomic_load_n(&f->refs, __ATOMIC_RELAXED);

    while (n && !__atomic_compare_exchange_n(&f->refs, &n, n + 1, true, __ATOMIC_ACQUIRE,
                                             __ATOMIC_RELAXED))
        ;
    return n != 0;
}

/* Files that cannot be waited for are always ready. */
unsigned file_poll(struct file *f)
{
    unsigned r = f->ops && f->ops->poll ? f->ops->poll(f) : L_POLLIN | L_POLLOUT;

    if (r & L_POLLIN)
        r |= L_POLLRDNORM;
    return r & L_POLLOUT ? r | L_POLLWRNORM : r;
}

void (*file_gone)(struct file *f);
void (*file_flies_on)(void);

void file_put(struct file *f)
{
    if (__atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    file_gone(f);
    if (f->ops && f->ops->release)
        f->ops->release(f);
    else if (!f->ops && f->gen.text)
        os_free(f->gen.text, f->gen.text_cap);
    inode_put(f->inode);
    os_free(f, sizeof *f);
}

static int64_t text_read(struct file *f, void *buf, size_t n, int64_t at)
{
    size_t len = f->gen.text_len;

    if ((uint64_t)at >= len)
        return 0;
    if (n > len - (size_t)at)
        n = len - (size_t)at;
    size_t left = user_copy(buf, f->gen.text + at, n);
    return left && left == n ? -L_EFAULT : (int64_t)(n - left);
}

int64_t file_read(struct file *f, void *buf, size_t n, int64_t pos)
{
    int64_t at = pos < 0 ? __atomic_load_n(&f->pos, __ATOMIC_RELAXED) : pos, r;

    if (inode_is(f->inode, L_S_IFDIR))
        return -L_EISDIR;
    if (!inode_is(f->inode, L_S_IFREG))
        return -L_EINVAL;
    if (f->inode->ops)
        r = text_read(f, buf, n, at);
    else
        r = data_read(&f->inode->data, buf, n, at);
    if (pos < 0 && r > 0)
        __atomic_store_n(&f->pos, at + r, __ATOMIC_RELAXED);
    return r;
}

int64_t file_write(struct file *f, const void *buf, size_t n, int64_t pos)
{
    bool append = __atomic_load_n(&f->flags, __ATOMIC_RELAXED) & L_O_APPEND;
    int64_t at = append ? -1 : pos < 0 ? __atomic_load_n(&f->pos, __ATOMIC_RELAXED) : pos;

    if (!inode_is(f->inode, L_S_IFREG))
        return inode_is(f->inode, L_S_IFDIR) ? -L_EISDIR : -L_EINVAL;
    if (f->inode->ops)
        return -L_EACCES;
    if (n == 0)
        return 0;
    int64_t size = f->inode->seals ? data_size(&f->inode->data) : 0;
    int err = seals_allow_write(f->inode, (at < 0 ? size : at) + (int64_t)n, size);
    if (err)
        return err;
    int64_t r = data_write(&f->inode->data, buf, n, &at);
    if (r > 0) {
        f->inode->mtime = f->inode->ctime = vfs_now();
        if (pos < 0)
            __atomic_store_n(&f->pos, at + r, __ATOMIC_RELAXED);
    }
    return r;
}
