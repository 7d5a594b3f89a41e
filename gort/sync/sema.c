/* sema.c - what sync's mutexes and wait groups, and sync.Cond, sleep on. After Go's sema.go.
 *
 * A semaphore is a uint32 of the program. Those with waiters are found through a table of
 * roots, by address; each root holds a treap (binary tree by address, heap by random ticket)
 * with one node per address, whose further waiters hang in a list:
 *
 *   root -> node(addr A) -prev-> node(addr < A)      node -waitlink-> 2nd -> ... <- waittail
 *                        -next-> node(addr > A)
 *
 * No wake-up is lost: a sleeper raises root.nwait, then looks at the semaphore once more; a
 * releaser raises the semaphore, then looks at root.nwait.
 *
 * A woken goroutine tries again like everybody else, except after a hand-off (sync.Mutex in
 * starvation mode): then the releaser has taken the semaphore for it and says so by
 * g.param != NULL, and gives it the CPU at once. */
#include <stddef.h>
#include "gort/dying.h"
#include "arch/x86_64/arch.h"
#include "gort/sync/chan.h"
#include "gort/sched/runq.h"
#include "gort/sched/sched.h"
#include "gort/sync/waitprof.h"
#include "kernel/random.h"
#include "rt_frames.h"

_Static_assert(WAIT_SEMACQUIRE == 12 && WAIT_SYNC_MUTEX_LOCK == 15 &&
                   WAIT_SYNC_RWMUTEX_RLOCK == 16 && WAIT_SYNC_RWMUTEX_LOCK == 17 &&
                   WAIT_SYNC_WAITGROUP == 18 && WAIT_SYNCTEST_WAITGROUP == 38,
               "overlay/sema.go has these numbers");

enum { ROOTS = 251, NOTIFY_LOCKS = 64, SPIN_ROUNDS = 4 };

struct root {
    struct lock lock;
    struct sudog *top;  /* [lock] */
    uint32_t nwait;     /* [atomic] */
} __attribute__((aligned(64)));

static struct root roots[ROOTS] = {
    [0 ... ROOTS - 1] = { .lock = LOCK_INIT("sema", RANK_SEMA) }
};

static struct root *root_lock(const uint32_t *addr)
{
    struct root *r = &roots[((uintptr_t)addr >> 3) % ROOTS];

    lock(&r->lock);
    return r;
}

static bool sema_try(uint32_t *addr)
{
    uint32_t v = __atomic_load_n(addr, __ATOMIC_SEQ_CST);

    while (v != 0)
        if (__atomic_compare_exchange_n(addr, &v, v - 1, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return true;
    return false;
}

/* ---- treap (root locked) ---------------------------------------------------------------- */

/* Where the tree points at s: the root's top, or its parent's prev or next. */
static struct sudog **link_to(struct root *r, struct sudog *s)
{
    if (!s->parent)
        return &r->top;
    return s->parent->prev == s ? &s->parent->prev : &s->parent->next;
}

static void set_parent(struct sudog *child, struct sudog *parent)
{
    if (child)
        child->parent = parent;
}

/* Lifts s above its parent, keeping the order of addresses. */
static void lift(struct root *r, struct sudog *s)
{
    struct sudog *up = s->parent;

    *link_to(r, up) = s;
    s->parent = up->parent;
    if (up->prev == s) {
        up->prev = s->next;
        set_parent(up->prev, up);
        s->next = up;
    } else {
        up->next = s->prev;
        set_parent(up->next, up);
        s->prev = up;
    }
    up->parent = s;
}

/* s takes the place of old in the tree. */
static void replace(struct root *r, struct sudog *old, struct sudog *s)
{
    *link_to(r, old) = s;
    s->parent = old->parent;
    s->ticket = old->ticket;
    s->prev = old->prev;
    s->next = old->next;
    set_parent(s->prev, s);
    set_parent(s->next, s);
    old->parent = old->prev = old->next = NULL;
}

static void append(struct sudog *node, struct sudog *s)
{
    if (node->waittail)
        node->waittail->waitlink = s;
    else
        node->waitlink = s;
    node->waittail = s;
}

/* s becomes the node, the old node the first of the list behind it. */
static void put_before(struct root *r, struct sudog *node, struct sudog *s)
{
    replace(r, node, s);
    s->waitlink = node;
    s->waittail = node->waittail ? node->waittail : node;
    node->waittail = NULL;
}

static void queue(struct root *r, struct sudog *s, bool lifo)
{
    struct sudog *parent = NULL, **link = &r->top;

    for (struct sudog *t; (t = *link); parent = t) {
        if (t->elem == s->elem) {
            if (lifo)
                put_before(r, t, s);
            else
                append(t, s);
            return;
        }
        link = (uintptr_t)s->elem < (uintptr_t)t->elem ? &t->prev : &t->next;
    }
    s->ticket = (uint32_t)random_fast() | 1;
    s->parent = parent;
    *link = s;
    while (s->parent && s->parent->ticket > s->ticket)
        lift(r, s);
}

/* Takes the first waiter on addr. NULL: there is none. */
static struct sudog *dequeue(struct root *r, const uint32_t *addr)
{
    struct sudog *s = r->top;

    while (s && s->elem != addr)
        s = (uintptr_t)addr < (uintptr_t)s->elem ? s->prev : s->next;
    if (!s)
        return NULL;
    struct sudog *second = s->waitlink;
    if (second) {
        replace(r, s, second);
        second->waittail = second->waitlink ? s->waittail : NULL;
    } else {
        while (s->prev || s->next) {
            bool left = !s->next || (s->prev && s->prev->ticket < s->next->ticket);
            lift(r, left ? s->prev : s->next);
        }
        *link_to(r, s) = NULL;
    }
    s->parent = s->waitlink = s->waittail = NULL;
    s->elem = NULL;
    return s;
}

/* ---- semaphores ---------------------------------------------------------------------------- */

static const char handed_over[8]; /* g.param of one who need not try again */

/* Parks until released, unless the semaphore can be had. parked: look at g.param. */
void rt_semacquireg(struct semacquireg_frame *f)
{
    struct g *gp = g_calling();
    struct root *r = root_lock(f->addr);

    __atomic_add_fetch(&r->nwait, 1, __ATOMIC_SEQ_CST);
    f->parked = false;
    if (sema_try(f->addr)) {
        __atomic_sub_fetch(&r->nwait, 1, __ATOMIC_SEQ_CST);
        unlock(&r->lock);
        return;
    }
    struct sudog *s = sudog_own(gp);
    s->elem = f->addr;
    s->acquiretime = f->reason == WAIT_SYNC_WAITGROUP || f->reason == WAIT_SEMACQUIRE
                         ? 0 : mutex_start();
    if (!gp->block_since) /* else it was woken in vain: one wait */
        block_start(gp);
    queue(r, s, f->lifo);
    gp->param = NULL;
    f->parked = true;
    g_park_g0(gp, &r->lock, (enum wait_reason)f->reason);
}

static struct g *sema_waiter(uint32_t *addr, int64_t *since)
{
    struct root *r = &roots[((uintptr_t)addr >> 3) % ROOTS];

    if (__atomic_load_n(&r->nwait, __ATOMIC_SEQ_CST) == 0)
        return NULL;
    lock(&r->lock);
    struct sudog *s = r->nwait ? dequeue(r, addr) : NULL;
    if (s)
        __atomic_sub_fetch(&r->nwait, 1, __ATOMIC_SEQ_CST);
    unlock(&r->lock);
    if (!s)
        return NULL;
    struct g *gp = s->g;
    *since = s->acquiretime;
    sudog_own_done(s);
    return gp;
}

/* An unlocked mutex's waiter runs at once where there is one P. Otherwise it would come to run
 * when the slice of who unlocks is over, and until then each Lock and Unlock goes the long way,
 * because somebody waits. With more Ps another may take the mutex meanwhile, and the switch is in
 * vain. */
static bool runs_at_once(const struct semreleaseg_frame *f) { return f->mutex && gomaxprocs == 1; }

void rt_semreleaseg(struct semreleaseg_frame *f)
{
    uint32_t *addr = f->addr;

    __atomic_add_fetch(addr, 1, __ATOMIC_SEQ_CST);
    int64_t since;
    struct g *gp = sema_waiter(addr, &since);
    if (!gp)
        return;
    mutex_done(g_calling(), since, 2 + f->skip); /* the gate, and its caller here */
    bool handoff = f->handoff && sema_try(addr);
    gp->param = handoff ? (void *)(uintptr_t)handed_over : NULL;
    g_ready(gp);
    if ((handoff || runs_at_once(f)) && m_self()->locks == 0)
        g_yield_g0(g_calling()); /* gp is next here, and inherits our slice */
}

/* sync.Mutex may spin a little if its holder runs on another CPU and nothing waits here. */
void rt_canspin(struct canspin_frame *f)
{
    uint32_t idle = __atomic_load_n(&sched.npidle, __ATOMIC_RELAXED) +
                    __atomic_load_n(&sched.nmspinning, __ATOMIC_RELAXED);

    f->ok = f->i < SPIN_ROUNDS && ncpu > 1 && gomaxprocs > idle + 1 && runq_empty(p_self());
}

/* ---- sync.Cond -------------------------------------------------------------------------- */

struct notify_list {    /* abi: sync/runtime2.go, notifyList */
    uint32_t wait;      /* [atomic] next ticket; notifyListAdd in overlay/sema.go draws it */
    uint32_t notify;    /* [lock, atomic reads] first ticket not yet notified */
    uintptr_t unused;   /* where upstream has its lock: ours are in a table */
    struct sudog *head, *tail; /* [lock] linked by next */
};

static struct lock notify_locks[NOTIFY_LOCKS] = {
    [0 ... NOTIFY_LOCKS - 1] = LOCK_INIT("notify", RANK_NOTIFY)
};

static struct lock *notify_lock(const struct notify_list *l)
{
    struct lock *lk = &notify_locks[((uintptr_t)l >> 4) % NOTIFY_LOCKS];

    lock(lk);
    return lk;
}

void rt_notifywait(struct notifywait_frame *f)
{
    struct notify_list *l = f->list;
    struct lock *lk = notify_lock(l);

    if ((int32_t)(f->ticket - l->notify) < 0) { /* notified between Add and here */
        unlock(lk);
        return;
    }
    struct sudog *s = sudog_own(g_calling());
    block_start(s->g);
    s->ticket = f->ticket;
    s->elem = l; /* for leak.c */
    if (l->tail)
        l->tail->next = s;
    else
        l->head = s;
    l->tail = s;
    g_park_g0(s->g, lk, WAIT_SYNC_COND);
}

static void notified(struct sudog *s)
{
    struct g *gp = s->g;

    if (gp->bubble && gp->bubble != g_calling()->bubble)
        gate_panic(g_calling(), GATE_FATAL,
                   "semaphore wake of synctest goroutine from outside bubble");
    s->next = NULL;
    s->elem = NULL;
    sudog_own_done(s);
    g_ready(gp);
}

void rt_notifyall(struct notifyall_frame *f)
{
    struct notify_list *l = f->list;
    struct lock *lk = notify_lock(l);
    struct sudog *s = l->head;

    l->head = l->tail = NULL;
    __atomic_store_n(&l->notify, __atomic_load_n(&l->wait, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
    unlock(lk);
    while (s) {
        struct sudog *next = s->next;
        notified(s);
        s = next;
    }
}

/* Notifies the lowest ticket. Its owner may not have come to wait yet: it will see that. */
void rt_notifyone(struct notifyone_frame *f)
{
    struct notify_list *l = f->list;
    struct lock *lk = notify_lock(l);
    struct sudog *s = NULL, *prev = NULL;
    uint32_t t = l->notify;

    if (t != __atomic_load_n(&l->wait, __ATOMIC_SEQ_CST)) {
        __atomic_store_n(&l->notify, t + 1, __ATOMIC_SEQ_CST);
        for (s = l->head; s && s->ticket != t; s = s->next)
            prev = s;
    }
    if (s) {
        if (prev)
            prev->next = s->next;
        else
            l->head = s->next;
        if (!s->next)
            l->tail = prev;
    }
    unlock(lk);
    if (s)
        notified(s);
}
