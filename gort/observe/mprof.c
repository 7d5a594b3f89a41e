/* mprof.c - sampling allocations: mprof.h. */
#include "gort/observe/mprof.h"
#include <string.h>
#include "gort/g.h"
#include "gort/gc/final.h"
#include "gort/heap/mheap.h"
#include "gort/observe/stackhash.h"
#include "gort/stack/unwind.h"
#include "kernel/random.h"
#include "rt_frames.h"

#define BUCKETS   (179999u)
#define DEPTH_MAX 128
#define RATE_MAX  (1ll << 40) /* bytes per sample */

struct mprof_counts { uint64_t allocs, frees, alloc_bytes, free_bytes; };

struct mprof_bucket {
    struct mprof_bucket *next;      /* [const] of the same hash */
    struct mprof_bucket *all;       /* [const] */
    uint64_t hash, size;            /* [const] */
    struct mprof_counts active;     /* [prof_lock] what is shown */
    struct mprof_counts future[3];  /* [atomic] by cycle */
    uint32_t n;                     /* [const] */
    uintptr_t pc[];                 /* [const] */
};

static struct lock prof_lock = LOCK_INIT("mprof", RANK_PROF);
static struct mprof_bucket **table; /* [prof_lock] */
static struct mprof_bucket *all;    /* [prof_lock, atomic] */
static const int64_t *program_rate; /* [const] NULL: the program is not up yet */
static uint32_t cycle;              /* [stw] counts go to (cycle + 1 or 2) % 3 */

void mprof_init(const int64_t *rate) { __atomic_store_n(&program_rate, rate, __ATOMIC_RELEASE); }

static int64_t rate_now(void)
{
    const int64_t *r = __atomic_load_n(&program_rate, __ATOMIC_ACQUIRE);

    return r ? __atomic_load_n(r, __ATOMIC_RELAXED) : 0;
}

/* ---- when -------------------------------------------------------------------------------- */

/* -ln(u) for u uniform in (0, 1]: u = m * 2^-e with 1 <= m < 2; ln m by the series of atanh,
 * whose argument is at most 1/3 (error below 1e-6). */
static double exponential(void)
{
    uint64_t u = random_fast() >> 11 | 1; /* 53 bits */
    int lead = __builtin_clzll(u);
    double m = (double)(u << lead) / 9223372036854775808.0;
    double t = (m - 1) / (m + 1), t2 = t * t;
    double ln = 2 * t * (1 + t2 * (1.0 / 3 + t2 * (1.0 / 5 + t2 * (1.0 / 7 + t2 / 9))));

    return (double)(lead - 10) * 0.6931471805599453 - ln;
}

/* Bytes until the next sample. Rates above RATE_MAX count as that: a program that sets
 * math.MaxInt64 wants next to no samples, and the product must stay within 64 bits. */
static uint64_t draw(int64_t rate)
{
    if (rate == 1)
        return 0;
    return (uint64_t)(exponential() * (double)(rate < RATE_MAX ? rate : RATE_MAX));
}

/* Index of the nth free object of s, counted from free_index on; nelems if there are fewer. */
static unsigned nth_free(const struct mspan *s, uint64_t n)
{
    for (unsigned i = s->free_index; i < s->nelems; i++) {
        uint64_t word = ~s->alloc[i / 64] >> i % 64;
        uint64_t count = (uint64_t)__builtin_popcountll(word);
        if (n >= count) {
            n -= count;
            i |= 63; /* the loop adds one */
            continue;
        }
        for (; n; n--)
            word &= word - 1;
        return i + (unsigned)__builtin_ctzll(word);
    }
    return s->nelems;
}

void mprof_arm(struct mspan *s)
{
    int64_t rate = rate_now();

    if (rate <= 0)
        return;
    uint64_t n = draw(rate) / s->elemsize;
    if (n >= s->nelems - s->alloc_count)
        return;
    unsigned at = nth_free(s, n);
    if (at < s->nelems)
        mspan_sample_at(s, at);
}

bool mprof_due(uint64_t size)
{
    int64_t rate = rate_now();

    return rate > 0 && draw(rate) < size;
}

/* ---- who --------------------------------------------------------------------------------- */

static struct mprof_bucket *find_locked(uint64_t hash, const uintptr_t *pc, uint32_t n,
                                        uint64_t size)
{
    struct mprof_bucket *b = table[hash % BUCKETS];

    while (b && !(b->hash == hash && b->size == size && b->n == n &&
                  memcmp(b->pc, pc, n * sizeof *pc) == 0))
        b = b->next;
    return b;
}

static struct mprof_bucket *add_locked(uint64_t hash, const uintptr_t *pc, uint32_t n,
                                       uint64_t size)
{
    struct mprof_bucket *b = persistent_alloc(sizeof *b + n * sizeof *pc, 8, &mheap.meta_prof);

    b->hash = hash;
    b->size = size;
    b->n = n;
    memcpy(b->pc, pc, n * sizeof *pc);
    b->next = table[hash % BUCKETS];
    table[hash % BUCKETS] = b;
    b->all = all;
    __atomic_store_n(&all, b, __ATOMIC_RELEASE);
    return b;
}

static struct mprof_bucket *bucket_of(const uintptr_t *pc, uint32_t n, uint64_t size)
{
    uint64_t hash = stack_hash(size, pc, n);

    lock(&prof_lock);
    if (!table)
        table = persistent_alloc(BUCKETS * sizeof *table, 8, &mheap.meta_prof);
    struct mprof_bucket *b = find_locked(hash, pc, n, size);
    if (!b)
        b = add_locked(hash, pc, n, size);
    unlock(&prof_lock);
    return b;
}

/* Walking the tables takes thousands of instructions, and at a rate of 1 that would be the cost of
 * each allocation. The chain of frame pointers is as good a name for a stack that was here
 * before: all 64 bits of its hash are compared. */
#define KNOWN 4096
static struct { uint64_t key; struct mprof_bucket *bucket; } known[KNOWN]; /* [prof_lock] */

static uint64_t chain_key(const struct g *gp, uint64_t size)
{
    uint64_t h = size ^ gp->sched.pc;
    uintptr_t bp = gp->sched.bp, low = gp->sched.sp;

    for (int n = 0; n < DEPTH_MAX && bp > low && bp % 8 == 0 && bp + 16 <= gp->stack.hi; n++) {
        h = (h ^ ((const uintptr_t *)bp)[1]) * 0x9e3779b97f4a7c15ull;
        h ^= h >> 32;
        low = bp;
        bp = *(const uintptr_t *)bp;
    }
    return h;
}

static struct mprof_bucket *known_bucket(uint64_t key)
{
    lock(&prof_lock);
    struct mprof_bucket *b = known[key % KNOWN].key == key ? known[key % KNOWN].bucket : NULL;
    unlock(&prof_lock);
    return b;
}

static struct mprof_bucket *walk(struct g *gp, uint64_t size, uint64_t key)
{
    uintptr_t pc[DEPTH_MAX];
    struct unwinder u;

    unwinder_init(&u, gp);
    int64_t n = unwinder_pcs(&u, 1, pc, DEPTH_MAX); /* without the gate's stub */
    struct mprof_bucket *b = bucket_of(pc, (uint32_t)n, size);
    lock(&prof_lock);
    known[key % KNOWN].key = key;
    known[key % KNOWN].bucket = b;
    unlock(&prof_lock);
    return b;
}

/* ---- counting ---------------------------------------------------------------------------- */

static struct mprof_counts *counts_in(struct mprof_bucket *b, uint32_t ahead)
{
    return &b->future[(__atomic_load_n(&cycle, __ATOMIC_RELAXED) + ahead) % 3];
}

void mprof_malloc(struct g *gp, uintptr_t p, uint64_t size)
{
    uint64_t key = chain_key(gp, size);
    struct mprof_bucket *b = known_bucket(key);

    if (!b)
        b = walk(gp, size, key);
    struct mprof_counts *c = counts_in(b, 2);
    __atomic_add_fetch(&c->allocs, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&c->alloc_bytes, size, __ATOMIC_RELAXED);
    special_add_profile(p, b);
}

void mprof_free(struct mprof_bucket *b, uint64_t size)
{
    struct mprof_counts *c = counts_in(b, 1);

    __atomic_add_fetch(&c->frees, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&c->free_bytes, size, __ATOMIC_RELAXED);
}

void mprof_next_cycle(void) { __atomic_add_fetch(&cycle, 1, __ATOMIC_RELAXED); }

static void move_counts_locked(struct mprof_bucket *b, uint32_t slot)
{
    struct mprof_counts *f = &b->future[slot % 3];

    b->active.allocs += __atomic_exchange_n(&f->allocs, 0, __ATOMIC_RELAXED);
    b->active.frees += __atomic_exchange_n(&f->frees, 0, __ATOMIC_RELAXED);
    b->active.alloc_bytes += __atomic_exchange_n(&f->alloc_bytes, 0, __ATOMIC_RELAXED);
    b->active.free_bytes += __atomic_exchange_n(&f->free_bytes, 0, __ATOMIC_RELAXED);
}

static void flush_slot(uint32_t slot)
{
    if (!__atomic_load_n(&all, __ATOMIC_ACQUIRE))
        return;
    lock(&prof_lock);
    for (struct mprof_bucket *b = all; b; b = b->all)
        move_counts_locked(b, slot);
    unlock(&prof_lock);
}

void mprof_flush(void) { flush_slot(__atomic_load_n(&cycle, __ATOMIC_RELAXED)); }

void mprof_flush_swept(void) { flush_slot(__atomic_load_n(&cycle, __ATOMIC_RELAXED) + 1); }

/* ---- reading ----------------------------------------------------------------------------- */

/* memProfRecord of gort/overlay/mprof.go. */
struct mprof_record {
    struct mprof_counts counts;
    uint64_t n;
    uintptr_t pc[DEPTH_MAX];
};

static bool shown(const struct mprof_bucket *b, bool inuse_zero)
{
    return inuse_zero || b->active.alloc_bytes != b->active.free_bytes;
}

/* Before the first collection nothing is due to be shown: show everything then. */
static void show_all_locked(void)
{
    for (struct mprof_bucket *b = all; b; b = b->all)
        if (b->active.allocs || b->active.frees)
            return;
    for (struct mprof_bucket *b = all; b; b = b->all)
        for (uint32_t slot = 0; slot < 3; slot++)
            move_counts_locked(b, slot);
}

void rt_mem_profile(struct mem_profile_frame *f)
{
    struct mprof_record *out = f->out;

    f->n = 0;
    lock(&prof_lock);
    show_all_locked();
    for (struct mprof_bucket *b = all; b; b = b->all) {
        if (!shown(b, f->inuse_zero))
            continue;
        if (f->n < f->cap) {
            struct mprof_record *r = &out[f->n];
            r->counts = b->active;
            r->n = b->n;
            memcpy(r->pc, b->pc, b->n * sizeof b->pc[0]);
        }
        f->n++;
    }
    unlock(&prof_lock);
}

void mprof_each(void (*fn)(const struct mprof_bucket *b, const struct mprof_view *v))
{
    lock(&prof_lock);
    show_all_locked();
    for (const struct mprof_bucket *b = all; b; b = b->all) {
        struct mprof_view v = { b->size, b->pc, b->n, b->active.allocs, b->active.frees };
        fn(b, &v);
    }
    unlock(&prof_lock);
}
