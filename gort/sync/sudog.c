/* sudog.c - waiters: a cache per P, refilled from and drained to a common pool in halves. */
#include <stddef.h>
#include "gort/sched/mp.h"
#include "gort/sync/chan.h"
#include "gort/sync/waitprof.h"
#include "mm/mm.h"

struct wait_profile wait_profile;

enum { CACHE_MAX = 128, BATCH = 64, SLAB = 32 };

static struct {
    struct lock lock;
    struct sudog *first; /* [lock] linked by next */
} pool = { .lock = LOCK_INIT("sudog", RANK_SUDOG) };

static void cache_put(struct p *p, struct sudog *s)
{
    s->next = p->sudog_cache;
    p->sudog_cache = s;
    p->sudog_count++;
}

static struct sudog *cache_get(struct p *p)
{
    struct sudog *s = p->sudog_cache;

    p->sudog_cache = s->next;
    p->sudog_count--;
    return s;
}

static void cache_refill(struct p *p)
{
    lock(&pool.lock);
    for (int i = 0; i < BATCH && pool.first; i++) {
        struct sudog *s = pool.first;
        pool.first = s->next;
        cache_put(p, s);
    }
    unlock(&pool.lock);
    if (p->sudog_cache)
        return;
    struct sudog *slab = persistent_alloc(SLAB * sizeof *slab, 64, NULL);
    for (int i = 0; i < SLAB; i++)
        cache_put(p, &slab[i]);
}

struct sudog *sudog_acquire(void)
{
    struct p *p = p_self();

    CHECK(p, "sudog wanted without a P");
    if (!p->sudog_cache)
        cache_refill(p);
    struct sudog *s = cache_get(p);
    *s = (struct sudog){ 0 };
    return s;
}

void sudog_release(struct sudog *s)
{
    struct p *p = p_self();

    CHECK(!s->elem && !s->waitlink && !s->is_select, "sudog %p: released in use (g %lu)",
          (void *)s, s->g ? (unsigned long)s->g->goid : 0);
    s->g = NULL;
    s->c = NULL;
    cache_put(p, s);
    if (p->sudog_count < CACHE_MAX)
        return;
    lock(&pool.lock);
    while (p->sudog_count > CACHE_MAX - BATCH) {
        struct sudog *x = cache_get(p);
        x->next = pool.first;
        pool.first = x;
    }
    unlock(&pool.lock);
}
