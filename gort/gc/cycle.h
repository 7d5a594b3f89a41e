/* cycle.h - the state of the collection under way, shared by gc.c and worker.c. */
#ifndef GORT_GC_CYCLE_H
#define GORT_GC_CYCLE_H

#include "gort/g.h"
#include "gort/gc/pacer.h"
#include "gort/gc/work.h"

struct gc_cycle {
    uint32_t running;      /* [atomic] from before the first stop until after the last */
    uint32_t active;       /* [atomic] workers and assists that may hold work */
    uint32_t workers;      /* [atomic] workers among them: one at least does not park */
    uint32_t finishing;    /* [atomic] */
    uint32_t ending;       /* [atomic] from the last stop until running is 0 */
    uint32_t dedicated;    /* [atomic] workers that have their CPU to themselves just now */
    struct pacer_workers wanted; /* [stw] */
    bool     enabled;      /* [const once the program has asked for it] */
    bool     forced;
    uint64_t ram_limit;
    uint64_t bytes_marked; /* [atomic] by P's that have published */
    uint64_t scan_work;    /* [atomic] */
    uint64_t scan_stack, scan_globals; /* [atomic] parts of scan_work */
    uint64_t roots;        /* bytes of globals and stacks: expected, then as found */
    uint64_t live_at_start;
    uint64_t runway;       /* bytes allocated while the last cycle marked */
    uint64_t last_marked;  /* bytes, for what to expect of the next one */
    int64_t  last_end_ns;
    uint64_t assist_ns;    /* this cycle's */
    uint64_t assist_ns_then; /* gc_metrics.assist_ns at the last cycle's end */
    int64_t  start_ns, stop1_ns, mark_ns; /* this cycle's */
    int64_t  cpu_ns, idle_ns; /* [atomic] of workers: beside others, and with nobody waiting */
    int64_t  cpu_total_ns;
};
extern struct gc_cycle gc_cycle;

extern struct lock gc_lock;
extern struct g *gc_idle_workers, *gc_assisters; /* [gc_lock] parked, linked by schedlink */

/* All that wait in a list go on. No locks held. */
void gc_wake_list(struct g **list);
/* gp, the caller, waits in a list; gc_lock is held. */
_Noreturn void gc_park_locked(struct g *gp, struct g **list, enum wait_reason why);
/* gp, the caller, goes to the tail of this P's queue. */
_Noreturn void gc_step_back(struct g *gp);

/* ---- worker.c ---------- */

/* A cycle has begun: workers run. */
void gc_wake_workers(void);
/* Adds w's counts to the cycle's, and hands the grey objects that w holds to the full list. */
void gc_publish(struct gcw *w);
#define GC_BATCH 32 /* objects between two looks at the clock and at who waits for this CPU */
/* Marks up to GC_BATCH objects of p's queue. False: it had none. */
bool gc_mark_some(struct p *p);
/* The CPU time since the last call goes into the limiter's bucket, unless another CPU is at it or
 * that was a moment ago. g0. */
void gc_limiter_update(void);
/* Has collecting taken so much CPU time that assists are dropped (pacer.h)? Any context. */
bool gc_limiting(void);
/* Is everything marked, apart from what the write barriers' buffers may hold? */
bool gc_looks_complete(void);

/* ---- gc.c ---------- */

/* Ends the cycle if all is marked. May stop the world. */
void gc_finish(void);

#endif
