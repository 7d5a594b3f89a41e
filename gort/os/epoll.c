#include "gort/os/epoll.h"

#include "gort/os/mem.h"
#include "gort/os/poll.h"
#include "gort/os/sys.h"
#include "kernel/check.h"
#include "kernel/clock.h"

#define EP_ONESHOT   (1u << 30)
#define EP_ET        (1u << 31)
#define EP_WAKEUP    (1u << 29)
#define EP_EXCLUSIVE (1u << 28)
#define EP_PRIVATE   (EP_ONESHOT | EP_ET | EP_WAKEUP | EP_EXCLUSIVE)
#define EP_OUT       (L_POLLOUT | L_POLLWRNORM | L_POLLWRBAND)
/* What an exclusive item may ask for. */
#define EP_EXCLUSIVE_OK                                                                        \
    (L_POLLIN | L_POLLOUT | L_POLLERR | L_POLLHUP | EP_WAKEUP | EP_ET | EP_EXCLUSIVE)

enum { CTL_ADD = 1, CTL_DEL, CTL_MOD };
enum { BUCKETS_FIRST = 16, NEST_MAX = 5 };

struct epitem {
    uint32_t refs;               /* [atomic] the set, and who polls the file just now */
    struct epoll *ep;            /* [const] */
    struct file *file;           /* [ep->lock to read, and control.lock to write] NULL: taken out */
    int32_t fd;                  /* [const] */
    uint32_t events;             /* [atomic] */
    uint64_t data;               /* [ep->lock] */
    struct waiter w[2];          /* on the file's queues */
    struct epitem *hash_next, *file_next; /* [control.lock] */
    struct epitem *prev, *next;  /* [ep->lock] of the ready list */
    bool ready;                  /* [ep->lock] on it */
};

struct epoll {
    struct later later;          /* first: later_wake knows */
    uint32_t refs;               /* [atomic] the file, and a wake-up that is put off */
    struct file *file;           /* [const] while there are items */
    struct lock lock;            /* RANK_NOTIFY */
    struct epitem *first, *last; /* [lock] ready list */
    unsigned nready;             /* [lock] */
    bool put_off;                /* [lock] later is under way */
    bool tell_pollers;           /* [lock] it is to wake pollers too */
    struct waitq waiters;        /* epoll_wait */
    struct waitq pollers;        /* poll, and sets that this one is in */
    struct epitem **bucket;      /* [control.lock] by descriptor */
    unsigned nbuckets, nitems;   /* [control.lock] */
};

static struct { struct lock lock; } control = {.lock = LOCK_INIT("epoll", RANK_FILE)};

static const struct file_ops epoll_ops;

static void epoll_put(struct epoll *ep)
{
    if (__atomic_sub_fetch(&ep->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    os_free(ep->bucket, ep->nbuckets * sizeof *ep->bucket);
    os_free(ep, sizeof *ep);
}

static void item_put(struct epitem *it)
{
    if (__atomic_sub_fetch(&it->refs, 1, __ATOMIC_ACQ_REL) == 0)
        os_free(it, sizeof *it);
}

/* ---- the ready list ------------------------------------------------------------------- */

static void later_wake(struct later *l)
{
    struct epoll *ep = (struct epoll *)l;

    lock(&ep->lock);
    bool pollers = ep->tell_pollers;
    ep->put_off = ep->tell_pollers = false;
    unlock(&ep->lock);
    queue_wake(&ep->waiters);
    if (pollers)
        queue_wake(&ep->pollers);
    epoll_put(ep);
}

static void wake_later_locked(struct epoll *ep, bool pollers)
{
    ep->tell_pollers |= pollers;
    if (ep->put_off)
        return;
    ep->put_off = true;
    __atomic_add_fetch(&ep->refs, 1, __ATOMIC_RELAXED);
    call_later(&ep->later);
}

static void ready_add_locked(struct epoll *ep, struct epitem *it)
{
    if (it->ready || !it->file)
        return;
    it->ready = true;
    it->next = NULL;
    it->prev = ep->last;
    *(it->prev ? &it->prev->next : &ep->first) = it;
    ep->last = it;
    ep->nready++;
}

static void ready_remove_locked(struct epoll *ep, struct epitem *it)
{
    if (!it->ready)
        return;
    *(it->prev ? &it->prev->next : &ep->first) = it->next;
    *(it->next ? &it->next->prev : &ep->last) = it->prev;
    it->ready = false;
    ep->nready--;
}

/* The first item and its file, both referenced; NULL: there is none. */
static struct epitem *ready_take(struct epoll *ep, struct file **f)
{
    struct epitem *it;

    lock(&ep->lock);
    while ((it = ep->first)) {
        ready_remove_locked(ep, it);
        if (!file_try_get(it->file))
            continue; /* its file is going, and will take it out */
        *f = it->file;
        __atomic_add_fetch(&it->refs, 1, __ATOMIC_RELAXED);
        break;
    }
    unlock(&ep->lock);
    return it;
}

/* Puts it back at the list's end. Wakes waiters, who may have found the list empty meanwhile. */
static void ready_return(struct epoll *ep, struct epitem *it)
{
    lock(&ep->lock);
    ready_add_locked(ep, it);
    wake_later_locked(ep, false);
    unlock(&ep->lock);
}

/* A source's queue is woken. */
static bool item_event(struct waiter *w)
{
    struct epitem *it = w->owner;
    struct epoll *ep = it->ep;

    if (!(__atomic_load_n(&it->events, __ATOMIC_RELAXED) & ~EP_PRIVATE))
        return false; /* one-shot, and reported already */
    lock(&ep->lock);
    bool news = !it->ready;
    ready_add_locked(ep, it);
    wake_later_locked(ep, true);
    unlock(&ep->lock);
    return news && (__atomic_load_n(&ep->waiters.first, __ATOMIC_SEQ_CST) != NULL ||
                    __atomic_load_n(&ep->pollers.first, __ATOMIC_SEQ_CST) != NULL);
}

/* If f, the item's file, is ready: lists the item, wakes waiters. The caller has a reference. */
static void item_look(struct epitem *it, struct file *f)
{
    if (!(file_poll(f) & __atomic_load_n(&it->events, __ATOMIC_RELAXED) & ~EP_PRIVATE))
        return;
    lock(&it->ep->lock);
    ready_add_locked(it->ep, it);
    wake_later_locked(it->ep, true);
    unlock(&it->ep->lock);
}

/* ---- items ------------------------------------------------------------------------------ */

static struct epitem **item_find_locked(struct epoll *ep, int32_t fd, const struct file *f)
{
    struct epitem **pp = &ep->bucket[(uint32_t)fd % ep->nbuckets];

    while (*pp && ((*pp)->fd != fd || (*pp)->file != f))
        pp = &(*pp)->hash_next;
    return pp;
}

/* Doubles the hash table. Without memory it stays as it is, and its chains get longer. */
static void buckets_grow_locked(struct epoll *ep)
{
    unsigned n = ep->nbuckets * 2;
    struct epitem **to = os_alloc(n * sizeof *to);

    if (!to)
        return;
    for (unsigned i = 0; i < ep->nbuckets; i++)
        for (struct epitem *it = ep->bucket[i], *next; it; it = next) {
            next = it->hash_next;
            it->hash_next = to[(uint32_t)it->fd % n];
            to[(uint32_t)it->fd % n] = it;
        }
    os_free(ep->bucket, ep->nbuckets * sizeof *to);
    ep->bucket = to;
    ep->nbuckets = n;
}

/* Puts the item on the file's queues for `events`; errors and hang-ups wake either queue. */
static void item_queue_locked(struct epitem *it, uint32_t events)
{
    bool out = events & EP_OUT, in = events & ~(EP_OUT | EP_PRIVATE | L_POLLERR | L_POLLHUP);

    for (int i = 0; i < 2; i++) {
        it->w[i].event = item_event;
        it->w[i].owner = it;
        it->w[i].exclusive = events & EP_EXCLUSIVE;
        if (i ? out : in || !out)
            waiter_add(it->file->ops->queue(it->file, i), &it->w[i]);
    }
}

/* Clears the file's list last: file_put reads it without the lock, and may then free the file. */
static void item_unlink_locked(struct epitem **pp)
{
    struct epitem *it = *pp, **fp = &it->file->epitems;
    struct epoll *ep = it->ep;

    waiter_remove(&it->w[0]);
    waiter_remove(&it->w[1]);
    *pp = it->hash_next;
    ep->nitems--;
    while (*fp != it)
        fp = &(*fp)->file_next;
    lock(&ep->lock);
    ready_remove_locked(ep, it);
    it->file = NULL;
    unlock(&ep->lock);
    __atomic_store_n(fp, it->file_next, __ATOMIC_RELEASE);
    item_put(it);
}

void epoll_file_closed(struct file *f)
{
    lock(&control.lock);
    while (f->epitems) {
        struct epitem *it = f->epitems;
        item_unlink_locked(item_find_locked(it->ep, it->fd, f));
    }
    unlock(&control.lock);
}

/* ---- the set as a file -------------------------------------------------------------------- */

static int64_t no_read(struct file *f, void *buf, size_t n)
{
    (void)f, (void)buf, (void)n;
    return -L_EINVAL;
}

static int64_t no_write(struct file *f, const void *buf, size_t n)
{
    (void)f, (void)buf, (void)n;
    return -L_EINVAL;
}

/* Items that are not ready any more leave the list. Sets nest NEST_MAX deep at most. */
static unsigned epoll_poll(struct file *file)
{
    struct epoll *ep = file->priv;
    struct epitem *it;
    struct file *f;
    bool ready = false;

    while (!ready && (it = ready_take(ep, &f))) {
        ready = file_poll(f) & __atomic_load_n(&it->events, __ATOMIC_RELAXED) & ~EP_PRIVATE;
        if (ready)
            ready_return(ep, it);
        file_put(f);
        item_put(it);
    }
    return ready ? L_POLLIN : 0;
}

static struct waitq *epoll_queue(struct file *f, bool write)
{
    (void)write; /* waking it for what is read does no harm */
    return &((struct epoll *)f->priv)->pollers;
}

static void epoll_release(struct file *f)
{
    struct epoll *ep = f->priv;

    lock(&control.lock);
    for (unsigned i = 0; i < ep->nbuckets; i++)
        while (ep->bucket[i])
            item_unlink_locked(&ep->bucket[i]);
    unlock(&control.lock);
    epoll_put(ep);
}

static const struct file_ops epoll_ops = {
    .read = no_read, .write = no_write, .poll = epoll_poll, .queue = epoll_queue,
    .release = epoll_release, .anon = "[eventpoll]",
};

static struct epoll *epoll_of(const struct file *f)
{
    return f->ops == &epoll_ops ? f->priv : NULL;
}

static int64_t epoll_new(uint64_t flags)
{
    struct epoll *ep = os_alloc(sizeof *ep);

    if (!ep)
        return -L_ENOMEM;
    ep->refs = 1;
    ep->later.fn = later_wake;
    lock_init(&ep->lock, "epoll ready", RANK_NOTIFY);
    waitq_init(&ep->waiters);
    waitq_init(&ep->pollers);
    ep->nbuckets = BUCKETS_FIRST;
    ep->bucket = os_alloc(ep->nbuckets * sizeof *ep->bucket);
    struct file *f = ep->bucket ? file_new_anon(0600, L_O_RDWR, &epoll_ops, ep) : NULL;
    ep->file = f;
    if (f)
        return fd_install(f, flags & L_O_CLOEXEC, 0);
    epoll_put(ep);
    return -L_ENOMEM;
}

int64_t sys_epoll_create(struct call *c)
{
    return (int32_t)c->a[0] <= 0 ? -L_EINVAL : epoll_new(0);
}

int64_t sys_epoll_create1(struct call *c)
{
    return c->a[0] & ~(uint64_t)L_O_CLOEXEC ? -L_EINVAL : epoll_new(c->a[0]);
}

/* ---- epoll_ctl ---------------------------------------------------------------------------- */

/* How many sets deep is ep, counting itself? More than NEST_MAX where it leads to `to`. */
static unsigned depth_locked(const struct epoll *ep, const struct epoll *to, unsigned above)
{
    unsigned deepest = 1;

    if (ep == to || above > NEST_MAX)
        return NEST_MAX + 1;
    for (unsigned i = 0; i < ep->nbuckets; i++)
        for (const struct epitem *it = ep->bucket[i]; it; it = it->hash_next) {
            const struct epoll *in = epoll_of(it->file);
            unsigned d = in ? 1 + depth_locked(in, to, above + 1) : 1;
            deepest = d > deepest ? d : deepest;
        }
    return deepest;
}

/* How deep the sets nest that f, a set itself, is in: 1 if it is in none. */
static unsigned height_locked(const struct file *f, unsigned below)
{
    unsigned highest = 1;

    if (below > NEST_MAX)
        return NEST_MAX + 1;
    for (const struct epitem *it = f->epitems; it; it = it->file_next) {
        unsigned h = 1 + height_locked(it->ep->file, below + 1);
        highest = h > highest ? h : highest;
    }
    return highest;
}

static int64_t item_add_locked(struct epoll *ep, struct file *set, int32_t fd, struct file *f,
                               const struct l_epoll_event *ev, struct epitem **out)
{
    const struct epoll *in = epoll_of(f);

    if (in && depth_locked(in, ep, 1) + height_locked(set, 1) > NEST_MAX + 1)
        return -L_ELOOP;
    struct epitem *it = os_alloc(sizeof *it);
    if (!it)
        return -L_ENOMEM;
    if (ep->nitems >= ep->nbuckets)
        buckets_grow_locked(ep);
    *it = (struct epitem){.refs = 2, .ep = ep, .file = f, .fd = fd, .data = ev->data,
                          .events = ev->events | L_POLLERR | L_POLLHUP};
    struct epitem **pp = &ep->bucket[(uint32_t)fd % ep->nbuckets];
    it->hash_next = *pp;
    *pp = it;
    ep->nitems++;
    it->file_next = f->epitems;
    __atomic_store_n(&f->epitems, it, __ATOMIC_RELEASE);
    item_queue_locked(it, it->events);
    *out = it;
    return 0;
}

static void item_change_locked(struct epitem *it, const struct l_epoll_event *ev)
{
    lock(&it->ep->lock);
    it->data = ev->data;
    unlock(&it->ep->lock);
    __atomic_store_n(&it->events, ev->events | L_POLLERR | L_POLLHUP, __ATOMIC_SEQ_CST);
    waiter_remove(&it->w[0]);
    waiter_remove(&it->w[1]);
    item_queue_locked(it, ev->events);
    __atomic_add_fetch(&it->refs, 1, __ATOMIC_RELAXED);
}

/* *out: an item to look at, referenced, or NULL. */
static int64_t ctl_locked(struct file *set, int op, int32_t fd, struct file *f,
                          const struct l_epoll_event *ev, struct epitem **out)
{
    struct epoll *ep = set->priv;
    struct epitem **pp = item_find_locked(ep, fd, f), *it = *pp;

    switch (op) {
    case CTL_ADD:
        return it ? -L_EEXIST : item_add_locked(ep, set, fd, f, ev, out);
    case CTL_DEL:
        if (!it)
            return -L_ENOENT;
        item_unlink_locked(pp);
        return 0;
    case CTL_MOD:
        if (!it)
            return -L_ENOENT;
        if (it->events & EP_EXCLUSIVE)
            return -L_EINVAL;
        item_change_locked(it, ev);
        *out = it;
        return 0;
    default:
        return -L_EINVAL;
    }
}

static int64_t ctl_check(const struct file *set, int op, const struct file *f,
                         const struct l_epoll_event *ev)
{
    if (!f->ops || !f->ops->queue)
        return -L_EPERM;
    if (f == set || !epoll_of(set))
        return -L_EINVAL;
    if (op != CTL_DEL && ev->events & EP_EXCLUSIVE &&
        (op == CTL_MOD || epoll_of(f) || ev->events & ~EP_EXCLUSIVE_OK))
        return -L_EINVAL;
    return 0;
}

int64_t sys_epoll_ctl(struct call *c)
{
    struct l_epoll_event ev = {0};
    int op = (int32_t)c->a[1];
    struct epitem *it = NULL;

    if (op != CTL_DEL && copy_in(c, &ev, c->a[3], sizeof ev))
        return -L_EFAULT;
    struct file *set = call_file(c, c->a[0]), *f = set ? fd_get((int32_t)c->a[2]) : NULL;
    if (!f)
        return -L_EBADF;
    int64_t err = ctl_check(set, op, f, &ev);
    if (!err) {
        lock(&control.lock);
        err = ctl_locked(set, op, (int32_t)c->a[2], f, &ev, &it);
        unlock(&control.lock);
    }
    if (it) {
        item_look(it, f);
        item_put(it);
    }
    file_put(f);
    return err;
}

/* ---- epoll_wait ----------------------------------------------------------------------------- */

/* Turns a one-shot item off before its file is asked, so that of two CPUs that ask only one reports
 * it. *events: what it was on for. False: another CPU has turned it off or changed it. */
static bool shot_take(struct epitem *it, uint32_t *events)
{
    return !(*events & EP_ONESHOT) ||
           (*events & ~EP_PRIVATE &&
            __atomic_compare_exchange_n(&it->events, events, *events & EP_PRIVATE, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
}

/* Turns a one-shot item that was not reported on again, and lists it if it is ready by now. */
static void shot_give_back(struct epitem *it, uint32_t events, struct file *f)
{
    uint32_t off = events & EP_PRIVATE;

    if (events & EP_ONESHOT &&
        __atomic_compare_exchange_n(&it->events, &off, events, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_RELAXED))
        item_look(it, f);
}

/* Reports one item at `to`. 1: done; 0: it is not ready; -L_EFAULT: the item is as before. */
static int64_t item_tell(const struct call *c, struct epitem *it, struct file *f, uint64_t to)
{
    uint32_t events = __atomic_load_n(&it->events, __ATOMIC_SEQ_CST);

    if (!shot_take(it, &events))
        return 0;
    struct l_epoll_event ev = {file_poll(f) & events & ~EP_PRIVATE, 0};
    lock(&it->ep->lock);
    ev.data = it->data;
    unlock(&it->ep->lock);
    bool fault = ev.events && copy_out(c, to, &ev, sizeof ev);
    if (fault || !ev.events)
        shot_give_back(it, events, f);
    if (fault || (ev.events && !(events & (EP_ET | EP_ONESHOT))))
        ready_return(it->ep, it);
    return fault ? -L_EFAULT : ev.events != 0;
}

/* Each item that is on the list now is looked at once. */
static int64_t collect(const struct call *c, struct epoll *ep, unsigned max)
{
    unsigned told = 0;
    struct file *f;

    lock(&ep->lock);
    unsigned n = ep->nready;
    unlock(&ep->lock);
    for (; n && told < max; n--) {
        struct epitem *it = ready_take(ep, &f);
        if (!it)
            break;
        int64_t r = item_tell(c, it, f, c->a[1] + told * sizeof(struct l_epoll_event));
        file_put(f);
        item_put(it);
        if (r < 0)
            return told ? told : r;
        told += (unsigned)r;
    }
    lock(&ep->lock);
    if (ep->first) /* others that wait for the set get what is left */
        wake_later_locked(ep, false);
    unlock(&ep->lock);
    return told;
}

/* timeout in ns, negative: none. */
static int64_t wait_until(struct call *c, int64_t timeout)
{
    int32_t max = (int32_t)c->a[2];

    if (max <= 0 || max > INT32_MAX / (int32_t)sizeof(struct l_epoll_event))
        return -L_EINVAL;
    if (!user_range(c, c->a[1], (uint64_t)max * sizeof(struct l_epoll_event)))
        return -L_EFAULT;
    struct file *f = call_file(c, c->a[0]);
    if (!f)
        return -L_EBADF;
    struct epoll *ep = epoll_of(f);
    if (!ep)
        return -L_EINVAL;
    do {
        int64_t r = collect(c, ep, (unsigned)max);
        if (r || !timeout || (timeout > 0 && call_deadline(c, poll_deadline(timeout))))
            return r;
    } while (call_wait_exclusive(c, &ep->waiters));
    return SYS_BLOCK;
}

int64_t sys_epoll_wait(struct call *c)
{
    return wait_until(c, (int64_t)(int32_t)c->a[3] * 1000000);
}

int64_t sys_epoll_pwait(struct call *c)
{
    int64_t timeout = (int64_t)(int32_t)c->a[3] * 1000000;

    return poll_masked(c, c->a[4], c->a[5], timeout, wait_until, true);
}

int64_t sys_epoll_pwait2(struct call *c)
{
    int64_t timeout, err = poll_timespec(c, c->a[3], &timeout);

    return err ? err : poll_masked(c, c->a[4], c->a[5], timeout, wait_until, true);
}
