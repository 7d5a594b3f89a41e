/* blockprof.c - the block and the mutex profile: blockprof.h. */
#include "gort/observe/blockprof.h"
#include <string.h>
#include "gort/abi/app.h"
#include "gort/sync/waitprof.h"
#include "gort/g.h"
#include "gort/observe/stackhash.h"
#include "gort/stack/unwind.h"
#include "kernel/random.h"
#include "mm/mm.h"
#include "rt_frames.h"

#define DEPTH_MAX 128
#define BUCKETS   4093u

enum { BLOCK, MUTEX, KINDS };

struct bucket {
    struct bucket *next;   /* [const] of the same hash */
    struct bucket *all;    /* [const] of the same kind */
    uint64_t hash;         /* [const] */
    double count;          /* [prof.lock] scaled up to what was not sampled */
    int64_t ns;            /* [prof.lock] likewise */
    uint32_t n;            /* [const] */
    uintptr_t pc[];        /* [const] */
};

static struct {
    struct lock lock;
    struct bucket *table[KINDS][BUCKETS], *all[KINDS]; /* [lock] */
} prof = { .lock = LOCK_INIT("blockprof", RANK_FINALIZER) };

static struct bucket *bucket_locked(unsigned kind, const uintptr_t *pc, uint32_t n)
{
    uint64_t hash = stack_hash(n, pc, n);
    struct bucket **first = &prof.table[kind][hash % BUCKETS], *b = *first;

    while (b && !(b->hash == hash && b->n == n && memcmp(b->pc, pc, n * sizeof *pc) == 0))
        b = b->next;
    if (b)
        return b;
    b = persistent_alloc(sizeof *b + n * sizeof *pc, 8, NULL);
    b->hash = hash;
    b->n = n;
    memcpy(b->pc, pc, n * sizeof *pc);
    b->next = *first;
    *first = b;
    b->all = prof.all[kind];
    prof.all[kind] = b;
    return b;
}

static void add(unsigned kind, struct g *gp, int64_t skip, double count, int64_t ns)
{
    uintptr_t pc[DEPTH_MAX];
    int64_t depth = app->debug->profstackdepth;
    struct unwinder u;

    if (depth <= 0)
        return;
    unwinder_init(&u, gp);
    int64_t n = unwinder_pcs(&u, skip, pc, depth < DEPTH_MAX ? depth : DEPTH_MAX);
    lock(&prof.lock);
    struct bucket *b = bucket_locked(kind, pc, (uint32_t)n);
    b->count += count;
    if (__builtin_add_overflow(b->ns, ns, &b->ns))
        b->ns = INT64_MAX;
    unlock(&prof.lock);
}

/* A wait of ns is sampled with probability ns / rate, if that is below 1. */
void block_event(struct g *gp, int64_t ns, int64_t skip)
{
    int64_t rate = __atomic_load_n(&wait_profile.block_rate, __ATOMIC_RELAXED);

    ns = ns > 0 ? ns : 1;
    if (rate <= 0 || (ns < rate && (int64_t)(random_fast() >> 1) % rate > ns))
        return;
    if (ns < rate)
        add(BLOCK, gp, skip, (double)rate / (double)ns, rate);
    else
        add(BLOCK, gp, skip, 1, ns);
}

/* a * b, at most INT64_MAX: rates are the program's and may be huge. */
static int64_t times(int64_t a, int64_t b)
{
    int64_t v;

    return __builtin_mul_overflow(a, b, &v) ? INT64_MAX : v;
}

void mutex_event(struct g *gp, int64_t ns, int64_t skip)
{
    int64_t rate = __atomic_load_n(&wait_profile.mutex_rate, __ATOMIC_RELAXED);

    if (rate > 0 && (int64_t)(random_fast() >> 1) % rate == 0)
        add(MUTEX, gp, skip, (double)rate, times(rate, ns > 0 ? ns : 0));
}

/* ---- gates --------------------------------------------------------------------------------- */

void rt_block_woken(struct block_woken_frame *f) { block_done(g_calling(), f->skip); }

void rt_block_event(struct block_event_frame *f)
{
    if (f->mutex)
        mutex_event(g_calling(), f->ns, f->skip);
    else
        block_event(g_calling(), f->ns, f->skip);
}

void rt_block_rate(struct block_rate_frame *f)
{
    int64_t *rate = f->mutex ? &wait_profile.mutex_rate : &wait_profile.block_rate;

    f->old = __atomic_exchange_n(rate, f->rate, __ATOMIC_SEQ_CST);
}

/* blockRecord of gort/overlay/blockprof.go. */
struct block_record { int64_t count, ns; uint64_t n; uintptr_t pc[DEPTH_MAX]; };

void rt_block_profile(struct block_profile_frame *f)
{
    struct block_record *out = f->out;

    f->n = 0;
    lock(&prof.lock);
    for (const struct bucket *b = prof.all[f->mutex ? MUTEX : BLOCK]; b; b = b->all, f->n++) {
        if (f->n >= f->cap)
            continue;
        struct block_record *r = &out[f->n];
        r->count = b->count < 1 ? 1 : (int64_t)b->count;
        r->ns = b->ns;
        r->n = b->n;
        memcpy(r->pc, b->pc, b->n * sizeof b->pc[0]);
    }
    unlock(&prof.lock);
}
