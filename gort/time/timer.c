/* timer.c - starting, stopping, running timers: see timer.h for the picture. The design is after
 * Go's time.go: heaps of each P, marks instead of removals, lazy channel timers.
 *
 * Order of events that must not be lost: whoever marks a heaped timer stores the mark in
 * astate before it lowers min_modified; heap_tidy folds min_modified into min_heap, clears
 * it, and only then reads the astates. Either the tidying sees the mark, or min_modified
 * survives it. */
#include "gort/time/timer.h"
#include <stddef.h>
#include "gort/dying.h"
#include "gort/hchan.h"
#include "gort/gc/gc.h"
#include "gort/sched/sched.h"
#include "gort/time/bubble.h"
#include "gort/time/timer_heap.h"
#include "gort/time/wall.h"
#include "kernel/clock.h"
#include "mm/mm.h"
#include "rt_frames.h"

bool (*timer_chan_drain)(struct hchan *c);

_Static_assert(RANK_TIMER == 53, "newTimer in overlay/time.go sets this lock rank");
_Static_assert(sizeof(struct timer) == 104 && offsetof(struct timer, f) == 40 &&
                   offsetof(struct timer, is_fake) == 85,
               "overlay/time.go");

static void *timer_run_closure; /* Go's timerRun: calls t.f */

static void timer_unlock(struct timer *t)
{
    __atomic_store_n(&t->astate, t->state, __ATOMIC_SEQ_CST);
    unlock(&t->lock);
}

static void zombies_add(struct timers *ts, int n)
{
    __atomic_add_fetch(&ts->zombies, n, __ATOMIC_RELAXED);
}

struct timers *timers_new(struct p *p)
{
    struct timers *ts = persistent_alloc(sizeof *ts, 64, NULL);

    lock_init(&ts->lock, "timers", RANK_TIMERS);
    ts->p = p;
    return ts;
}

void timers_init(struct p *p)
{
    p->timers = timers_new(p);
}

static int64_t heap_next(const struct timers *ts)
{
    /* This order: heap_tidy lowers min_heap before it clears min_modified. */
    int64_t modified = __atomic_load_n(&ts->min_modified, __ATOMIC_SEQ_CST);
    int64_t when = __atomic_load_n(&ts->min_heap, __ATOMIC_SEQ_CST);

    return when == 0 || (modified != 0 && modified < when) ? modified : when;
}

int64_t timers_when(const struct timers *ts)
{
    return heap_next(ts);
}

int64_t timers_next(const struct p *p)
{
    int64_t when = p->timers ? heap_next(p->timers) : 0;

    return when ? when : TIMER_NEVER;
}

/* ---- the heap and its marks (ts->lock held) ------------------------------------------- */

/* t, whose lock is held too, leaves the heap; its slot is already gone. */
static void timer_left(struct timers *ts, struct timer *t)
{
    if (t->state & TIMER_ZOMBIE)
        zombies_add(ts, -1);
    t->state = 0;
    t->ts = NULL;
    if (!t->is_c)
        gc_shade(t); /* it may go on living on a stack that is scanned already */
}

/* Brings slot 0 up to date with its timer, whose lock is held. True if it changed. */
static bool top_update(struct timers *ts, struct timer *t)
{
    CHECK(t->ts == ts && ts->heap[0].t == t, "timer %p: heap %p, in %p", (void *)t,
          (void *)t->ts, (void *)ts);
    if (t->state & TIMER_ZOMBIE) {
        timer_heap_pop(ts);
        timer_left(ts, t);
        return true;
    }
    if (t->state & TIMER_MODIFIED) {
        t->state &= (uint8_t)~TIMER_MODIFIED;
        ts->heap[0].when = t->when;
        timer_heap_down(ts, 0);
        timer_heap_publish(ts);
        return true;
    }
    return false;
}

static bool marked(const struct timer *t)
{
    return __atomic_load_n(&t->astate, __ATOMIC_SEQ_CST) & (TIMER_MODIFIED | TIMER_ZOMBIE);
}

/* Drops zombies from the top and the end, so that a program that starts and stops timers
 * without end finds room instead of growing the heap. */
static void heap_trim(struct timers *ts)
{
    while (ts->len) {
        struct timer_slot *last = &ts->heap[ts->len - 1];
        struct timer *t = last->t;
        if (__atomic_load_n(&t->astate, __ATOMIC_SEQ_CST) & TIMER_ZOMBIE && ts->len > 1) {
            lock(&t->lock);
            if (t->state & TIMER_ZOMBIE) {
                *last = (struct timer_slot){ 0, NULL };
                __atomic_store_n(&ts->len, ts->len - 1, __ATOMIC_RELAXED);
                timer_left(ts, t);
            }
            timer_unlock(t);
            continue;
        }
        t = ts->heap[0].t;
        if (!marked(t))
            return;
        lock(&t->lock);
        bool changed = top_update(ts, t);
        timer_unlock(t);
        if (!changed)
            return;
    }
}

/* Visits all marked timers if one of them may be due, or if forced. */
static void heap_tidy(struct timers *ts, int64_t now, bool force)
{
    int64_t first = __atomic_load_n(&ts->min_modified, __ATOMIC_SEQ_CST);
    bool changed = false;

    if (!force && (first == 0 || first > now))
        return;
    __atomic_store_n(&ts->min_heap, heap_next(ts), __ATOMIC_SEQ_CST);
    __atomic_store_n(&ts->min_modified, 0, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < ts->len; i++) {
        struct timer *t = ts->heap[i].t;
        if (!marked(t))
            continue;
        lock(&t->lock);
        if (t->state & TIMER_ZOMBIE) {
            ts->heap[i--] = ts->heap[ts->len - 1];
            ts->heap[ts->len - 1] = (struct timer_slot){ 0, NULL };
            __atomic_store_n(&ts->len, ts->len - 1, __ATOMIC_RELAXED);
            timer_left(ts, t);
            changed = true;
        } else if (t->state & TIMER_MODIFIED) {
            t->state &= (uint8_t)~TIMER_MODIFIED;
            ts->heap[i].when = t->when;
            changed = true;
        }
        timer_unlock(t);
    }
    if (changed)
        timer_heap_build(ts);
    timer_heap_publish(ts);
}

/* ---- running ---------------------------------------------------------------------------- */

struct firing {
    struct timer *t;
    uintptr_t seq;
    int64_t delay;
    bool is_c;
};

/* t (locked) fires: its next time is set, what to call is noted in *fi. */
static void timer_fire(struct timer *t, int64_t now, struct firing *fi)
{
    int64_t delay = now - t->when, next = 0;

    *fi = (struct firing){ t, t->seq, delay, t->is_c };
    if (t->period > 0 &&
        (__builtin_mul_overflow(t->period, 1 + delay / t->period, &next) ||
         __builtin_add_overflow(t->when, next, &next)))
        next = INT64_MAX;
    t->when = next;
    if (t->state & TIMER_HEAPED) {
        t->state |= TIMER_MODIFIED;
        if (!next) {
            t->state |= TIMER_ZOMBIE;
            zombies_add(t->ts, 1);
        }
    }
    if (t->is_chan && t->period == 0)
        t->sending++;
}

/* Takes the first timer if it is due. False: *next says when to look again. */
static bool heap_take(struct timers *ts, int64_t now, struct firing *fi, int64_t *next)
{
    *next = TIMER_NEVER;
    while (ts->len) {
        struct timer *t = ts->heap[0].t;
        if (!marked(t) && ts->heap[0].when > now) {
            *next = ts->heap[0].when;
            return false;
        }
        lock(&t->lock);
        if (!top_update(ts, t)) {
            if (t->when <= now) {
                timer_fire(t, now, fi);
                top_update(ts, t);
                timer_unlock(t);
                return true;
            }
        }
        timer_unlock(t);
    }
    return false;
}

static void firing_call(const struct firing *fi, struct bubble *b)
{
    if (fi->is_c) {
        fi->t->cfn(fi->t->carg);
        return;
    }
    uintptr_t args[4] = { (uintptr_t)fi->t, fi->seq, (uintptr_t)fi->delay, (uintptr_t)b };
    go_call(timer_run_closure, args, 4);
}

int64_t timers_run(struct p *p, int64_t now)
{
    struct timers *ts = p->timers;
    struct firing fi;
    int64_t next;

    if (!ts)
        return TIMER_NEVER;
    next = heap_next(ts);
    int32_t zombies = __atomic_load_n(&ts->zombies, __ATOMIC_RELAXED);
    uint32_t len = __atomic_load_n(&ts->len, __ATOMIC_RELAXED);
    bool crowded = zombies > 0 && (uint32_t)zombies > len / 4;
    if ((next == 0 || next > now) && !crowded)
        return next ? next : TIMER_NEVER;
    lock(&ts->lock);
    heap_tidy(ts, now, false);
    while (heap_take(ts, now, &fi, &next)) {
        unlock(&ts->lock);
        firing_call(&fi, NULL);
        lock(&ts->lock);
    }
    if (crowded)
        heap_tidy(ts, now, true);
    unlock(&ts->lock);
    next = heap_next(ts);
    return next ? next : TIMER_NEVER;
}

void timers_run_bubble(struct bubble *b)
{
    struct timers *ts = b->timers;
    struct firing fi;
    int64_t next;

    lock(&ts->lock);
    heap_tidy(ts, b->now, false);
    while (heap_take(ts, b->now, &fi, &next)) {
        unlock(&ts->lock);
        firing_call(&fi, b);
        lock(&ts->lock);
    }
    unlock(&ts->lock);
}

void timers_clear(struct timers *ts)
{
    lock(&ts->lock);
    for (uint32_t i = 0; i < ts->len; i++) {
        struct timer *t = ts->heap[i].t;
        lock(&t->lock);
        timer_left(ts, t);
        timer_unlock(t);
        ts->heap[i] = (struct timer_slot){ 0, NULL };
    }
    ts->len = 0;
    ts->min_heap = ts->min_modified = 0;
    unlock(&ts->lock);
}

void timers_adopt(struct p *dst, struct p *src)
{
    struct timers *from = src->timers, *to = dst->timers;

    for (uint32_t i = 0; i < from->len; i++) {
        struct timer *t = from->heap[i].t;
        if (t->state & TIMER_ZOMBIE) {
            timer_left(from, t);
        } else {
            t->state = TIMER_HEAPED;
            t->ts = to;
            timer_heap_push(to, t, t->when);
        }
        t->astate = t->state;
        from->heap[i].t = NULL;
    }
    from->len = 0;
    from->min_heap = from->min_modified = 0;
    if (to->len)
        sched_timer_changed(dst, heap_next(to));
}

void timers_roots(struct p *p, void (*visit)(void *ctx, void *obj), void *ctx)
{
    if (p->timers)
        timers_visit(p->timers, visit, ctx);
}

void timers_visit(struct timers *ts, void (*visit)(void *ctx, void *obj), void *ctx)
{
    for (uint32_t i = 0; i < ts->len; i++)
        if (!ts->heap[i].t->is_c || ts->heap[i].t->collected)
            visit(ctx, ts->heap[i].t);
}

/* ---- starting and stopping --------------------------------------------------------------- */

static bool needs_heap(const struct timer *t)
{
    return !(t->state & TIMER_HEAPED) && t->when > 0 && (!t->is_chan || t->blocked);
}

/* Puts t, no longer locked, into this P's heap if it still belongs there. keep: t stays
 * locked (for a goroutine that is to park before t may fire). */
static void timer_add(struct timer *t, bool keep)
{
    struct p *p = p_self();
    bool wake = false;
    int64_t when = 0;

    CHECK(p, "timer %p: started without a P", (void *)t);
    struct timers *ts = t->is_fake ? g_bubble(g_calling())->timers : p->timers;
    lock(&ts->lock);
    heap_trim(ts);
    lock(&t->lock);
    if (needs_heap(t)) {
        int64_t next = heap_next(ts);
        when = t->when;
        wake = next == 0 || when < next;
        t->state |= TIMER_HEAPED;
        t->ts = ts;
        if (!t->is_c)
            gc_shade(t);
        timer_heap_push(ts, t, when);
    }
    if (keep)
        __atomic_store_n(&t->astate, t->state, __ATOMIC_SEQ_CST);
    else
        timer_unlock(t);
    unlock(&ts->lock);
    if (wake && ts->p)
        sched_timer_changed(p, when);
}

/* t (locked) gets a new time. Returns the P whose heap should look again sooner, or NULL. */
static struct p *timer_set(struct timer *t, int64_t when, int64_t period)
{
    t->period = period;
    t->when = when;
    if (!(t->state & TIMER_HEAPED))
        return NULL;
    if (t->state & TIMER_ZOMBIE)
        zombies_add(t->ts, -1);
    t->state = TIMER_HEAPED | TIMER_MODIFIED;
    __atomic_store_n(&t->astate, t->state, __ATOMIC_SEQ_CST); /* before min_modified */
    int64_t min = __atomic_load_n(&t->ts->min_modified, __ATOMIC_SEQ_CST);
    if (min != 0 && min <= when)
        return NULL;
    while (min == 0 || when < min)
        if (__atomic_compare_exchange_n(&t->ts->min_modified, &min, when, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            break;
    return t->ts->p;
}

/* t (locked) is not to fire. True if it was going to. */
static bool timer_clear(struct timer *t)
{
    bool pending = t->when > 0;

    if (t->state & TIMER_HEAPED) {
        if (!(t->state & TIMER_ZOMBIE))
            zombies_add(t->ts, 1);
        t->state |= TIMER_MODIFIED | TIMER_ZOMBIE;
    }
    t->when = 0;
    return pending;
}

static struct hchan *timer_chan(const struct timer *t)
{
    return t->is_chan ? t->arg.data : NULL;
}

/* The configuration of t changes while c, its channel, and t are locked: a firing that is
 * under way will not send any more, so it counts as prevented; so does a value that nobody
 * has received. */
static bool timer_chan_revoke(struct timer *t, struct hchan *c, int64_t old_period)
{
    t->seq++;
    return (old_period == 0 && t->sending > 0) | timer_chan_drain(c);
}

/* t (locked) is in no heap but should be, and is due at its bubble's time: it fires now, not
 * only when the bubble is idle. Returns the bubble, NULL if not. */
static struct bubble *fire_at_once(struct timer *t, struct firing *fi)
{
    struct bubble *b = g_bubble(g_calling());

    if (!needs_heap(t) || t->when > b->now)
        return NULL;
    timer_fire(t, b->now, fi);
    return b;
}

static void fake_check(const struct timer *t, const char *what)
{
    if (t->is_fake && !g_calling()->bubble)
        gate_panic(g_calling(), GATE_FATAL, what);
}

/* Starts or moves t. True if it was going to fire and now will not. */
void rt_timermodify(struct timermodify_frame *f)
{
    struct timer *t = f->t;
    struct hchan *c = timer_chan(t);

    fake_check(t, "reset of synctest timer from outside bubble");
    if (f->when <= 0 || f->period < 0)
        gate_panic(g_calling(), GATE_THROW, "timer when must be positive, period not negative");
    if (c)
        lock(&c->lock);
    lock(&t->lock);
    int64_t old_period = t->period;
    bool pending = t->when > 0;
    struct p *sooner = timer_set(t, f->when, f->period);
    bool add = needs_heap(t);
    if (c)
        pending |= timer_chan_revoke(t, c, old_period);
    struct firing fi;
    struct bubble *b = t->is_fake ? fire_at_once(t, &fi) : NULL;
    if (b)
        add = needs_heap(t); /* a ticker's next time */
    timer_unlock(t);
    if (c)
        unlock(&c->lock);
    if (b)
        firing_call(&fi, b);
    if (add)
        timer_add(t, false);
    if (sooner)
        sched_timer_changed(sooner, f->when);
    f->pending = pending;
}

void rt_timerstop(struct timerstop_frame *f)
{
    struct timer *t = f->t;
    struct hchan *c = timer_chan(t);

    fake_check(t, "stop of synctest timer from outside bubble");
    if (c)
        lock(&c->lock);
    lock(&t->lock);
    bool pending = timer_clear(t);
    if (c)
        pending |= timer_chan_revoke(t, c, t->period);
    timer_unlock(t);
    if (c)
        unlock(&c->lock);
    f->pending = pending;
}

static void start_c(struct timer *t, int64_t when, int64_t period, void (*fn)(void *), void *arg)
{
    if (!t->lock.name) {
        lock_init(&t->lock, "timer", RANK_TIMER);
        t->is_c = true;
    }
    if (when <= 0)
        when = 1; /* 0 means stopped */
    lock(&t->lock);
    t->cfn = fn;
    t->carg = arg;
    struct p *sooner = timer_set(t, when, period);
    bool add = needs_heap(t);
    timer_unlock(t);
    if (add)
        timer_add(t, false);
    if (sooner)
        sched_timer_changed(sooner, when);
}

void timer_start_c(struct timer *t, int64_t when, void (*fn)(void *), void *arg)
{
    start_c(t, when, 0, fn, arg);
}

void timer_start_collected(struct timer *t, int64_t when, int64_t period, void (*fn)(void *),
                           void *arg)
{
    t->collected = true;
    start_c(t, when, period, fn, arg);
}

bool timer_stop_c(struct timer *t)
{
    if (!t->lock.name)
        return false;
    lock(&t->lock);
    bool pending = timer_clear(t);
    timer_unlock(t);
    return pending;
}

/* ---- channel timers ------------------------------------------------------------------------ */

void timer_chan_block(struct timer *t)
{
    lock(&t->lock);
    t->blocked++;
    if (t->state & TIMER_ZOMBIE && t->when > 0) { /* still in the heap from the last time */
        t->state &= (uint8_t)~TIMER_ZOMBIE;
        zombies_add(t->ts, -1);
    }
    bool add = needs_heap(t);
    timer_unlock(t);
    if (add)
        timer_add(t, false);
}

void timer_chan_unblock(struct timer *t)
{
    lock(&t->lock);
    CHECK(t->blocked > 0, "timer %p: nobody was blocked on it", (void *)t);
    /* Out of the heap, but not stopped: `when` stays, and it will fire lazily. */
    if (--t->blocked == 0 && (t->state & (TIMER_HEAPED | TIMER_ZOMBIE)) == TIMER_HEAPED) {
        t->state |= TIMER_ZOMBIE;
        zombies_add(t->ts, 1);
    }
    timer_unlock(t);
}

static void firing_is_mine(struct g *gp, struct timer *t, uintptr_t seq)
{
    gp->firing = t;
    gp->firing_seq = seq;
}

bool timer_chan_claim(struct timer *t, struct g *gp, int64_t *delay)
{
    struct firing fi;

    if (__atomic_load_n(&t->astate, __ATOMIC_SEQ_CST) & TIMER_HEAPED)
        return false; /* timers_run will see to it */
    int64_t now = t->is_fake ? g_bubble(gp)->now : clock_mono_ns();
    lock(&t->lock);
    bool due = !(t->state & TIMER_HEAPED) && t->when > 0 && t->when <= now;
    if (due) {
        timer_fire(t, now, &fi);
        firing_is_mine(gp, t, fi.seq);
        *delay = fi.delay;
    }
    timer_unlock(t);
    return due;
}

bool timer_chan_may_send(struct timer *t, struct g *gp)
{
    if (gp->firing != t)
        return true; /* an ordinary send, by a program that forges a send channel */
    gp->firing = NULL;
    lock(&t->lock);
    if (t->period == 0 && t->sending > 0)
        t->sending--;
    bool valid = t->seq == gp->firing_seq;
    timer_unlock(t);
    return valid;
}

/* From the Go function that timers_run calls: the calling goroutine carries out a firing. */
void rt_timerbegin(struct timerbegin_frame *f)
{
    firing_is_mine(g_calling(), f->t, f->seq);
}

/* ---- time.Sleep, clocks -------------------------------------------------------------------- */

static void sleep_over(void *gp)
{
    g_ready(gp);
}

/* Parks for ns > 0. The timer stays locked until the goroutine is parked, so that it cannot
 * fire before. */
void rt_sleepns(struct sleepns_frame *f)
{
    struct g *gp = g_calling();
    struct timer *t = gp->sleep_timer;
    int64_t when;

    int64_t now = gp->bubble ? g_bubble(gp)->now : clock_mono_ns();
    if (__builtin_add_overflow(now, f->ns, &when))
        when = INT64_MAX - 1;
    if (!t) {
        t = persistent_alloc(sizeof *t, 64, NULL);
        lock_init(&t->lock, "sleep", RANK_TIMER);
        t->is_c = true;
        t->cfn = sleep_over;
        t->carg = gp;
        gp->sleep_timer = t;
    }
    t->is_fake = gp->bubble != NULL; /* it is in no heap between two sleeps */
    lock(&t->lock);
    t->when = when;
    unlock(&t->lock);
    timer_add(t, true);
    g_park_g0(gp, &t->lock, WAIT_SLEEP);
}

void rt_timersetup(struct timersetup_frame *f)
{
    timer_run_closure = f->run;
}

void rt_nanotime1(struct nanotime1_frame *f)
{
    f->ns = clock_mono_ns();
}

void rt_timenow(struct timenow_frame *f)
{
    int64_t wall = wall_and_mono(&f->mono);

    f->sec = wall / 1000000000;
    f->nsec = (int32_t)(wall % 1000000000);
}
