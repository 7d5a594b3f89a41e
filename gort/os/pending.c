#include "gort/os/pending.h"

#include "gort/os/mem.h"
#include "gort/os/signal.h"
#include "gort/sched/mp.h"
#include "kernel/check.h"

enum { STANDARD = 31 };     /* signals up to this one wait once; those above as often as sent */
enum { QUEUED_MAX = 1024 }; /* of one thread, as on Linux with little memory */

/* Signals of faults come before all others. */
static const uint64_t urgent = SIG_BIT(4) | SIG_BIT(5) | SIG_BIT(7) | SIG_BIT(8) | SIG_BIT(11) |
                               SIG_BIT(31);

struct queued {
    struct sig_info s;
    struct queued *next;
};

/* A goroutine that blocks signals. One that has ended is found by its status or number: goroutines
 * are never freed. All fields: threads.lock. */
struct thread {
    struct g *gp;
    uint64_t goid;
    uint64_t mask, set;
    uint64_t own;           /* the mask when the call is over that waits with another */
    bool waits;             /* in such a call: it takes all signals of the list */
    struct queued *first, **end;
    unsigned count;
    struct thread *next;
};

static struct {
    struct lock lock;
    struct thread *first;   /* [atomic] read without the lock for whether there is any */
} threads = {.lock = LOCK_INIT("signal_threads", RANK_FILE)};

struct waitq pending_queue;

void pending_init(void) { waitq_init(&pending_queue); }

static void thread_free(struct thread *t)
{
    for (struct queued *q = t->first, *next; q; q = next) {
        next = q->next;
        os_free(q, sizeof *q);
    }
    os_free(t, sizeof *t);
}

static bool thread_over(const struct thread *t)
{
    uint32_t status = __atomic_load_n(&t->gp->status, __ATOMIC_ACQUIRE) & ~(uint32_t)G_SCAN;

    return t->gp->goid != t->goid || status == G_DEAD || (!t->mask && !t->waits && !t->first);
}

/* Frees what belongs to goroutines that have ended, on the way. */
static struct thread *thread_find_locked(const struct g *gp)
{
    for (struct thread **pp = &threads.first, *t; (t = *pp);) {
        if (t->gp == gp && t->goid == gp->goid)
            return t;
        if (thread_over(t)) {
            __atomic_store_n(pp, t->next, __ATOMIC_RELAXED);
            thread_free(t);
        } else {
            pp = &t->next;
        }
    }
    return NULL;
}

static struct thread *thread_make_locked(struct g *gp)
{
    struct thread *t = thread_find_locked(gp);

    if (t || !(t = os_alloc(sizeof *t)))
        return t;
    t->gp = gp;
    t->goid = gp->goid;
    t->end = &t->first;
    t->next = threads.first;
    __atomic_store_n(&threads.first, t, __ATOMIC_RELAXED);
    return t;
}

static bool nobody_blocks(void) { return !__atomic_load_n(&threads.first, __ATOMIC_RELAXED); }

uint64_t pending_mask(const struct g *gp)
{
    if (nobody_blocks())
        return 0;
    lock(&threads.lock);
    struct thread *t = thread_find_locked(gp);
    uint64_t mask = t ? t->mask : 0;
    unlock(&threads.lock);
    return mask;
}

/* ---- taking ------------------------------------------------------------------------------- */

static uint32_t lowest(uint64_t set)
{
    uint64_t from = set & urgent ? set & urgent : set;

    return (uint32_t)__builtin_ctzll(from) + 1;
}

/* Takes the first signal of that number out. */
static void drop_locked(struct thread *t, uint32_t number)
{
    struct queued **pp = &t->first, *q;
    bool more = false;

    while ((*pp)->s.number != number)
        pp = &(*pp)->next;
    q = *pp;
    *pp = q->next;
    if (t->end == &q->next)
        t->end = pp;
    t->count--;
    for (const struct queued *other = *pp; other; other = other->next)
        more |= other->s.number == number;
    if (!more)
        t->set &= ~SIG_BIT(number);
    os_free(q, sizeof *q);
}

uint64_t pending_set(const struct g *gp)
{
    uint64_t set = 0;

    if (nobody_blocks())
        return 0;
    lock(&threads.lock);
    if (gp) {
        struct thread *t = thread_find_locked(gp);
        set = t ? t->set : 0;
    } else {
        for (const struct thread *t = threads.first; t; t = t->next)
            set |= thread_over(t) ? 0 : t->set;
    }
    unlock(&threads.lock);
    return set;
}

bool pending_first(const struct g *gp, uint64_t set, struct sig_info *s)
{
    if (nobody_blocks())
        return false;
    lock(&threads.lock);
    struct thread *t = thread_find_locked(gp);
    uint64_t have = t ? t->set & set : 0;
    if (have) {
        const struct queued *q = t->first;
        for (uint32_t number = lowest(have); q->s.number != number;)
            q = q->next;
        *s = q->s;
    }
    unlock(&threads.lock);
    return have != 0;
}

void pending_drop(const struct g *gp, uint32_t number)
{
    lock(&threads.lock);
    struct thread *t = thread_find_locked(gp);
    if (t && t->set & SIG_BIT(number))
        drop_locked(t, number);
    unlock(&threads.lock);
}

/* Raises all signals of `set` that wait for gp's thread. */
static void raise_kept(struct g *gp, uint64_t set)
{
    struct sig_info s;

    while (set && pending_first(gp, set, &s)) {
        pending_drop(gp, s.number);
        signal_raise(s.number);
    }
}

int pending_block(struct g *gp, uint64_t mask)
{
    if (!mask && nobody_blocks())
        return 0;
    lock(&threads.lock);
    struct thread *t = thread_make_locked(gp);
    uint64_t freed = t ? t->set & ~mask : 0;
    if (t)
        t->mask = mask;
    unlock(&threads.lock);
    raise_kept(gp, freed);
    return t ? 0 : -L_ENOMEM;
}

/* ---- calls with a mask of their own ------------------------------------------------------- */

int pending_wait_begin(struct g *gp, uint64_t mask)
{
    lock(&threads.lock);
    struct thread *t = thread_make_locked(gp);
    if (t) {
        CHECK(!t->waits, "goroutine %llu waits twice", (unsigned long long)gp->goid);
        t->own = t->mask;
        t->mask = mask;
        t->waits = true;
    }
    unlock(&threads.lock);
    return t ? 0 : -L_ENOMEM;
}

bool pending_interrupts(struct g *gp)
{
    lock(&threads.lock);
    const struct thread *t = thread_find_locked(gp);
    uint64_t freed = t->set & ~t->mask;
    unlock(&threads.lock);
    raise_kept(gp, freed);
    return freed != 0;
}

void pending_wait_end(struct g *gp)
{
    lock(&threads.lock);
    struct thread *t = thread_find_locked(gp);
    uint64_t own = t->own;
    t->waits = false;
    unlock(&threads.lock);
    pending_block(gp, own);
}

/* ---- sending ------------------------------------------------------------------------------ */

/* s, which t blocks. A standard signal that waits already is not sent again. */
static int keep_locked(struct thread *t, const struct sig_info *s)
{
    if (s->number <= STANDARD && t->set & SIG_BIT(s->number))
        return 0;
    struct queued *q = t->count < QUEUED_MAX ? os_alloc(sizeof *q) : NULL;
    if (!q)
        return -L_EAGAIN;
    q->s = *s;
    *t->end = q;
    t->end = &q->next;
    t->count++;
    t->set |= SIG_BIT(s->number);
    return 0;
}

/* 1: kept; 0: t, which may be NULL, neither blocks nor awaits it; or the error. */
static int offer_locked(struct thread *t, const struct sig_info *s)
{
    if (!t || !(t->waits || t->mask & SIG_BIT(s->number)))
        return 0;
    int err = keep_locked(t, s);
    return err ? err : 1;
}

static int sent(int r, const struct sig_info *s)
{
    if (r > 0)
        queue_wake(&pending_queue);
    else if (r == 0)
        signal_raise(s->number);
    return r < 0 ? r : 0;
}

int pending_send(struct g *gp, const struct sig_info *s)
{
    int r = 0;

    if (!nobody_blocks()) {
        lock(&threads.lock);
        r = offer_locked(thread_find_locked(gp), s);
        unlock(&threads.lock);
    }
    return sent(r, s);
}

/* Does t's goroutine run on the CPU of that number alone? */
static bool is_locked_to(const struct thread *t, uint32_t tid)
{
    const struct m *mp = __atomic_load_n(&t->gp->lockedm, __ATOMIC_RELAXED);

    return mp && mp->id + 1 == tid && !thread_over(t);
}

int pending_send_to(struct g *gp, uint32_t tid, const struct sig_info *s)
{
    bool own = tid == cpu_self()->id + 1;

    if (nobody_blocks() || (own && gp->lockedm))
        return pending_send(gp, s);
    lock(&threads.lock);
    int r = own ? offer_locked(thread_find_locked(gp), s) : 0;
    for (struct thread *t = threads.first; t && !r; t = t->next)
        r = is_locked_to(t, tid) ? offer_locked(t, s) : 0;
    unlock(&threads.lock);
    return sent(r, s);
}

struct pending_look pending_look(const struct g *gp, uint32_t tid)
{
    struct pending_look l = {0};

    if (nobody_blocks())
        return l;
    bool own = gp && (tid == 0 || tid == cpu_self()->id + 1);
    lock(&threads.lock);
    const struct thread *of = own ? thread_find_locked(gp) : NULL;
    for (const struct thread *t = threads.first; t; t = t->next) {
        if (tid && !own && !of && is_locked_to(t, tid)) /* one CPU may have several */
            of = t;
        l.queued += thread_over(t) ? 0 : t->count;
    }
    if (of) {
        l.blocked = of->mask;
        l.waiting = of->set;
    }
    unlock(&threads.lock);
    return l;
}
