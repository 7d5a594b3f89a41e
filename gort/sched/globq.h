/* globq.h - the queue that all Ps share: sched.runq_head, a list by schedlink, [sched.lock].
 *
 * Here come goroutines that yield or are preempted, that are readied without a P, and those for
 * which a P's ring has no room.
 *
 * With the boot option globalqueue all come here and are taken one at a time: Ps' rings and runnext
 * stay empty, and nothing is stolen. So Go's first scheduler worked, with an M for each thread and
 * no P; scripts/history measures what it costs. */
#ifndef GORT_SCHED_GLOBQ_H
#define GORT_SCHED_GLOBQ_H

#include <stdbool.h>
#include "gort/g.h"

/* sched.lock is held: n goroutines to the tail. */
void globq_put_list(struct g *head, struct g *tail, unsigned n);
/* gp into p's queue, p being this CPU's; what does not fit goes to the global one. */
void local_put(struct p *p, struct g *gp, bool next);
/* This P's fair share of the global queue, or `one`: one to run, the rest into the ring (which
 * is empty or nearly so: at most half of it is filled). NULL: it is empty. */
struct g *globq_get(struct p *p, bool one);

#endif
