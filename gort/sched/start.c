/* start.c - goroutines by the function that they start with: start.h. */
#include "gort/sched/start.h"
#include "gort/stack/symtab.h"

#define SLOTS    64
#define AGE      1024u       /* births after which what was counted counts half */
#define SPARED   2           /* probes in a row that did not grow */
#define MOST     ((unsigned)__builtin_ctzll(START_STACK_MOST / STACK_MIN))

/* Programs start many goroutines at few places: functions share slots, the last one has it. pc and
 * answer are one word, so that `known` is right whoever writes. The rest are guesses: counts that
 * two CPUs or two functions have mixed up cost time, nothing else. */
static struct start {
    uint64_t known;          /* [atomic] pc << 1 | is the runtime's */
    uint32_t births, grown;  /* [atomic, may lose] since `order` was last changed */
    uint8_t order;           /* [atomic] they begin with STACK_MIN << order, at most MOST */
    uint8_t spared;          /* [atomic, may lose] */
} starts[SLOTS];

#define GET(x)    __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define SET(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

static struct start *slot_of(uintptr_t pc) { return &starts[(pc >> 5 ^ pc >> 11) % SLOTS]; }

/* Begins to count anew. */
static void order_set(struct start *s, unsigned order)
{
    SET(s->births, 0);
    SET(s->grown, 0);
    SET(s->spared, 0);
    SET(s->order, (uint8_t)order);
}

/* The slot becomes pc's. Apart from its callers, which every go statement goes through. */
static __attribute__((noinline)) bool slot_take(struct start *s, uintptr_t pc)
{
    bool system = symtab_is_system_goroutine(pc); /* the symbol table takes time */

    SET(s->known, pc << 1 | system);
    order_set(s, 0);
    return system;
}

static inline struct start *start_of(uintptr_t pc)
{
    struct start *s = slot_of(pc);

    if (__builtin_expect(GET(s->known) >> 1 != pc, 0))
        slot_take(s, pc);
    return s;
}

bool start_is_system(uintptr_t pc)
{
    struct start *s = slot_of(pc);
    uint64_t known = GET(s->known);

    return __builtin_expect(known >> 1 == pc, 1) ? known & 1 : slot_take(s, pc);
}

size_t start_stack(struct g *gp)
{
    struct start *s = start_of(gp->startpc);
    uint32_t births = GET(s->births) + 1;
    unsigned order = GET(s->order);

    SET(s->births, births);
    gp->start_probe = order && births % START_PROBE == 0;
    if (births >= AGE) {
        SET(s->births, births / 2);
        SET(s->grown, GET(s->grown) / 2);
    }
    gp->start_order = (uint8_t)(order - gp->start_probe);
    return STACK_MIN << gp->start_order;
}

void start_needs_most(uintptr_t pc) { order_set(start_of(pc), MOST); }

/* Is gp's stack still as it began? */
static bool as_born(const struct g *gp)
{
    return gp->stack.hi - gp->stack.lo == STACK_MIN << gp->start_order;
}

/* The slot, if it is gp's function's and speaks of goroutines that began as gp did. */
static struct start *start_for(const struct g *gp)
{
    struct start *s = slot_of(gp->startpc);

    return GET(s->known) >> 1 == gp->startpc && gp->start_order + gp->start_probe == GET(s->order)
               ? s : NULL;
}

void start_grew(const struct g *gp)
{
    struct start *s = as_born(gp) ? start_for(gp) : NULL;

    if (!s)
        return;
    if (gp->start_probe) {
        SET(s->spared, 0);
        return;
    }
    uint32_t grown = GET(s->grown) + 1;
    unsigned order = GET(s->order);
    SET(s->grown, grown);
    if (grown >= START_ENOUGH && grown * 4 >= GET(s->births) * 3 && order < MOST)
        order_set(s, order + 1);
}

void start_ended(const struct g *gp)
{
    struct start *s = gp->start_probe && as_born(gp) ? start_for(gp) : NULL;
    unsigned spared = s ? GET(s->spared) + 1 : 0;

    if (spared >= SPARED)
        order_set(s, GET(s->order) - 1);
    else if (s)
        SET(s->spared, (uint8_t)spared);
}
