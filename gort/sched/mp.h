/* mp.h - M and P: a CPU, and the right to run Go code. All of them are persistent memory. */
#ifndef GORT_SCHED_MP_H
#define GORT_SCHED_MP_H

#include "gort/g.h"

/* The CPU's half of the runtime: one per CPU, for good. */
struct m {
    /* ---- mirrored in Go (overlay/runtime2.go) ---------------------------------------- */
    struct g   *g0p;           /* 0  [const] &g0 */
    struct g   *curg;          /* 8  [owner] as cpu->curg */
    int32_t     locks;         /* 16 [owner] >0: do not preempt the goroutine (procPin, mutex) */
    int32_t     dying;         /* 20 [owner] how deep in a fatal error */
    int8_t      printlock;     /* 24 [owner] nesting of print's lock */
    int32_t     mallocing;     /* 28 */
    /* ---- C only ----------------------------------------------------------------------- */
    struct cpu *cpu;           /* [const] */
    struct g    g0;            /* [owner] the scheduler's own g: its stack is the CPU's g0 stack */
    uint32_t    id;
    bool        spinning;      /* [owner] looking for work */
    uint32_t    nlocked;       /* [atomic] goroutines locked to this M */
    struct p   *nextp;         /* [sched.lock] P handed over while idle */
    struct m   *idlelink;      /* [sched.lock] */
    bool        idle;          /* [sched.lock] on the idle list */
    struct g   *lockq;         /* [sched.lock] runnable goroutines locked to this M, by schedlink */
    bool        mid_gate;      /* [atomic] has lost its P in a gate, which must go on */
    bool        lockq_turn_over; /* [owner] the last pick was of lockq: others go first now */
    bool        fresh_p;       /* [owner] has run nothing yet since it got its P */
    bool        ticking;       /* [owner, interrupts] a tick ends the running goroutine's slice */
    bool        net_polls;     /* [owner] schedule() looks at network devices: wire/wire.h */
    bool        kicked;        /* [atomic] an IPI_WAKE is on its way */
    int64_t     armed;         /* [owner, interrupts] the timer's deadline, INT64_MAX = none */
    struct { struct stack stack; uintptr_t sp, pc; } moving; /* [owner, interrupts] where the
                                  stack was that is just copied; hi = 0: none */
    uint32_t    tick_seen;     /* [interrupts] p->schedtick at the last tick */
    volatile uint32_t wake;    /* [atomic] set, then IPI_WAKE: leaves cpu_idle */
    struct pc_cache_entry *pc_cache; /* [owner] for the walks of gates: unwind.h */
    struct g   *callgo_g;      /* helper goroutine of go_call */
    struct profring *prof_ring; /* [const once set] samples of the CPU profile (cpuprof.c) */
    int64_t     prof_next;     /* [interrupts] busy time at which to take the next */
    uint32_t    prof_run;      /* [interrupts] number of the profile that it is for */
};

#ifndef RUNQ_SIZE /* a host test takes a small one */
#define RUNQ_SIZE 256
#endif

struct mcache;
struct timers;
struct gcw;
struct wbbuf;

struct p {
    uint32_t   id;             /* [const] */
    uint32_t   status;         /* [atomic] enum p_status */
    struct m  *m;              /* [owner] or NULL */
    struct p  *link;           /* [sched.lock] idle list */
    uint32_t   schedtick;      /* [owner] rises at every pick */
    int64_t    slice_start;    /* [owner] when the running goroutine's slice began */
    uint32_t   runq_head;      /* [atomic] consumers: any P */
    uint32_t   runq_tail;      /* [atomic] producer: the owner */
    struct g  *runq[RUNQ_SIZE];
    struct g  *runnext;        /* [atomic] runs next, inherits the slice */
    struct g  *gfree;          /* [owner] dead goroutines */
    uint32_t   gfree_count;
    struct sudog *sudog_cache; /* [owner] linked by next */
    uint32_t   sudog_count;
    struct mcache *mcache;     /* [owner] malloc.c */
    struct timers *timers;     /* timer.c */
    struct gcw *gcw;           /* [owner] gc */
    struct wbbuf *wbbuf;       /* [owner] write barrier buffer */
    void      *stack_cache;    /* [owner] stackalloc.c */
    uint64_t   picks;          /* [owner] goroutines executed, whether or not they inherit */
    uint64_t   wake_picks;     /* [owner, interrupts] picks when wake_at was set */
    uint32_t   globq_tick;     /* [owner] schedtick at the last look at the global queue */
    int64_t    waste_since;    /* [owner, interrupts] option conserve: since when work waits and */
    uint32_t   waste_ticks;    /* a CPU idles, and how many ticks have seen it */
    uint64_t   waste_picks;    /* picks at the last of them */
    int64_t    wake_at;        /* [owner, interrupts] another CPU gets runnext then; 0 = no need */
    int64_t    late_at;        /* [owner, interrupts] another CPU gets what is due then; 0 = none */
    uint32_t   timers_late;    /* [atomic] timers are due, and this P's CPU cannot run them */
    int64_t    forced_at;      /* [owner, interrupts] when a tick last asked for the CPU */
};
enum p_status { P_IDLE, P_RUNNING, P_GCSTOP, P_DEAD };

extern struct p *allp[CPU_MAX * 4]; /* NULL from the first that never was */
extern unsigned gomaxprocs;
extern struct m *allm[CPU_MAX];     /* NULL: not up yet */

static inline struct p *p_self(void) { return cpu_self()->p; }
static inline struct m *m_self(void) { return cpu_self()->m; }

#endif
