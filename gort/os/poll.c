/* poll.c - poll(2) and ppoll(2). */
#include "gort/os/poll.h"

#include "gort/os/mem.h"
#include "gort/os/pending.h"
#include "gort/os/sys.h"
#include "kernel/clock.h"

int64_t poll_deadline(int64_t timeout)
{
    int64_t when;

    return __builtin_add_overflow(clock_mono_ns(), timeout, &when) ? INT64_MAX : when;
}

int64_t poll_timespec(struct call *c, uint64_t p, int64_t *timeout)
{
    struct l_timespec t;

    *timeout = -1;
    if (!p)
        return 0;
    if (copy_in(c, &t, p, sizeof t))
        return -L_EFAULT;
    if (t.sec < 0 || t.nsec < 0 || t.nsec > 999999999)
        return -L_EINVAL;
    if (__builtin_mul_overflow(t.sec, 1000000000, timeout) ||
        __builtin_add_overflow(*timeout, t.nsec, timeout))
        *timeout = INT64_MAX;
    return 0;
}

/* The mask is taken when the call begins, and holds until it ends. */
static int64_t mask_begin(struct call *c, uint64_t p, uint64_t bytes)
{
    uint64_t set;

    if (c->done)
        return 0;
    if (bytes != sizeof set)
        return -L_EINVAL;
    if (copy_in(c, &set, p, sizeof set))
        return -L_EFAULT;
    int64_t err = pending_wait_begin(c->gp, SIG_SET(set));
    c->done = !err;
    return err;
}

int64_t poll_masked(struct call *c, uint64_t p, uint64_t bytes, int64_t timeout,
                    int64_t (*wait)(struct call *c, int64_t timeout), bool time_first)
{
    if (!p)
        return wait(c, timeout);
    int64_t r = mask_begin(c, p, bytes);
    if (r)
        return r;
    call_wait_also(c, &pending_queue);
    r = wait(c, timeout);
    if ((r == SYS_BLOCK || (r == 0 && !time_first)) && pending_interrupts(c->gp))
        r = -L_EINTR;
    if (r != SYS_BLOCK)
        pending_wait_end(c->gp);
    return r;
}

void poll_leave_rest(struct call *c, uint64_t p, int64_t timeout, int64_t result, int usec)
{
    if (!p || result == SYS_BLOCK || timeout < 0)
        return;
    int64_t rest = c->deadline ? c->deadline - clock_mono_ns() : timeout;
    rest = rest < 0 ? 0 : rest;
    struct l_timespec t = {rest / 1000000000, usec ? rest / 1000 % 1000000 : rest % 1000000000};
    copy_out(c, p, &t, sizeof t);
}

/* Queues the call on a descriptor's two queues. */
static void poll_queue(struct call *c, struct file *f)
{
    if (!f->ops || !f->ops->queue)
        return;
    for (int w = 0; w < 2; w++) {
        struct waiter *at = &c->more[c->nmore++];
        at->call = c;
        at->file = f;
        file_get(f);
        waiter_add(f->ops->queue(f, w), at);
    }
}

/* p: the kernel's copy. */
static int64_t poll_scan(struct call *c, struct l_pollfd *p, size_t n, bool queue)
{
    int64_t ready = 0;

    for (size_t i = 0; i < n; i++) {
        struct file *f = p[i].fd < 0 ? NULL : fd_get(p[i].fd);
        p[i].revents = 0;
        if (f) {
            if (queue)
                poll_queue(c, f);
            unsigned want = (uint16_t)p[i].events | L_POLLERR | L_POLLHUP;
            p[i].revents = (int16_t)(file_poll(f) & want);
            file_put(f);
        } else if (p[i].fd >= 0) {
            p[i].revents = L_POLLNVAL;
        }
        ready += p[i].revents != 0;
    }
    return ready;
}

int64_t poll_fds(struct call *c, struct l_pollfd *p, size_t n, int64_t timeout)
{
    int64_t ready = poll_scan(c, p, n, false);
    if (ready || timeout == 0)
        return ready;
    if (!c->more && n) {
        c->more_cap = 2 * (unsigned)n;
        c->more = os_alloc_last(c->more_cap * sizeof *c->more);
        if (!c->more)
            return -L_ENOMEM;
    }
    if (timeout > 0 && call_deadline(c, poll_deadline(timeout)))
        return 0;
    ready = poll_scan(c, p, n, true);
    return ready ? ready : SYS_BLOCK;
}

/* The answers alone: what is asked may lie where nobody writes. */
static int64_t poll_answer(const struct call *c, const struct l_pollfd *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t at = c->a[0] + i * sizeof *p + offsetof(struct l_pollfd, revents);
        if (copy_out(c, at, &p[i].revents, sizeof p[i].revents))
            return -L_EFAULT;
    }
    return 0;
}

static int64_t poll_until(struct call *c, int64_t timeout)
{
    struct l_pollfd few[8], *p = few;
    size_t n = (uint32_t)c->a[1], bytes = n * sizeof *p;

    if (n > fd_limit)
        return -L_EINVAL;
    if (n > sizeof few / sizeof few[0] && !(p = os_alloc_last(bytes)))
        return -L_ENOMEM;
    int64_t r = copy_in(c, p, c->a[0], bytes);
    if (!r)
        r = poll_fds(c, p, n, timeout);
    if (r >= 0 && poll_answer(c, p, n))
        r = -L_EFAULT;
    if (p != few)
        os_free(p, bytes);
    return r;
}

int64_t sys_poll(struct call *c)
{
    return poll_until(c, (int64_t)(int32_t)c->a[2] * 1000000);
}

int64_t sys_ppoll(struct call *c)
{
    int64_t timeout, err = poll_timespec(c, c->a[2], &timeout);

    if (err)
        return err;
    int64_t r = poll_masked(c, c->a[3], c->a[4], timeout, poll_until, false);
    poll_leave_rest(c, c->a[2], timeout, r, 0);
    return r;
}
