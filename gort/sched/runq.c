/* runq.c - see runq.h. After Go's proc.go: a ring that its P fills and any CPU steals half of. No
 * dependency on the machine: the host tests run this file. */
#include "gort/sched/runq.h"

#define LOAD_ACQ(x)     __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define LOAD_RLX(x)     __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define STORE_REL(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELEASE)
#define STORE_RLX(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

static bool head_claim(struct p *p, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(&p->runq_head, &from, to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* The ring is full: take its older half and gp out as a list. NULL if a thief was faster. */
__attribute__((noinline)) /* its array would cost every runq_put */
static struct g *take_half(struct p *p, struct g *gp, uint32_t head, unsigned *n)
{
    struct g *batch[RUNQ_SIZE / 2 + 1];
    const unsigned half = RUNQ_SIZE / 2;

    for (unsigned i = 0; i < half; i++)
        batch[i] = LOAD_RLX(p->runq[(head + i) % RUNQ_SIZE]);
    if (!head_claim(p, head, head + half))
        return NULL;
    batch[half] = gp;
    for (unsigned i = 0; i < half; i++)
        batch[i]->schedlink = batch[i + 1];
    gp->schedlink = NULL;
    *n = half + 1;
    return batch[0];
}

struct g *runq_put(struct p *p, struct g *gp, bool next, unsigned *n)
{
    if (next) {
        if (!LOAD_RLX(p->runnext)) { /* nobody but its owner fills it */
            runq_put_alone(p, gp);
            return NULL;
        }
        gp = __atomic_exchange_n(&p->runnext, gp, __ATOMIC_ACQ_REL);
        if (!gp)
            return NULL;
    }
    for (;;) {
        uint32_t head = LOAD_ACQ(p->runq_head);
        uint32_t tail = LOAD_RLX(p->runq_tail);

        if (tail - head < RUNQ_SIZE) {
            STORE_RLX(p->runq[tail % RUNQ_SIZE], gp);
            STORE_REL(p->runq_tail, tail + 1);
            return NULL;
        }
        struct g *list = take_half(p, gp, head, n);
        if (list)
            return list;
    }
}

struct g *runq_get(struct p *p, bool *inherit)
{
    struct g *gp = LOAD_RLX(p->runnext);

    *inherit = false;
    if (gp && __atomic_compare_exchange_n(&p->runnext, &gp, NULL, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_RELAXED)) {
        *inherit = true;
        return gp;
    }
    for (;;) {
        uint32_t head = LOAD_ACQ(p->runq_head);

        if (head == LOAD_RLX(p->runq_tail))
            return NULL;
        gp = LOAD_RLX(p->runq[head % RUNQ_SIZE]);
        if (head_claim(p, head, head + 1))
            return gp;
    }
}

/* Copies half of the victim's ring to where p's tail will be and claims it. */
static unsigned grab(struct p *p, struct p *victim, bool take_next)
{
    uint32_t mine = LOAD_RLX(p->runq_tail);

    for (;;) {
        uint32_t head = LOAD_ACQ(victim->runq_head);
        uint32_t tail = LOAD_ACQ(victim->runq_tail);
        uint32_t n = tail - head;

        n -= n / 2;
        if (n == 0) {
            struct g *gp = take_next ? LOAD_ACQ(victim->runnext) : NULL;
            if (!gp)
                return 0;
            if (!__atomic_compare_exchange_n(&victim->runnext, &gp, NULL, false,
                                             __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
                continue;
            STORE_RLX(p->runq[mine % RUNQ_SIZE], gp);
            return 1;
        }
        if (n > RUNQ_SIZE / 2) /* head and tail were read at different times */
            continue;
        for (uint32_t i = 0; i < n; i++) {
            struct g *gp = LOAD_RLX(victim->runq[(head + i) % RUNQ_SIZE]);
            STORE_RLX(p->runq[(mine + i) % RUNQ_SIZE], gp);
        }
        if (head_claim(victim, head, head + n))
            return n;
    }
}

struct g *runq_steal(struct p *p, struct p *victim, bool take_next)
{
    unsigned n = grab(p, victim, take_next);

    if (n == 0)
        return NULL;
    n--;
    uint32_t tail = LOAD_RLX(p->runq_tail);
    struct g *gp = LOAD_RLX(p->runq[(tail + n) % RUNQ_SIZE]);
    if (n)
        STORE_REL(p->runq_tail, tail + n);
    return gp;
}

/* Consistent: runnext is read between two equal reads of tail, so that a goroutine kicked
 * from runnext into the ring is seen in one place or the other. */
bool runq_empty(const struct p *p)
{
    for (;;) {
        uint32_t head = LOAD_ACQ(p->runq_head);
        uint32_t tail = LOAD_ACQ(p->runq_tail);
        const struct g *next = __atomic_load_n(&p->runnext, __ATOMIC_ACQUIRE);

        if (tail == LOAD_ACQ(p->runq_tail))
            return head == tail && !next;
    }
}

unsigned runq_len(const struct p *p)
{
    return LOAD_ACQ(p->runq_tail) - LOAD_ACQ(p->runq_head) + (LOAD_ACQ(p->runnext) ? 1 : 0);
}
