/* select.c - select(2) and pselect6(2): three sets of bits, turned into poll's entries. */
#include <string.h>
#include "gort/os/mem.h"
#include "gort/os/poll.h"
#include "gort/os/sys.h"
#include "kernel/clock.h"

/* What a set asks for, and what puts a descriptor into its answer. */
static const struct { unsigned ask, answer; } kinds[3] = {
    {L_POLLIN | L_POLLRDNORM | L_POLLRDBAND,
     L_POLLIN | L_POLLRDNORM | L_POLLRDBAND | L_POLLHUP | L_POLLERR},
    {L_POLLOUT | L_POLLWRNORM | L_POLLWRBAND, L_POLLOUT | L_POLLWRNORM | L_POLLWRBAND | L_POLLERR},
    {L_POLLPRI, L_POLLPRI},
};

struct sets {
    uint64_t user[3];        /* where the program has them, 0: not given */
    unsigned n;              /* descriptors 0 .. n-1 */
    size_t bytes;            /* of one set: whole words */
    uint64_t *bits[3];       /* the kernel's copies */
    struct l_pollfd *fds;    /* of all descriptors that are in some set */
    size_t nfds;
    size_t room;             /* bytes allocated, from bits[0] on */
};

static bool has(const struct sets *s, int kind, unsigned fd)
{
    return s->bits[kind][fd / 64] >> (fd % 64) & 1;
}

/* One block for all. The descriptor table's size bounds what is looked at, as on Linux. */
static int64_t sets_copy(struct call *c, struct sets *s)
{
    s->n = s->n < FD_MAX ? s->n : FD_MAX;
    s->bytes = (s->n + 63) / 64 * 8;
    s->room = 3 * s->bytes + s->n * sizeof *s->fds;
    s->bits[0] = os_alloc_last(s->room + 1);
    if (!s->bits[0])
        return -L_ENOMEM;
    for (int k = 0; k < 3; k++) {
        s->bits[k] = s->bits[0] + (size_t)k * s->bytes / 8;
        if (s->user[k] && copy_in(c, s->bits[k], s->user[k], s->bytes))
            return -L_EFAULT;
    }
    s->fds = (void *)(s->bits[0] + 3 * s->bytes / 8);
    return 0;
}

static int64_t sets_to_fds(struct sets *s)
{
    for (unsigned fd = 0; fd < s->n; fd++) {
        unsigned events = 0;
        for (int k = 0; k < 3; k++)
            events |= has(s, k, fd) ? kinds[k].ask : 0;
        if (!events)
            continue;
        struct file *f = fd_get(fd);
        if (!f)
            return -L_EBADF;
        file_put(f);
        s->fds[s->nfds++] = (struct l_pollfd){(int32_t)fd, (int16_t)events, 0};
    }
    return 0;
}

/* The sets become their answers: how many bits are set in them. */
static int64_t sets_answer(struct sets *s)
{
    int64_t bits = 0;

    for (size_t i = 0; i < s->nfds; i++) {
        unsigned fd = (unsigned)s->fds[i].fd;
        for (int k = 0; k < 3; k++) {
            if (!has(s, k, fd))
                continue;
            if ((unsigned)s->fds[i].revents & kinds[k].answer)
                bits++;
            else
                s->bits[k][fd / 64] &= ~(1ull << (fd % 64));
        }
    }
    return bits;
}

static int64_t sets_wait(struct call *c, struct sets *s, int64_t timeout)
{
    int64_t r = sets_copy(c, s);

    if (!r)
        r = sets_to_fds(s);
    if (!r)
        r = poll_fds(c, s->fds, s->nfds, timeout);
    if (r >= 0) {
        r = sets_answer(s);
        for (int k = 0; k < 3; k++)
            if (s->user[k] && copy_out(c, s->user[k], s->bits[k], s->bytes))
                r = -L_EFAULT;
    }
    os_free(s->bits[0], s->room + 1);
    return r;
}

static int64_t select_until(struct call *c, int64_t timeout)
{
    struct sets s = {.user = {c->a[1], c->a[2], c->a[3]}, .n = (uint32_t)c->a[0]};

    return (int32_t)c->a[0] < 0 ? -L_EINVAL : sets_wait(c, &s, timeout);
}

int64_t sys_select(struct call *c)
{
    struct l_timeval t;
    int64_t timeout = -1;

    if (c->a[4]) {
        if (copy_in(c, &t, c->a[4], sizeof t))
            return -L_EFAULT;
        if (t.sec < 0 || t.usec < 0)
            return -L_EINVAL;
        if (__builtin_mul_overflow(t.sec, 1000000000, &timeout) || t.usec > INT64_MAX / 2000 ||
            __builtin_add_overflow(timeout, t.usec * 1000, &timeout))
            timeout = INT64_MAX;
    }
    int64_t r = select_until(c, timeout);
    poll_leave_rest(c, c->a[4], timeout, r, 1);
    return r;
}

/* The sixth argument points to the set of signals and its size. */
int64_t sys_pselect6(struct call *c)
{
    uint64_t mask[2] = {0, 0};
    int64_t timeout;

    if (c->a[5] && copy_in(c, mask, c->a[5], sizeof mask))
        return -L_EFAULT;
    int64_t err = poll_timespec(c, c->a[4], &timeout);
    if (err)
        return err;
    int64_t r = poll_masked(c, mask[0], mask[1], timeout, select_until, false);
    poll_leave_rest(c, c->a[4], timeout, r, 0);
    return r;
}
