/* pkt.c - packet memory: pieces of three sizes, cut from page frames.
 *
 *   frame(s) -> global list of a size [its lock] -> a CPU's magazine [owner] -> piece
 *
 * The head of a piece stands in front of its own bytes: 128 bytes, a small one is half a page
 * with it. A magazine that runs empty takes a batch from the global list, one that is full gives
 * a batch to it, so that pieces may be freed on other CPUs than they come from. */
#include "boot/boot_info.h"
#include "drivers/net.h"
#include "kernel/check.h"
#include "kernel/lock.h"
#include "mm/mm.h"

#define HEAD 128u
#define BATCH 32u
#define FREE_MARK 0xfee0fee0u /* refs of a free piece */
#define TRIM_MARK 0xfee1fee1u /* refs of a piece that pkt_trim looks at */

static const struct { unsigned bytes, order; } sizes[PKT_SIZES] = {
    { HEAD, 0 }, { 2048, 0 }, { 16384, 2 },
};
_Static_assert(sizeof(struct pkt) <= HEAD, "the head is larger than what is set aside for it");
_Static_assert(HEAD + PKT_HEADROOM + PKT_SMALL_ROOM == 2048, "PKT_SMALL_ROOM");
_Static_assert(HEAD + PKT_HEADROOM + PKT_LARGE_ROOM == 16384, "PKT_LARGE_ROOM");

struct pile { struct pkt *first; unsigned n; };

static struct pool { struct lock lock; struct pile free; } pools[PKT_SIZES] = {
    { LOCK_INIT("packets", RANK_PKT), { NULL, 0 } },
    { LOCK_INIT("packets", RANK_PKT), { NULL, 0 } },
    { LOCK_INIT("packets", RANK_PKT), { NULL, 0 } },
};
static struct pile magazines[CPU_MAX][PKT_SIZES]; /* [owner] */
static uint64_t bytes, cap, failures;              /* [atomic] */

#ifdef GORT_HOST_TEST
extern unsigned pkt_test_cpu;
static unsigned this_cpu(void) { return pkt_test_cpu; }
#else
static unsigned this_cpu(void) { return cpu_id(); }
#endif

static void push(struct pile *s, struct pkt *p)
{
    p->link = s->first;
    s->first = p;
    s->n++;
}

static struct pkt *pop(struct pile *s)
{
    struct pkt *p = s->first;

    s->first = p->link;
    s->n--;
    return p;
}

void pkt_init(uint64_t limit)
{
    cap = limit;
}

/* Cuts fresh frames into pieces; false: no memory, or the cap. */
static bool frames_get(enum pkt_size size, struct pile *to)
{
    uint64_t n = PAGE_SIZE << sizes[size].order;
    bool fits = __atomic_add_fetch(&bytes, n, __ATOMIC_RELAXED) <= cap && mm_can_spare(n);
    uint64_t pa = fits ? frame_alloc(sizes[size].order) : 0;

    if (!pa) {
        __atomic_sub_fetch(&bytes, n, __ATOMIC_RELAXED);
        return false;
    }
    char *at = phys_to_virt(pa);
    for (uint64_t done = 0; done < n; done += sizes[size].bytes) {
        struct pkt *p = (struct pkt *)(at + done);
        p->size = (uint8_t)size;
        p->refs = FREE_MARK;
        push(to, p);
    }
    return true;
}

static __attribute__((noinline)) bool refill(enum pkt_size size, struct pile *m)
{
    struct pool *pool = &pools[size];

    lock(&pool->lock);
    while (m->n < BATCH && pool->free.first)
        push(m, pop(&pool->free));
    unlock(&pool->lock);
    return m->n || frames_get(size, m);
}

/* Here and in piece_put the rare work is in functions of its own that are called last, so that the
 * common one saves no registers: several times for each packet. */
static __attribute__((noinline)) struct pkt *alloc_refilled(enum pkt_size size)
{
    if (refill(size, &magazines[this_cpu()][size]))
        return pkt_alloc(size);
    __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
    return NULL;
}

struct pkt *pkt_alloc(enum pkt_size size)
{
    struct pile *m = &magazines[this_cpu()][size];

    if (!m->n)
        return alloc_refilled(size);
    struct pkt *p = pop(m);
    CHECK(p->refs == FREE_MARK, "a free packet at %p has refs %#x", (void *)p, p->refs);
    *p = (struct pkt){ .refs = 1, .size = (uint8_t)size };
    p->data = (uint8_t *)p + HEAD + (size == PKT_BARE ? 0 : PKT_HEADROOM);
    return p;
}

static __attribute__((noinline)) void drain(struct pool *pool, struct pile *m)
{
    lock(&pool->lock);
    while (m->n > BATCH)
        push(&pool->free, pop(m));
    unlock(&pool->lock);
}

/* Nobody holds p any more, and what it showed has been given back. */
static inline void piece_free(struct pkt *p)
{
    struct pile *m = &magazines[this_cpu()][p->size];

    p->refs = FREE_MARK;
    push(m, p);
    if (m->n > 2 * BATCH)
        drain(&pools[p->size], m);
}

static void piece_put(struct pkt *p);

/* The end of a piece that shows memory which is not its own. */
static __attribute__((noinline)) void view_end(struct pkt *p)
{
    struct pkt *whole = p->whole;

    if (p->release)
        p->release(p->arg);
    piece_free(p);
    if (whole)
        piece_put(whole); /* which is no view itself */
}

static void piece_put(struct pkt *p)
{
    uint32_t before = __atomic_fetch_sub(&p->refs, 1, __ATOMIC_ACQ_REL);

    CHECK(before - 1 < FREE_MARK - 1, "packet at %p freed twice: refs %#x", (void *)p, before);
    if (before != 1)
        return;
    if (p->release || p->whole)
        view_end(p);
    else
        piece_free(p);
}

void pkt_free(struct pkt *p)
{
    for (struct pkt *next; p; p = next) {
        next = p->next;
        piece_put(p);
    }
}

void pkt_free_list(struct pkt *list)
{
    for (struct pkt *next; list; list = next) {
        next = list->link;
        pkt_free(list);
    }
}

void pkt_ref(struct pkt *p)
{
    __atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
}

struct pkt *pkt_view(struct pkt *whole, uint8_t *data, uint32_t len)
{
    struct pkt *p = pkt_alloc(PKT_BARE);

    if (!p)
        return NULL;
    p->whole = whole->whole ? whole->whole : whole;
    pkt_ref(p->whole);
    p->data = data;
    p->len = len;
    return p;
}

struct pkt *pkt_foreign(void *data, uint32_t len, void (*release)(void *arg), void *arg)
{
    struct pkt *p = pkt_alloc(PKT_BARE);

    if (!p)
        return NULL;
    p->data = data;
    p->len = len;
    p->release = release;
    p->arg = arg;
    return p;
}

size_t pkt_room_front(const struct pkt *p)
{
    return p->size == PKT_BARE ? 0 : (size_t)(p->data - ((const uint8_t *)p + HEAD));
}

size_t pkt_room_back(const struct pkt *p)
{
    const uint8_t *end = (const uint8_t *)p + sizes[p->size].bytes;

    return p->size == PKT_BARE ? 0 : (size_t)(end - (p->data + p->len));
}

uint64_t pkt_bytes(void)
{
    return __atomic_load_n(&bytes, __ATOMIC_RELAXED);
}

uint64_t pkt_left(void)
{
    uint64_t used = pkt_bytes(), spare = 0;

    for (unsigned s = 0; s < PKT_SIZES; s++)
        spare += (uint64_t)__atomic_load_n(&pools[s].free.n, __ATOMIC_RELAXED) * sizes[s].bytes;
    used = used > spare ? used - spare : 0;
    return used < cap ? cap - used : 0;
}

void pkt_stats_read(struct pkt_stats *out)
{
    uint64_t spare = 0;

    for (unsigned s = 0; s < PKT_SIZES; s++) {
        spare += (uint64_t)pools[s].free.n * sizes[s].bytes;
        for (unsigned c = 0; c < CPU_MAX; c++)
            spare += (uint64_t)magazines[c][s].n * sizes[s].bytes;
    }
    out->bytes = pkt_bytes();
    out->used = out->bytes > spare ? out->bytes - spare : 0;
    out->cap = cap;
    out->failures = __atomic_load_n(&failures, __ATOMIC_RELAXED);
}

/* Is every piece of p's frames among those that are looked at? */
static bool frames_free(const struct pkt *p, uint64_t n)
{
    const char *base = (const char *)((uintptr_t)p & ~(n - 1));

    for (uint64_t at = 0; at < n; at += sizes[p->size].bytes)
        if (((const struct pkt *)(base + at))->refs != TRIM_MARK)
            return false;
    return true;
}

static uint64_t trim_size(enum pkt_size size)
{
    struct pool *pool = &pools[size];
    uint64_t n = PAGE_SIZE << sizes[size].order, given = 0;
    struct pile all, keep = { NULL, 0 };

    lock(&pool->lock);
    all = pool->free;
    pool->free = keep;
    unlock(&pool->lock);
    for (struct pkt *p = all.first; p; p = p->link)
        p->refs = TRIM_MARK;
    struct pile base = { NULL, 0 };
    while (all.first) { /* of frames that are wholly free only the first piece is noted */
        struct pkt *p = pop(&all);
        if (!frames_free(p, n))
            push(&keep, p);
        else if (!((uintptr_t)p & (n - 1)))
            push(&base, p);
    }
    while (base.first) {
        struct pkt *p = pop(&base);
        frame_free((uintptr_t)p - DIRECT_MAP_BASE, sizes[size].order);
        given += n;
    }
    lock(&pool->lock);
    while (keep.first) {
        struct pkt *p = pop(&keep);
        p->refs = FREE_MARK;
        push(&pool->free, p);
    }
    unlock(&pool->lock);
    __atomic_sub_fetch(&bytes, given, __ATOMIC_RELAXED);
    return given;
}

uint64_t pkt_trim(void)
{
    uint64_t given = 0;

    for (unsigned s = 0; s < PKT_SIZES; s++) {
        struct pile *m = &magazines[this_cpu()][s];
        lock(&pools[s].lock);
        while (m->n)
            push(&pools[s].free, pop(m));
        unlock(&pools[s].lock);
        given += trim_size((enum pkt_size)s);
    }
    return given;
}
