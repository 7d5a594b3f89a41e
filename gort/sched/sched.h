/* sched.h - the scheduler's parts towards each other and towards the collector.
 *
 *   go f() / g_ready -> P's run queue -> schedule() -> g_switch -> gate or preemption -> ...
 *                          |  full                        ^
 *                          v                              |
 *                     global queue  ------ every 61st pick, or when the P's is empty
 *
 * An M without work is idle in one of three ways:
 *
 *      busy <-----------------------.-------------------.-------------------.
 *       | its P's queues are empty  | finds some        | finds some, and   | is handed a P (nextp:
 *       v                           |                   | takes a P back    | wake_p, lockq_put,
 *      searching  has a P ----------'                   |                   | handoff_p), or is
 *       |         (m.spinning, sched.nmspinning)        |                   | woken and takes one
 *       | nothing to steal: the P becomes idle (npidle) |                   |
 *       v                                               |                   |
 *      looking round  no P, on no list -----------------'                   |
 *       | nothing in any queue                                              |
 *       v                                                                   |
 *      halted  no P, on sched.midle (m.idle) -------------------------------'
 *       ^ `--- an interrupt: leaves midle; nothing to do, or no P: back to midle
 *       `--'
 *
 * A machine's only CPU halts with its P instead (lone.c): nobody else could take it, or queue.
 *
 * At most half as many search as are busy, so waking one M is enough: a searcher that finds work
 * wakes the next one (wake_p). An M woken by wake_p begins as a searcher.
 *
 * No wake-up is lost. The idler publishes its idleness (npidle) before it looks round; whoever
 * makes work queues it before looking at npidle; full barriers lie between. So either the idler
 * sees the work, or the maker sees the idle P and wakes an M. Only Ms on midle count for a
 * deadlock: all of them there, no timer, nobody waiting for a device. */
#ifndef GORT_SCHED_SCHED_H
#define GORT_SCHED_SCHED_H

#include "gort/g.h"
#include "gort/sched/mp.h"

struct sched {
    struct lock lock;
    struct g *runq_head, *runq_tail; /* [lock] global queue */
    uint32_t  runq_size;             /* [lock, atomic reads] */
    struct p *pidle;                 /* [lock] */
    uint32_t  npidle;                /* [lock, atomic reads] */
    struct m *midle;                 /* [lock] */
    uint32_t  nmidle;                /* [lock] */
    uint32_t  nmspinning;            /* [atomic] */
    uint32_t  nextwait;              /* [atomic] goroutines that wait for input, devices */
    struct g *gfree, *gfree_bare;    /* [lock] dead goroutines, with stacks and without */
    uint32_t  gfree_count;           /* [lock] those with stacks */
    uint32_t  gfree_due;             /* [lock, or stw] how many of them are to lose them */
    uint64_t  goid_gen;              /* [atomic] */
    uint32_t  gcount;                /* [atomic] user goroutines alive */
    uint32_t  gcount_sys;            /* [atomic] system goroutines alive */
    volatile uint32_t stopping;      /* [atomic] the world is stopped or stopping */
    struct m *stopper;               /* [lock] */
    bool      handoff;               /* [lock, atomic reads] an idle M has a locked g to run */
    bool      started;               /* [const once set] the first goroutine is queued */
    uint32_t  frozen;                /* [atomic] dying: nothing is scheduled any more */
};
extern struct sched sched;

void sched_init(unsigned nprocs);
/* How often goroutines have been put on a CPU since boot. From anywhere. */
uint64_t sched_switches(void);
/* Called on each CPU's g0 when it is up: never returns. */
_Noreturn void sched_cpu_enter(void);

/* For work at boot that needs a P (allocation, g_new): the CPU holds one in between. */
struct p *sched_borrow_p(void);
void sched_return_p(void);

#define TRACK_PERIOD 8 /* one stop of a goroutine in so many is timed, for the metrics */
#ifdef GORT_HOST_TEST
void g_status_set(struct g *gp, uint32_t from, uint32_t to);
#else
void g_status_set_slow(struct g *gp, uint32_t from, uint32_t to);

/* The one writer of g->status. Mostly nobody times the goroutine, nor looks at its stack. */
static inline void g_status_set(struct g *gp, uint32_t from, uint32_t to)
{
    uint32_t seen = from;

    if (from == G_RUNNING && gp->track_seq++ % TRACK_PERIOD == 0)
        gp->tracking = true;
    if (gp->tracking || !__atomic_compare_exchange_n(&gp->status, &seen, to, false,
                                                     __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        g_status_set_slow(gp, from, to);
}
#endif
static inline uint32_t g_status(const struct g *gp)
{
    return __atomic_load_n(&gp->status, __ATOMIC_ACQUIRE);
}
/* What parks and readies a goroutine that waits for that reason leaves and finds in its status. */
static inline uint32_t g_parked_status(enum wait_reason why)
{
    return why == WAIT_SYSCALL ? G_SYSCALL : G_WAITING;
}

/* Calls a Go closure synchronously from C on this CPU's helper goroutine: for callbacks that
 * do not block (timer functions, pool cleanup). g0 context, no locks held. Up to four word
 * arguments arrive in AX, BX, CX, DI as ABIInternal has them. */
void go_call(void *closure, const uintptr_t *args, unsigned nargs);

/* A timer of pp may now be due earlier, at `when`: arms a timer interrupt for it. */
void sched_timer_changed(struct p *pp, int64_t when);
/* This CPU is about to halt: its timer interrupts when something is due. later: it is armed for
 * something before that, a poll, which is not needed any more. g0. */
void sched_timer_halt(bool later);
/* Halts until mp->wake is set, unless that is so by now, or, in a machine that is not dying,
 * cpu->pending. mp is this CPU's. g0. */
void sched_halt(struct m *mp);
/* mp has found nothing to do. If no other CPU could give it any it halts here, with its P (lone.c).
 * False: it has to give the P up. g0, no locks. */
bool sched_halt_alone(struct m *mp);
/* Earliest timer of all Ps that no running M looks after, and of this one. INT64_MAX: none. */
int64_t program_timers_earliest(void);
/* When this CPU is needed: program_timers_earliest, or the next job of background.h. */
int64_t sched_timers_earliest(void);

enum stw_reason { STW_GC_SWEEP_TERM, STW_GC_MARK_TERM, STW_GOROUTINE_PROFILE, STW_STACKS,
                  STW_GOMAXPROCS, STW_HEAP_DUMP, STW_STATS };

/* Stops every other CPU at a safe point; the caller, on g0 in a gate, keeps running. While another
 * CPU stops the world stw_begin stops too, and begins after that: the caller may have another P
 * then, and its stack may have moved. Returns the ns that stopping took. */
int64_t stw_begin(enum stw_reason why);
/* Returns the time from which on the others may run: waking them is not part of the stop. */
int64_t stw_end(void);
/* The world is stopping: this M's P waits here, on g0, until it starts again. */
void sched_stop_here(void);
/* As sched_stop_here, in the middle of a gate: there is a P on return, perhaps another one. */
void sched_stop_mid_gate(void);
/* Called without a P by an M in the middle of a gate, which must go on. Sleeps until this M has a
 * P: Ps are handed to it (handoff) before goroutines get them. */
void sched_regain_p(void);

/* Asks the goroutine that runs on cpu to yield, by IPI. */
void preempt_cpu(unsigned cpu);
/* One attempt to stop gp: 1 done, the caller owns gp's stack until resume_g; 0 gp is dead; -1 not
 * yet, a running goroutine has been asked. *asked: 0 at the first attempt. */
int suspend_g_try(struct g *gp, uint32_t *was, int64_t *asked);
void resume_g(struct g *gp, uint32_t was);

struct g *g_alloc(void);      /* on allgs; status G_IDLE */
void g_clear(struct g *gp);   /* of what its last life has left */
/* Frees the stacks of some goroutines that were dead when the last cycle ended. False: there are
 * none left but what Ps keep. g0. */
bool gfree_drop_stacks(void);
void wake_p(void);
/* Ends mp's halt. An IPI that gets lost is sent again by whoever ticks or goes idle. */
void m_wake(struct m *mp);
bool sched_rekick(void); /* any context; false: every wake-up has arrived */
void injectglist(struct g *list, struct g *tail, unsigned n);

#define SLICE_NS      10000000ll
#define WAKE_DELAY_NS 50000ll /* a goroutine in runnext waits that long for its CPU alone */
#define GLOBQ_PERIOD  61      /* picks between two looks at the global queue */
int64_t sched_tick_ns(void); /* SLICE_NS, or that of the boot option preemptstress */

static inline bool waits_for_mutex(const struct g *gp)
{
    return gp->wait_reason == WAIT_SYNC_MUTEX_LOCK ||
           gp->wait_reason == WAIT_SYNC_RWMUTEX_RLOCK ||
           gp->wait_reason == WAIT_SYNC_RWMUTEX_LOCK;
}

#endif
