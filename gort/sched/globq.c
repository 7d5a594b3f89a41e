/* globq.c - see globq.h. */
#include "gort/sched/globq.h"
#include "gort/sched/runq.h"
#include "gort/sched/sched.h"
#include "kernel/options.h"

void globq_put_list(struct g *head, struct g *tail, unsigned n)
{
    tail->schedlink = NULL;
    if (sched.runq_tail)
        sched.runq_tail->schedlink = head;
    else
        sched.runq_head = head;
    sched.runq_tail = tail;
    __atomic_store_n(&sched.runq_size, sched.runq_size + n, __ATOMIC_SEQ_CST);
}

static struct g *globq_pop(void)
{
    struct g *gp = sched.runq_head;

    if (!gp)
        return NULL;
    sched.runq_head = gp->schedlink;
    if (!sched.runq_head)
        sched.runq_tail = NULL;
    sched.runq_size--;
    return gp;
}

void injectglist(struct g *head, struct g *tail, unsigned n)
{
    lock(&sched.lock);
    globq_put_list(head, tail, n);
    unlock(&sched.lock);
    wake_p();
}

void local_put(struct p *p, struct g *gp, bool next)
{
    unsigned n;
    struct g *list = runq_put(p, gp, next, &n);

    if (!list)
        return;
    struct g *tail = list;
    while (tail->schedlink)
        tail = tail->schedlink;
    lock(&sched.lock);
    globq_put_list(list, tail, n);
    unlock(&sched.lock);
}

struct g *globq_get(struct p *p, bool one)
{
    if (__atomic_load_n(&sched.runq_size, __ATOMIC_RELAXED) == 0)
        return NULL;
    lock(&sched.lock);
    unsigned n = one || options.globalqueue ? 1 : sched.runq_size / gomaxprocs + 1;
    if (n > RUNQ_SIZE / 2)
        n = RUNQ_SIZE / 2;
    struct g *first = globq_pop();
    struct g *rest = NULL, **link = &rest;
    for (unsigned i = 1; first && i < n; i++) {
        struct g *gp = globq_pop();
        if (!gp)
            break;
        *link = gp;
        link = &gp->schedlink;
    }
    *link = NULL;
    unlock(&sched.lock);
    while (rest) {
        struct g *gp = rest;
        rest = gp->schedlink;
        local_put(p, gp, false);
    }
    return first;
}
