/* test_ranges.c - the set of free address ranges against a bitmap.
 * sources: mm/ranges.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mm/ranges.h"

#define PAGES 4096u
#define PAGE  4096u
#define BASE  0x100000u

static int failures;
static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

static struct range_node pool[8192];
static unsigned used, limit = 8192;
static struct range_node *node_new(void)
{
    return used < limit ? &pool[used++] : NULL;
}

static bool is_free[PAGES];
static struct range_set s;

static void fresh(void)
{
    used = 0;
    limit = 8192;
    s = (struct range_set){ NULL, NULL, node_new, 7 };
    memset(is_free, 0, sizeof is_free);
}

static uintptr_t check(const struct range_node *n, uintptr_t lo, uintptr_t hi, bool *good,
                       unsigned *count)
{
    if (!n)
        return 0;
    uintptr_t l = check(n->left, lo, n->lo, good, count);
    uintptr_t r = check(n->right, n->hi, hi, good, count), m = n->hi - n->lo;
    *good &= n->lo >= lo && n->hi <= hi && n->lo < n->hi;
    *good &= (!n->left || n->left->prio <= n->prio) && (!n->right || n->right->prio <= n->prio);
    for (uintptr_t p = n->lo; p < n->hi; p += PAGE, ++*count)
        *good &= is_free[(p - BASE) / PAGE];
    m = l > m ? l : m;
    m = r > m ? r : m;
    *good &= n->max == m;
    return m;
}

static bool consistent(void)
{
    bool good = true;
    unsigned count = 0, want = 0;

    check(s.root, 0, UINTPTR_MAX, &good, &count);
    for (unsigned i = 0; i < PAGES; i++)
        want += is_free[i];
    return good && count == want;
}

static void mark(uintptr_t lo, uintptr_t size, bool v)
{
    for (uintptr_t p = lo; p < lo + size; p += PAGE)
        is_free[(p - BASE) / PAGE] = v;
}

static bool all(uintptr_t lo, uintptr_t size, bool v)
{
    for (uintptr_t p = lo; p < lo + size; p += PAGE)
        if ((p - BASE) / PAGE >= PAGES || is_free[(p - BASE) / PAGE] != v)
            return false;
    return true;
}

/* The result that ranges_take must have: the lowest aligned place. */
static uintptr_t lowest(uintptr_t min, uintptr_t size, uintptr_t align)
{
    uintptr_t p = (min + align - 1) & ~(align - 1);

    for (; p + size <= BASE + PAGES * PAGE; p += align)
        if (p >= BASE && all(p, size, true))
            return p;
    return 0;
}

static bool random_traffic(void)
{
    fresh();
    ranges_add(&s, BASE, BASE + PAGES * PAGE);
    mark(BASE, PAGES * PAGE, true);
    srand(2);
    for (int i = 0; i < 20000; i++) {
        uintptr_t at = BASE + (uintptr_t)(rand() % (int)PAGES) * PAGE;
        uintptr_t size = (uintptr_t)(1 + rand() % 40) * PAGE, align = PAGE << rand() % 5;
        switch (rand() % 4) {
        case 0: {
            uintptr_t want = lowest(at, size, align), got = ranges_take(&s, at, size, align);
            if (want != got)
                return false;
            if (got)
                mark(got, size, false);
            break;
        }
        case 1:
            if (ranges_take_at(&s, at, size) != all(at, size, true))
                return false;
            if (all(at, size, true))
                mark(at, size, false);
            break;
        default:
            if (at + size > BASE + PAGES * PAGE)
                break;
            if (ranges_add(&s, at, at + size) != all(at, size, false))
                return false;
            if (all(at, size, false))
                mark(at, size, true);
        }
        if (i % 50 == 0 && !consistent())
            return false;
    }
    return consistent();
}

static bool no_nodes(void)
{
    fresh();
    limit = 1;
    bool good = ranges_add(&s, BASE, BASE + 10 * PAGE);
    good &= !ranges_take_at(&s, BASE + PAGE, PAGE); /* would need a second node */
    good &= !ranges_add(&s, BASE + 20 * PAGE, BASE + 21 * PAGE);
    good &= ranges_take_at(&s, BASE, PAGE);
    return good && ranges_take(&s, 0, 9 * PAGE, PAGE) == BASE + PAGE && !s.root;
}

int main(void)
{
    report("random traffic", random_traffic());
    report("out of nodes", no_nodes());
    report("nothing is not a range", !ranges_take(&s, 0, 0, PAGE) && !ranges_add(&s, 8, 8));
    return failures != 0;
}
