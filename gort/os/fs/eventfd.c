/* eventfd.c - a 64-bit counter to wait on: eventfd(2). */
#include <string.h>
#include "gort/os/file.h"
#include "gort/os/fs/pipe.h"
#include "gort/os/mem.h"
#include "gort/os/user.h"

#define EFD_SEMAPHORE 1u
#define COUNT_MAX (UINT64_MAX - 1)

struct eventfd {
    struct lock lock;      /* RANK_FILE */
    uint64_t count;        /* [lock] */
    bool semaphore;        /* [const] */
    struct waitq rq, wq;
};

static int64_t event_read(struct file *f, void *buf, size_t n)
{
    struct eventfd *e = f->priv;
    int64_t r = -L_EAGAIN;

    if (n < 8)
        return -L_EINVAL;
    lock(&e->lock);
    if (e->count) {
        uint64_t v = e->semaphore ? 1 : e->count;
        r = user_copy(buf, &v, 8) ? -L_EFAULT : 8;
        e->count -= r > 0 ? v : 0;
    }
    unlock(&e->lock);
    if (r > 0)
        queue_wake(&e->wq);
    return r;
}

static int64_t event_write(struct file *f, const void *buf, size_t n)
{
    struct eventfd *e = f->priv;
    uint64_t v;
    int64_t r = -L_EAGAIN;

    if (n < 8)
        return -L_EINVAL;
    if (user_copy(&v, buf, 8))
        return -L_EFAULT;
    if (v == UINT64_MAX)
        return -L_EINVAL;
    lock(&e->lock);
    if (v <= COUNT_MAX - e->count) {
        e->count += v;
        r = 8;
    }
    unlock(&e->lock);
    if (r > 0)
        queue_wake(&e->rq);
    return r;
}

static unsigned event_poll(struct file *f)
{
    struct eventfd *e = f->priv;

    lock(&e->lock);
    unsigned r = (e->count ? L_POLLIN : 0) | (e->count < COUNT_MAX ? L_POLLOUT : 0);
    unlock(&e->lock);
    return r;
}

static struct waitq *event_queue(struct file *f, bool write)
{
    struct eventfd *e = f->priv;

    return write ? &e->wq : &e->rq;
}

static void event_release(struct file *f) { os_free(f->priv, sizeof(struct eventfd)); }

static const struct file_ops event_ops = {
    .read = event_read, .write = event_write, .poll = event_poll, .queue = event_queue,
    .release = event_release, .anon = "[eventfd]",
};

int64_t eventfd_open(uint64_t initial, uint32_t flags, struct file **out)
{
    struct eventfd *e = os_alloc(sizeof *e);

    if (!e)
        return -L_ENOMEM;
    lock_init(&e->lock, "eventfd", RANK_FILE);
    waitq_init(&e->rq);
    waitq_init(&e->wq);
    e->count = initial;
    e->semaphore = flags & EFD_SEMAPHORE;
    *out = file_new_anon(0600, L_O_RDWR | (flags & L_O_NONBLOCK), &event_ops, e);
    if (!*out)
        os_free(e, sizeof *e);
    return *out ? 0 : -L_ENOMEM;
}
