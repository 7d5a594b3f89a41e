/* sync.c - locks, over the runtime's semaphores (gort/sync/sema.c).
 *
 * A mutex's state is LOCKED, WOKEN (a waiter is on its way: wake no other) and the number of
 * waiters. A waiter that wakes competes with who comes by; it queues in front when it loses. */
#include "private.h"

enum { LOCKED = 1, WOKEN = 2, WAITER = 4 };
/* enum wait_reason of gort/g.h, for tracebacks. */
enum { WAIT_COND = 14, WAIT_MUTEX = 15, WAIT_RLOCK = 16, WAIT_WLOCK = 17, WAIT_WAITGROUP = 18 };

static bool sem_take(uint32_t *sem)
{
    uint32_t n = __atomic_load_n(sem, __ATOMIC_SEQ_CST);

    while (n > 0)
        if (__atomic_compare_exchange_n(sem, &n, n - 1, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return true;
    return false;
}

static void sem_acquire(uint32_t *sem, unsigned reason, bool first)
{
    while (!sem_take(sem)) {
        struct semacquireg_frame f = { .addr = sem, .lifo = first, .reason = reason };
        GATE(semacquireg, &f);
        if (!f.parked)
            return;
    }
}

void sem_wait_(uint32_t *sem, unsigned reason) { sem_acquire(sem, reason, false); }

void sem_post_(uint32_t *sem)
{
    struct semreleaseg_frame f = { .addr = sem };

    GATE(semreleaseg, &f);
}

static bool cas(uint32_t *p, uint32_t old, uint32_t new)
{
    return __atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static void lock_for(gort_mutex *m, unsigned reason)
{
    bool awoke = false;

    while (!cas(&m->state, 0, LOCKED)) {
        uint32_t old = __atomic_load_n(&m->state, __ATOMIC_SEQ_CST), new = old | LOCKED;
        if (old & LOCKED)
            new = old + WAITER;
        if (awoke)
            new &= ~(uint32_t)WOKEN;
        if (!cas(&m->state, old, new))
            continue;
        if (!(old & LOCKED))
            return;
        sem_acquire(&m->sema, reason, awoke);
        awoke = true;
    }
    if (awoke) /* the only state left was 0, so WOKEN is gone already */
        return;
}

void gort_lock(gort_mutex *m) { lock_for(m, WAIT_MUTEX); }
bool gort_try_lock(gort_mutex *m)
{
    uint32_t old = __atomic_load_n(&m->state, __ATOMIC_SEQ_CST);

    return !(old & LOCKED) && cas(&m->state, old, old | LOCKED);
}

void gort_unlock(gort_mutex *m)
{
    uint32_t old = __atomic_fetch_sub(&m->state, LOCKED, __ATOMIC_SEQ_CST);

    if (!(old & LOCKED))
        gort_fatal("sync: unlock of unlocked mutex");
    for (uint32_t s = old - LOCKED;; s = __atomic_load_n(&m->state, __ATOMIC_SEQ_CST)) {
        if (s < WAITER || (s & (LOCKED | WOKEN)))
            return;
        if (cas(&m->state, s, (s - WAITER) | WOKEN)) {
            sem_post_(&m->sema);
            return;
        }
    }
}

/* ---- readers and writers: a writer takes w, makes `readers` negative, waits for those inside. */

#define MANY (1 << 30)

void gort_rlock(gort_rwmutex *m)
{
    if (__atomic_add_fetch(&m->readers, 1, __ATOMIC_SEQ_CST) < 0)
        sem_wait_(&m->rsem, WAIT_RLOCK);
}

void gort_runlock(gort_rwmutex *m)
{
    int32_t r = __atomic_sub_fetch(&m->readers, 1, __ATOMIC_SEQ_CST);

    if (r >= 0)
        return;
    if (r + 1 == 0 || r + 1 == -MANY)
        gort_fatal("sync: RUnlock of unlocked RWMutex");
    if (__atomic_sub_fetch(&m->leaving, 1, __ATOMIC_SEQ_CST) == 0)
        sem_post_(&m->wsem);
}

void gort_wlock(gort_rwmutex *m)
{
    lock_for(&m->w, WAIT_WLOCK);
    int32_t r = __atomic_fetch_sub(&m->readers, MANY, __ATOMIC_SEQ_CST);
    if (r != 0 && __atomic_add_fetch(&m->leaving, r, __ATOMIC_SEQ_CST) != 0)
        sem_wait_(&m->wsem, WAIT_WLOCK);
}

void gort_wunlock(gort_rwmutex *m)
{
    int32_t r = __atomic_add_fetch(&m->readers, MANY, __ATOMIC_SEQ_CST);

    if (r >= MANY)
        gort_fatal("sync: Unlock of unlocked RWMutex");
    for (int32_t i = 0; i < r; i++)
        sem_post_(&m->rsem);
    gort_unlock(&m->w);
}

/* ---- conditions (struct notify_list of gort/sync/sema.c), wait groups, once ----------------- */

void gort_cond_wait(gort_cond *c, gort_mutex *m)
{
    struct notifywait_frame f = {
        .list = c, .ticket = __atomic_fetch_add(&c->wait, 1, __ATOMIC_SEQ_CST)
    };

    gort_unlock(m);
    GATE(notifywait, &f);
    gort_lock(m);
}

void gort_cond_signal(gort_cond *c)
{
    struct notifyone_frame f = { .list = c };

    GATE(notifyone, &f);
}

void gort_cond_broadcast(gort_cond *c)
{
    struct notifyall_frame f = { .list = c };

    GATE(notifyall, &f);
}

void gort_wg_add(gort_waitgroup *g, int delta)
{
    uint32_t wake = 0;

    gort_lock(&g->m);
    int32_t n = g->n += delta;
    if (n == 0) {
        wake = g->waiters;
        g->waiters = 0;
    }
    gort_unlock(&g->m);
    if (n < 0)
        gort_panic("sync: negative WaitGroup counter");
    while (wake--)
        sem_post_(&g->sema);
}

void gort_wg_done(gort_waitgroup *g) { gort_wg_add(g, -1); }

void gort_wg_wait(gort_waitgroup *g)
{
    gort_lock(&g->m);
    bool wait = g->n > 0;
    g->waiters += wait;
    gort_unlock(&g->m);
    if (wait)
        sem_wait_(&g->sema, WAIT_WAITGROUP);
}

void gort_once_do(gort_once *o, void (*fn)(void *), void *arg)
{
    if (__atomic_load_n(&o->done, __ATOMIC_ACQUIRE))
        return;
    gort_lock(&o->m);
    if (!o->done) {
        fn(arg);
        __atomic_store_n(&o->done, 1, __ATOMIC_RELEASE);
    }
    gort_unlock(&o->m);
}
