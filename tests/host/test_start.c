// sources: gort/sched/start.c
/* Stacks by the function that goroutines start with: when later ones begin with more, and when with
 * less again. */
#include <stdio.h>
#include <string.h>
#include "gort/sched/start.h"

static int failures;

#define EXPECT(x) ((x) ? (void)0 : (void)(failures++, printf("FAIL line %d: %s\n", __LINE__, #x)))

bool symtab_is_system_goroutine(uintptr_t pc) { return pc & 0x100000; }

/* Functions; the last shares a slot with the first. */
enum { F = 0x401000, G = 0x402040, H = 0x403080, SAME = F + (1 << 17) };

static struct g born(uintptr_t pc)
{
    struct g gp = { .startpc = pc };

    gp.stack.hi = start_stack(&gp);
    return gp;
}

static void grow(struct g *gp)
{
    start_grew(gp);
    gp->stack.hi *= 2;
}

/* A goroutine of pc that comes to need `need` bytes. Returns what it began with. */
static size_t life(uintptr_t pc, size_t need)
{
    struct g gp = born(pc);
    size_t began = gp.stack.hi;

    while (gp.stack.hi < need)
        grow(&gp);
    start_ended(&gp);
    return began;
}

static size_t lives(uintptr_t pc, unsigned n, size_t need)
{
    size_t last = 0;

    while (n--)
        last = life(pc, need);
    return last;
}

static void test_learns(void)
{
    EXPECT(lives(F, START_ENOUGH, 8192) == 2048);
    EXPECT(life(F, 8192) == 4096);
    EXPECT(lives(F, START_ENOUGH, 8192) == 8192);
    EXPECT(lives(G, 1000, 2048) == 2048); /* others are not touched */
    EXPECT(life(F, 1 << 20) == 8192);
}

static void test_most(void)
{
    EXPECT(lives(F, 10000, 1 << 20) <= START_STACK_MOST);
    EXPECT(life(F, 1 << 20) == START_STACK_MOST);
}

/* It needs less by now: probes find out, one size at a time. */
static void test_forgets(void)
{
    unsigned n = 0;

    while (lives(F, 1, 2048) == 8192 && n < 10 * START_PROBE)
        n++;
    EXPECT(n <= 3 * START_PROBE);
    EXPECT(lives(F, 6 * START_PROBE, 2048) == 2048);
}

static void test_minority(void)
{
    for (int i = 0; i < 10000; i++)
        life(G, i % 2 ? 8192 : 2048);
    EXPECT(life(G, 2048) == 2048);
}

/* Many are born before the first of them grows. */
static void test_bursts(void)
{
    static struct g gs[1000];

    for (int i = 0; i < 1000; i++)
        gs[i] = born(G);
    for (int i = 0; i < 1000; i += 4)
        grow(&gs[i]);
    EXPECT(life(G, 2048) == 2048);
    for (int i = 0; i < 1000; i++)
        if (i % 4)
            grow(&gs[i]);
    EXPECT(life(G, 4096) == 4096);
}

/* A burst that ends late does not lower what others have raised. */
static void test_probes_need_two(void)
{
    size_t began = 0;

    lives(H, 4 * START_ENOUGH, 8192);
    for (unsigned i = 0; i < 20 * START_PROBE; i++) {
        struct g gp = born(H);
        if (gp.start_probe)
            EXPECT(gp.stack.hi == 4096);
        if (gp.start_probe && i / START_PROBE % 2)
            start_ended(&gp); /* every other probe needs no more */
        else if (gp.start_probe)
            grow(&gp);
        began = gp.stack.hi > began ? gp.stack.hi : began;
    }
    EXPECT(began == 8192 && life(H, 8192) == 8192);
}

/* One that needs much is known beforehand, and was wrongly said to. */
static void test_known(void)
{
    start_needs_most(G);
    EXPECT(life(G, 8192) == 8192 && life(F, 2048) == 2048);
    EXPECT(lives(G, 10 * START_PROBE, 2048) == 2048);
    EXPECT(!start_is_system(G));
}

static void test_slots(void)
{
    EXPECT(!start_is_system(F) && start_is_system(F | 0x100000) && !start_is_system(F));
    lives(F, 4 * START_ENOUGH, 8192);
    EXPECT(life(SAME, 2048) == 2048); /* another function: it begins anew */
    EXPECT(life(F, 2048) == 2048);
}

int main(void)
{
    test_learns();
    test_most();
    test_forgets();
    test_minority();
    test_bursts();
    test_probes_need_two();
    test_known();
    test_slots();
    printf("%s\n", failures ? "FAILED" : "ok");
    return failures != 0;
}
