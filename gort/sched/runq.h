/* runq.h - a P's run queue: a ring of 256 goroutines and one `runnext`.
 *
 *        tail (owner alone)                     head (owner and thieves, by CAS)
 *         v                                      v
 *   [ .. | g | g | g | g | .. ]    pushed at tail, taken at head, both count upward for ever
 *
 * Invariant: head <= tail <= head + 256 (as uint32 differences). Only the owner of the P
 * writes slots and tail; a thief copies slots first and then claims them by moving head, so
 * a failed CAS means that the copies are worthless. runnext may be stolen too. */
#ifndef GORT_SCHED_RUNQ_H
#define GORT_SCHED_RUNQ_H

#include <stdbool.h>
#include <stdint.h>
#include "gort/g.h"
#include "gort/sched/mp.h"

/* Owner: puts gp at the tail, or, with `next`, into runnext, whose old content goes to the
 * tail. Returns NULL, or the head of a list (linked by schedlink, *n long) that did not fit:
 * half the ring and the goroutine itself, for the global queue. */
struct g *runq_put(struct p *p, struct g *gp, bool next, unsigned *n);
/* Owner: runnext first (*inherit = true: it goes on with the running time slice), else the
 * head; NULL if empty. */
struct g *runq_get(struct p *p, bool *inherit);
/* Owner `p` steals half of victim's ring (or, if `take_next`, its runnext when there is
 * nothing else) and returns one of them to run; NULL if there was nothing. */
struct g *runq_steal(struct p *p, struct p *victim, bool take_next);
/* Owner: nobody but it adds, so what is empty stays so. */
static inline bool runq_mine_empty(const struct p *p)
{
    return !__atomic_load_n(&p->runnext, __ATOMIC_RELAXED) &&
           __atomic_load_n(&p->runq_head, __ATOMIC_RELAXED) == p->runq_tail;
}
/* Owner: what runq_put does with `next` when runnext is empty. */
static inline void runq_put_alone(struct p *p, struct g *gp)
{
    __atomic_store_n(&p->runnext, gp, __ATOMIC_RELEASE);
}
/* Any CPU, approximate unless the P is stopped. */
bool runq_empty(const struct p *p);
unsigned runq_len(const struct p *p);

#endif
