/* hooks.h - what the scheduler needs of rooms above it: gort/hooks.c sets them, at boot. */
#ifndef GORT_SCHED_HOOKS_H
#define GORT_SCHED_HOOKS_H

#include "gort/g.h"

/* Why net_poll is called: schedule() passes by on a CPU that polls (mp.h's net_polls); a timer is
 * due, perhaps of a CPU that cannot run it; packets have come, perhaps for such a CPU. */
enum net_ask { NET_LOOK, NET_TIMERS, NET_PACKETS };

struct sched_hooks {
    /* ---- what other rooms keep per P; g0 --------------------------------------------- */
    void (*p_new)(struct p *p);
    /* A CPU goes on with p, which was idle, or stopped with the world. No locks held. */
    void (*p_ready)(struct p *p);
    /* p stops being used: what it has goes back, its timers to `heir`. World stopped. */
    void (*p_retire)(struct p *p, struct p *heir);

    /* ---- timers ---------------------------------------------------------------------- */
    /* When p's earliest timer is due (clock_mono_ns); INT64_MAX: none. Any context. */
    int64_t (*timers_next)(const struct p *p);
    /* Runs those of p's timers that are due; p may be another CPU's, or idle. g0, no locks.
     * Returns what timers_next is then. */
    int64_t (*timers_run)(struct p *p, int64_t now);

    /* ---- memory; g0, no locks -------------------------------------------------------- */
    /* The collector learns of a pointer that a goroutine is born with, or leaves behind. */
    void (*shade)(void *p);
    /* Gets frames for one more struct g, which is never freed. False: there are none. */
    bool (*make_room)(void);
    void (*out_of_memory)(size_t wanted) __attribute__((noreturn));

    /* ---- devices and faults ---------------------------------------------------------- */
    void (*poll)(void);   /* takes what devices have brought, wakes readers. g0, no locks */
    /* ---- the network; NULL: there is none (gort/wire/wire.h) ------------------------- */
    void (*net_poll)(enum net_ask ask); /* g0, no locks */
    bool (*net_rest)(void);     /* before this CPU halts: true: there is something. g0, no locks */
    int64_t (*net_next)(void);  /* when this CPU is to call net_poll; INT64_MAX. Any context */
    /* Interrupt context: the kernel itself faults while it copies from or to the program. */
    bool (*copy_fault_irq)(struct trap_frame *tf);
    /* Interrupt context: the kernel touches memory of the program's that may come now. True: tf has
     * been changed to where that happens. */
    bool (*kernel_fault_irq)(struct trap_frame *tf, uint64_t cr2);
    /* Interrupt context: gp's code has touched a page that may come now. True: tf has been changed
     * to where that happens. */
    bool (*page_fault_irq)(struct g *gp, struct trap_frame *tf, uint64_t cr2);

    /* ---- the CPU profile ------------------------------------------------------------- */
    int64_t (*sample_due)(void); /* this CPU's next sample; INT64_MAX: none. Any context on g0 */
    /* A timer interrupt, before tf is changed: samples if one is due. */
    void (*sample_irq)(const struct trap_frame *tf, int64_t now);

    /* ---- background.h ---------------------------------------------------------------- */
    void (*services_due)(void); /* wakes who calls the services. g0 */

    /* ---- with gp->bubble set (sync/synctest.h); locks up to RANK_TIMER may be held ---- */
    void (*bubble_join)(struct g *gp);                         /* gp is new */
    void (*bubble_leave)(struct g *gp);                        /* gp has ended */
    void (*bubble_park)(struct g *gp, enum wait_reason why);   /* before gp waits */
    void (*bubble_parked)(void *bubble);                       /* once it waits */
    void (*bubble_unpark)(struct g *gp);                       /* before gp is made runnable */
};
extern struct sched_hooks sched_hooks; /* [const after boot] */

#endif
