/* wheel.c - timers: a hierarchical wheel per CPU (wheel.h). */
#include "kernel/lock.h"
#include "gort/net/net.h"
#include "gort/net/platform.h"
#include "gort/net/wheel.h"

enum { LEVELS = 3, SLOTS = 256, SHIFT = 8 };
#define REACH ((int64_t)1 << (SHIFT * LEVELS)) /* ms */

struct wheel {
    struct lock lock;
    int64_t now;                            /* [lock] ms: slots before it are empty */
    int64_t next;                           /* [atomic] ns, when to look again; or WHEEL_NEVER */
    uint64_t used[LEVELS][SLOTS / 64];      /* [lock] slots that are not empty */
    struct net_timer *slot[LEVELS][SLOTS];  /* [lock] */
} __attribute__((aligned(64)));

static struct wheel wheels[NET_CPUS];

void wheel_init(void)
{
    int64_t ms = net_now_ns() / 1000000;

    for (unsigned i = 0; i < NET_CPUS; i++) {
        lock_init(&wheels[i].lock, "net timers", RANK_WHEEL);
        wheels[i].now = ms;
        wheels[i].next = WHEEL_NEVER;
    }
}

/* The distance chooses the level, the deadline's own digits the slot. A slot of level 1 or 2 is
 * spread over the level below when the clock enters it. */
static void insert(struct wheel *w, struct net_timer *t)
{
    int64_t due = t->due < w->now ? w->now : t->due;
    unsigned level = 0;

    if (due - w->now >= REACH - ((int64_t)1 << (SHIFT * (LEVELS - 1))))
        due = w->now + REACH - ((int64_t)1 << (SHIFT * (LEVELS - 1))) - 1;
    while ((due >> (SHIFT * level)) - (w->now >> (SHIFT * level)) >= SLOTS)
        level++;
    unsigned s = due >> (SHIFT * level) & (SLOTS - 1);
    struct net_timer **head = &w->slot[level][s];

    t->next = *head;
    t->pprev = head;
    if (*head)
        (*head)->pprev = &t->next;
    *head = t;
    w->used[level][s / 64] |= 1ull << (s % 64);
}

static void unlink_timer(struct net_timer *t)
{
    *t->pprev = t->next;
    if (t->next)
        t->next->pprev = t->pprev;
}

/* The number of empty slots from `from` on (circular); SLOTS if all are empty. */
static unsigned distance(const uint64_t used[SLOTS / 64], unsigned from)
{
    for (unsigned i = 0; i < SLOTS;) {
        unsigned s = (from + i) & (SLOTS - 1);
        uint64_t bits = used[s / 64] >> (s % 64);
        if (bits)
            return i + (unsigned)__builtin_ctzll(bits);
        i += 64 - s % 64;
    }
    return SLOTS;
}

/* The ms in which the next slot with timers begins, of any level. */
static int64_t next_ms(const struct wheel *w)
{
    int64_t best = WHEEL_NEVER;

    for (unsigned level = 0; level < LEVELS; level++) {
        int64_t at = w->now >> (SHIFT * level);
        unsigned d = distance(w->used[level], at & (SLOTS - 1));
        int64_t ms = (at + d) << (SHIFT * level);
        if (d < SLOTS && ms < best)
            best = ms < w->now ? w->now : ms;
    }
    return best;
}

static int64_t ms_to_ns(int64_t ms)
{
    return ms == WHEEL_NEVER ? WHEEL_NEVER : ms * 1000000;
}

bool wheel_start(struct net_timer *t, int64_t due_ns)
{
    unsigned cpu = net_cpu();
    struct wheel *w = &wheels[cpu];
    bool was = wheel_stop(t);

    lock(&w->lock);
    t->due = (due_ns + 999999) / 1000000;
    t->cpu = (uint16_t)cpu;
    insert(w, t);
    __atomic_store_n(&t->armed, true, __ATOMIC_RELAXED);
    bool kick = ms_to_ns(t->due) < w->next;
    if (kick)
        __atomic_store_n(&w->next, ms_to_ns(t->due), __ATOMIC_RELAXED);
    unlock(&w->lock);
    if (kick)
        net_timers_kick(cpu, due_ns);
    return !was;
}

bool wheel_stop(struct net_timer *t)
{
    if (!__atomic_load_n(&t->armed, __ATOMIC_RELAXED))
        return false;
    struct wheel *w = &wheels[t->cpu];  /* only a start, under the owner's lock, changes it */
    lock(&w->lock);
    bool was = t->armed;
    if (was)
        unlink_timer(t);
    __atomic_store_n(&t->armed, false, __ATOMIC_RELAXED);
    unlock(&w->lock);
    return was;
}

/* Moves the timers of slot s one level down, or to `due` if it is of level 0. */
static void spread(struct wheel *w, unsigned level, struct net_timer **due)
{
    unsigned s = w->now >> (SHIFT * level) & (SLOTS - 1);
    struct net_timer *t = w->slot[level][s];

    w->slot[level][s] = NULL;
    w->used[level][s / 64] &= ~(1ull << (s % 64));
    while (t) {
        struct net_timer *next = t->next;
        if (level == 0 && t->due <= w->now) {
            t->next = *due;
            t->pprev = due;
            if (*due)
                (*due)->pprev = &t->next;
            *due = t;
        } else {
            insert(w, t);
        }
        t = next;
    }
}

/* Advances the clock to ms, collecting what is due; jumps over empty slots. */
static void advance(struct wheel *w, int64_t ms, struct net_timer **due)
{
    for (;;) {
        int64_t next = next_ms(w);
        if (next > ms)
            break;
        w->now = next;
        for (unsigned level = LEVELS - 1; level > 0; level--)
            if (!(w->now & (((int64_t)1 << (SHIFT * level)) - 1)) ||
                w->slot[level][w->now >> (SHIFT * level) & (SLOTS - 1)])
                spread(w, level, due);
        spread(w, 0, due);
    }
    if (w->now <= ms)
        w->now = ms + 1;
}

int64_t net_timers_next(unsigned cpu)
{
    return __atomic_load_n(&wheels[cpu].next, __ATOMIC_RELAXED);
}

/* Due timers hang on a list of this call, so that each can still be stopped until its turn
 * comes. */
void net_timers_run(unsigned cpu)
{
    struct wheel *w = &wheels[cpu];
    struct net_timer *due = NULL, *t;
    int64_t now = net_now_ns();

    if (now < net_timers_next(cpu))
        return;
    net_round_begin();
    lock(&w->lock);
    advance(w, now / 1000000, &due);
    while ((t = due)) {
        unlink_timer(t);
        __atomic_store_n(&t->armed, false, __ATOMIC_RELAXED);
        unlock(&w->lock);
        t->fire(t);
        lock(&w->lock);
    }
    __atomic_store_n(&w->next, ms_to_ns(next_ms(w)), __ATOMIC_RELAXED);
    unlock(&w->lock);
    net_round_end();
}
