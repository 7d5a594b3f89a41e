/* gc.h - the collector: concurrent tri-color mark and sweep, non-moving.
 *
 *   off -> [stop: flush caches, barrier on, allocate black] -> mark -> [stop: barrier off,
 *   sweep_gen += 2] -> off, sweeping lazily
 *
 * Invariant while marking: no black object points to a white one that is not reachable from a
 * grey object or a grey stack. The hybrid barrier keeps it: before *slot = ptr it shades what
 * slot held and ptr. Stacks are scanned once; a scanned stack is black.
 *
 * Files: gc.c phases; trace.c what GODEBUG prints of them; worker.c who marks; mark.c roots,
 * greying, scanning; work.c queues of grey objects; wbbuf.c the barrier's buffers; sweep.c; pacer.c
 * when and how hard; final.c finalizers and other specials. */
#ifndef GORT_GC_GC_H
#define GORT_GC_GC_H

#include "gort/heap/mspan.h"

struct g;
struct p;

#define GC_PAUSES 256 /* as many as MemStats shows */

enum gc_phase { GC_OFF = 0, GC_MARK, GC_MARKTERM };

struct gc {
    uint32_t phase;          /* [stw] enum gc_phase */
    bool     barrier;        /* [stw] as the program's writeBarrier.enabled */
    bool     blacken;        /* [stw] assists and workers may mark */
    uint64_t heap_live;      /* [atomic] bytes: marked by the last cycle plus allocated since */
    uint64_t heap_scan;      /* [atomic] the part that may hold pointers */
    uint64_t heap_marked;    /* [stw] bytes marked by the last cycle */
    uint64_t trigger;        /* [atomic] heap_live that starts a cycle; ~0: never */
    uint64_t goal;           /* [atomic] heap_live to end it by; ~0: none */
    uint32_t cycles;         /* [stw] completed */
    uint32_t forced;         /* those of them that the program asked for */
    int32_t  percent;        /* [stw] GOGC; < 0: off */
    int64_t  limit;          /* [stw] GOMEMLIMIT in bytes */
    uint64_t pause_total_ns;
    uint64_t pause_ns[GC_PAUSES], pause_end[GC_PAUSES]; /* ring by cycle; ends in wall time */
    uint64_t last_wall_ns;   /* when the last cycle ended, since 1970 */
    double   cpu_fraction;   /* of all CPU time since start */
    uint64_t total_alloc, total_free; /* [atomic] bytes, of flushed spans */
};
extern struct gc gc;
extern void *gc_pool_cleanup; /* root: closure that empties sync.Pools */

/* ---- towards the allocator --------------------------------------------------------------- */

void gc_init(void);
/* Has the heap reached the trigger? */
static inline bool gc_wanted(void)
{
    return __atomic_load_n(&gc.heap_live, __ATOMIC_RELAXED) >=
           __atomic_load_n(&gc.trigger, __ATOMIC_RELAXED);
}
/* GOMEMLIMIT, or what the machine has: bytes. */
int64_t gc_limit_now(void);
/* In a gate: starts a cycle if one is wanted. Returns when it is on its way. */
void gc_start_if_wanted(void);
/* In a gate, while gc.blacken: the calling goroutine owes marking for `size` bytes. May stop
 * the world. False: the heap is past its goal and nothing is left to mark here; the goroutine
 * must wait for the cycle's end (the gate gc_assist_wait) and ask again. */
bool gc_assist(struct g *gp, size_t size);
/* In a gate, while not gc.blacken. False: a cycle is wanted that cannot begin yet, as the last one
 * is still being brought to its end: wait as for gc_assist. */
bool gc_may_allocate(void);
/* stack_hooks.wait_for_memory: a sweeper runs once the program has started it. */
void gc_wait_for_memory(struct g *gp);
/* mheap.stacks has grown: the heap's goal falls now and then. g0, locks may be held. */
void gc_stacks_grew(void);
/* Lazy memory has been touched (heap/lazy.h): the goal falls now and then, and a cycle may be due.
 * g0, no locks. */
void gc_touched(void);
/* The object at index i of s has just been allocated while marking: it is born black. */
void gc_mark_new(struct mspan *s, unsigned i);
/* Tells the collector of a pointer that is read or written past the compiler's barriers. Any
 * value; nothing happens while not marking. */
void gc_shade(void *p);

/* check.c, GODEBUG=gccheckmark=1: the world is stopped, marking is complete. Throws if an
 * object is reachable that is not marked. */
void gc_checkmark(void);

/* ---- sweeping: protocol of mspan.sweep_gen against g = mheap.sweep_gen --------------------
 *   g - 2  must be swept      g - 1  is being swept     g  swept
 *   g + 1  cached by a P before this sweep began: must be swept    g + 3  swept, then cached */

struct sweep {
    uint32_t class;    /* [atomic] span classes below have nothing unswept listed */
    uint32_t active;   /* [atomic] CPUs in sweep_one, or before the end of sweep_cached */
    bool     drained;  /* [atomic] nothing is listed any more */
    uint64_t pages;    /* [atomic] swept in this cycle */
    uint64_t total;    /* [stw] pages of object spans when the cycle began */
    uint64_t live;     /* [stw] gc.heap_live then */
};
extern struct sweep sweep;

/* g - 2 -> g - 1: the caller sweeps. False: somebody else does, or did. */
bool sweep_claim(struct mspan *s);
/* Sweeps a claimed span. preserve: it stays the caller's; else it goes to its central list, or
 * back to the heap when nothing is left (true). */
bool sweep_span(struct mspan *s, bool preserve);
/* Are there spans that must be swept? */
bool sweep_pending(void);
/* Sweeps one span. Pages that it freed, or ~0 when there is nothing left to sweep. */
size_t sweep_one(void);
/* The heap is about to grow by `bytes`: sweeps its share of what is to be swept before the next
 * cycle is due. Otherwise a goroutine that allocates faster than the background sweeps would take
 * new memory while dead objects fill the old. A few spans per call, g0 or the leaf. */
void sweep_pay(size_t bytes);
/* All of it, and waits for those who are still at it. g0 context. */
void sweep_all(void);
/* The world is stopped: all spans become unswept and the Ps' caches stale. The caller is a
 * sweeper, for whom sweep_all waits, until it has called sweep_cached. */
void sweep_begin(void);
/* No cache is stale when this returns. Before the next cycle; the world may run. */
void sweep_cached(void);
/* Sweeps (or waits for the sweeper of) this span. */
void sweep_ensure(struct mspan *s);

#endif
