/* test_buddy.c - the page-frame allocator against a plain map of which block each frame is in.
 * sources: mm/buddy.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mm/buddy.h"

#define FRAMES 40000u

static int failures;
static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

static struct buddy b;
static uint8_t *state, owned[FRAMES];
static struct buddy_link *links;

static void fresh(void)
{
    free(state);
    free(links);
    state = calloc(FRAMES, 1);
    links = malloc(FRAMES * sizeof *links);
    buddy_init(&b, state, links, FRAMES);
    memset(owned, 0, sizeof owned);
}

static bool own(uint32_t f, unsigned order, int take)
{
    for (uint32_t i = 0; i < 1u << order; i++) {
        if (owned[f + i] == take)
            return false;
        owned[f + i] = (uint8_t)take;
    }
    return true;
}

static bool random_traffic(void)
{
    struct { uint32_t f; unsigned order; } live[2000];
    unsigned n = 0;

    fresh();
    buddy_add(&b, 3, 20000); /* odd edges and a hole */
    buddy_add(&b, 20101, FRAMES - 20101);
    uint64_t total = b.free_frames;
    srand(1);
    for (int i = 0; i < 200000; i++) {
        if (n < 2000 && rand() % 2) {
            unsigned order = (unsigned)rand() % 10;
            uint32_t f = buddy_alloc(&b, order);
            if (f == BUDDY_NIL)
                continue;
            if (f & ((1u << order) - 1) || f < 3 || (f >= 20003 && f < 20101) ||
                !own(f, order, 1))
                return false;
            live[n].f = f;
            live[n++].order = order;
        } else if (n) {
            unsigned k = (unsigned)rand() % n;
            own(live[k].f, live[k].order, 0);
            if (live[k].order && rand() % 4 == 0) { /* in two pieces */
                unsigned o = live[k].order - 1;
                if (!buddy_free(&b, live[k].f + (1u << o), o) || !buddy_free(&b, live[k].f, o))
                    return false;
            } else if (!buddy_free(&b, live[k].f, live[k].order)) {
                return false;
            }
            live[k] = live[--n];
        }
    }
    while (n--)
        if (!buddy_free(&b, live[n].f, live[n].order))
            return false;
    return b.free_frames == total && buddy_largest(&b) == 13;
}

static bool double_frees(void)
{
    fresh();
    buddy_add(&b, 0, 4096);
    uint32_t f = buddy_alloc(&b, 3), g = buddy_alloc(&b, 0);
    bool good = buddy_free(&b, f, 3) && !buddy_free(&b, f, 3) && !buddy_free(&b, f + 1, 0) &&
                !buddy_free(&b, f + 4, 2) && !buddy_free(&b, 5000, 0) &&
                !buddy_free(&b, FRAMES, 0) && !buddy_free(&b, g | 1, 1);
    return good && buddy_free(&b, g, 0) && !buddy_free(&b, g, 0) && b.free_frames == 4096;
}

static bool exhaustion(void)
{
    fresh();
    buddy_add(&b, 512, 1024);
    unsigned n = 0;
    while (buddy_alloc(&b, 0) != BUDDY_NIL)
        n++;
    return n == 1024 && buddy_alloc(&b, 0) == BUDDY_NIL && buddy_largest(&b) == -1 &&
           b.free_frames == 0;
}

static bool coalescing(void)
{
    fresh();
    buddy_add(&b, 0, 32768);
    if (buddy_largest(&b) != 15)
        return false;
    uint32_t f = buddy_alloc(&b, 15);
    for (uint32_t i = 0; i < 32768; i++) /* backwards, frame by frame */
        if (!buddy_free(&b, f + 32767 - i, 0))
            return false;
    return buddy_largest(&b) == 15 && buddy_alloc(&b, 16) == BUDDY_NIL;
}

int main(void)
{
    report("random traffic", random_traffic());
    report("double frees are refused", double_frees());
    report("exhaustion", exhaustion());
    report("pieces coalesce", coalescing());
    free(state);
    free(links);
    return failures != 0;
}
