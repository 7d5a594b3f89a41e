/* timer.h - timers: per-P heaps, channel timers, time.Sleep.
 *
 *   timer.when --(in the heap of one P, ordered by heap[i].when)--> timers_run --> callback
 *
 * Each P has a 4-ary heap. Its slots copy `when`, so that ordering needs no timer's lock.
 * Stopping or moving a timer that is in a heap marks it (ZOMBIE, MODIFIED); the slot is
 * brought up to date when it reaches the top or when the heap is tidied: any CPU may stop
 * or move any timer without taking the heap's lock. `min_modified` is when the first marked timer
 * may be due, which may be before heap[0].
 *
 * Channel timers (time.NewTimer, NewTicker) are in a heap only while a goroutine is blocked
 * on their channel, so that forgotten ones can be collected. In between they fire lazily,
 * when somebody receives. Stop and Reset leave no stale value behind: see chan.c, "Timer
 * channels".
 *
 * Locks: timers.lock, then timer.lock; channel locks come before both. Callbacks run with
 * no lock held.
 *
 * For the collector: timers of package time live in the Go heap; those in a P's heap are
 * roots (timers_roots). Putting one into a heap, or taking it out, shades it. */
#ifndef GORT_TIME_TIMER_H
#define GORT_TIME_TIMER_H

#include <stdbool.h>
#include <stdint.h>
#include "gort/abi/gotypes.h"
#include "gort/g.h"

/* timer.state, copied to timer.astate for readers without the lock. */
enum {
    TIMER_HEAPED = 1,   /* in the heap of timer.ts */
    TIMER_MODIFIED = 2, /* heaped, but its slot has an old `when` */
    TIMER_ZOMBIE = 4,   /* heaped, but to be dropped */
};

/* Mirrored in overlay/time.go, where it is the tail of what package time calls Timer. */
struct timer {
    struct lock lock;
    uint8_t  astate;        /* [atomic] */
    uint8_t  state;         /* [lock] */
    bool     is_chan;       /* [const] arg is a channel that shows the timer */
    bool     is_c;          /* [const] cfn, not f, is called */
    uint32_t blocked;       /* [lock] goroutines blocked on the channel */
    int64_t  when;          /* [lock] 0: not running */
    int64_t  period;        /* [lock] */
    void    *f;             /* [const] Go closure func(arg any, seq uintptr, delay int64) */
    struct goeface arg;     /* [const] */
    uintptr_t seq;          /* [lock + channel's lock] configuration: rises at Stop and Reset */
    struct timers *ts;      /* [lock + ts.lock] */
    int32_t  sending;       /* [lock] one-shot firings under way on the channel */
    bool     collected;     /* [const] a C timer in a C app's heap: a root while heaped */
    bool     is_fake;       /* [const while running] in a bubble: its time, its heap */
    void   (*cfn)(void *);  /* [const] C timers */
    void    *carg;          /* [const] */
};

struct hchan;
struct timers;

#define TIMER_NEVER INT64_MAX

/* ---- for the scheduler (all on g0) -------------------------------------------------- */
/* Gives a new P its heap. */
void timers_init(struct p *p);
/* Runs p's timers that are due at `now`; p may be another CPU's or idle. Calls Go by go_call,
 * so no locks may be held. Returns the next deadline (> now), or TIMER_NEVER. */
int64_t timers_run(struct p *p, int64_t now);
/* Runs those of a bubble's timers that are due at the bubble's time. As timers_run. */
struct bubble;
void timers_run_bubble(struct bubble *b);
/* A heap; p: its owner, or NULL. */
struct timers *timers_new(struct p *p);
/* Earliest deadline, 0: none. */
int64_t timers_when(const struct timers *ts);
/* Takes all timers out. */
void timers_clear(struct timers *ts);
void timers_visit(struct timers *ts, void (*visit)(void *ctx, void *obj), void *ctx);
/* Earliest deadline of p, or TIMER_NEVER. Lock-free, any context. */
int64_t timers_next(const struct p *p);
/* Moves all timers of src, which stops being used, to dst. World stopped. */
void timers_adopt(struct p *dst, struct p *src);
/* Calls visit(ctx, t) for each Go timer in p's heap: roots. World stopped or p's lock taken. */
void timers_roots(struct p *p, void (*visit)(void *ctx, void *obj), void *ctx);

/* ---- C timers: poll deadlines, C goroutines ------------------------------------------ */
/* fn(arg) is called on some CPU's g0, no locks held, once clock_mono_ns() >= when (> 0). A
 * running timer is moved. `t` is zeroed before its first use and never freed (it may still
 * be in a heap). A call may be under way when it is stopped: by arg, fn must be able to see that
 * its call is such a late one. */
void timer_start_c(struct timer *t, int64_t when, void (*fn)(void *), void *arg);
/* As timer_start_c, for a timer in a C app's heap; period > 0: calls fn again and again. */
void timer_start_collected(struct timer *t, int64_t when, int64_t period, void (*fn)(void *),
                           void *arg);
/* True if the call was prevented. */
bool timer_stop_c(struct timer *t);

/* chan.c's: empties the ring of a timer's channel, which is locked. True if there was anything.
 * [const after boot] */
extern bool (*timer_chan_drain)(struct hchan *c);

/* ---- for chan.c ------------------------------------------------------------------------ */
struct hchan;
/* A goroutine blocks on, or has left, the channel of a timer. Channel locks may be held. */
void timer_chan_block(struct timer *t);
void timer_chan_unblock(struct timer *t);
/* If t is due and in no heap, takes the firing for the calling goroutine gp (which must then
 * call t.f) and returns true. No locks held. */
bool timer_chan_claim(struct timer *t, struct g *gp, int64_t *delay);
/* The goroutine gp sends on the channel of t, whose lock is held: may it? False if the timer
 * was stopped or reset since the firing was taken. */
bool timer_chan_may_send(struct timer *t, struct g *gp);

#endif
