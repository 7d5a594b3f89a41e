#include "kernel/lock.h"
#include "arch/x86_64/arch.h"
#include "arch/x86_64/state.h"
#include "kernel/check.h"
#include "kernel/options.h"
#include "kernel/panic.h"

#define HELD_MAX (sizeof ((struct cpu *)0)->held / sizeof(struct lock *))

#ifdef GORT_DEBUG
#define RANK_CHECKED true
uint32_t lock_watched = 1;
#else
uint32_t lock_watched;
#define RANK_CHECKED options.lockrank
#endif

void lock_init(struct lock *l, const char *name, enum lock_rank rank)
{
    l->held = 0;
    l->rank = rank;
    l->name = name;
}

static uint32_t last_words; /* [atomic] 1 + id of the CPU that ends the program */

void lock_last_words(void)
{
    __atomic_store_n(&last_words, cpu_id() + 1, __ATOMIC_RELAXED);
}

static bool says_last_words(const struct cpu *c)
{
    return __atomic_load_n(&last_words, __ATOMIC_RELAXED) == c->id + 1;
}

/* Locks of channels have no name: Go code makes them. */
static const char *name_of(const struct lock *l) { return l->name ? l->name : "of a channel"; }

/* Ranks rise along any chain of held locks, so no cycle can form. Channels alone may be
 * held several at once (selectgo takes them in address order). */
static void rank_check(const struct cpu *c, const struct lock *l)
{
    const struct lock *top = c->nheld ? c->held[c->nheld - 1] : NULL;

    CHECK(!c->irq_depth, "lock %s taken in an interrupt handler", name_of(l));
    CHECK(!top || top->rank < l->rank ||
          (top->rank == RANK_HCHAN && l->rank == RANK_HCHAN && top < l),
          "lock order: %s(%u) under %s(%u)", name_of(l), l->rank, name_of(top), top->rank);
}

/* Notes that c holds l. A select may hold thousands of channels, so only the last of them is
 * noted. */
static void held_push(struct cpu *c, struct lock *l)
{
    if (c->nheld && l->rank == RANK_HCHAN && c->held[c->nheld - 1]->rank == RANK_HCHAN) {
        c->held[c->nheld - 1] = l;
        c->nchans++;
        return;
    }
    CHECK(c->nheld < HELD_MAX, "%u locks held when taking %s", c->nheld, name_of(l));
    c->held[c->nheld++] = l;
}

/* Notes that c has released l, which need not be the lock taken last. */
static void held_remove(struct cpu *c, const struct lock *l)
{
    if (l->rank == RANK_HCHAN && c->nchans) {
        c->nchans--;
        return;
    }
    for (uint32_t i = c->nheld; i-- > 0;) {
        if (c->held[i] != l && (l->rank != RANK_HCHAN || c->held[i]->rank != RANK_HCHAN))
            continue;
        for (; i + 1 < c->nheld; i++)
            c->held[i] = c->held[i + 1];
        c->nheld--;
        return;
    }
}

static bool take(struct lock *l, uint32_t me)
{
    uint32_t expected = 0;

    return __atomic_compare_exchange_n(&l->held, &expected, me, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/* Another CPU holds l: waits until it looks free. */
static void wait_for(struct cpu *c, const struct lock *l)
{
    uint64_t start = rdtsc();

    CHECK(l->held != c->id + 1, "cpu %u takes lock %s, which it holds", c->id, name_of(l));
    while (__atomic_load_n(&l->held, __ATOMIC_RELAXED)) {
        tlb_poll(); /* the holder may be waiting for us, and interrupts may be off */
        cpu_relax();
    }
    c->lock_wait += rdtsc() - start;
}

/* By lock_kept.S. */
void lock_slow(struct lock *l);
void unlock_slow(struct lock *l);

void lock_slow(struct lock *l)
{
    struct cpu *c = cpu_self();

    if (crash_in_progress())
        return; /* the crashing CPU is alone; the others are about to be stopped */
    if (says_last_words(c) && l->held == c->id + 1)
        return;
    if (RANK_CHECKED && !says_last_words(c))
        rank_check(c, l);
    while (!take(l, c->id + 1))
        wait_for(c, l);
    if (RANK_CHECKED && !says_last_words(c))
        held_push(c, l);
}

void unlock_slow(struct lock *l)
{
    struct cpu *c = cpu_self();

    if (crash_in_progress() || (says_last_words(c) && l->held != c->id + 1))
        return;
    CHECK(l->held == c->id + 1, "cpu %u releases lock %s, held by %d", c->id, name_of(l),
          (int)l->held - 1);
    if (RANK_CHECKED && !says_last_words(c))
        held_remove(c, l);
    __atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}
