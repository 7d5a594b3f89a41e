// sources: gort/sched/runq.c
// flags: -pthread
/* The run queue: order and overflow against a model, then an owner and two thieves at once:
 * every goroutine must come out exactly once. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gort/sched/runq.h"

static int failures;

static void check(bool ok, const char *name)
{
    printf("%s %s\n", ok ? "ok" : "FAIL", name);
    failures += !ok;
}

static void test_order(void)
{
    static struct p p;
    struct g g[4] = { 0 };
    unsigned n;
    bool inherit;

    for (int i = 0; i < 3; i++)
        runq_put(&p, &g[i], false, &n);
    runq_put(&p, &g[3], true, &n);
    check(runq_len(&p) == 4, "runq length counts runnext");
    check(runq_get(&p, &inherit) == &g[3] && inherit, "runnext first, inherits the slice");
    check(runq_get(&p, &inherit) == &g[0] && !inherit, "then the ring, in order");
    runq_put(&p, &g[3], true, &n);
    runq_put(&p, &g[0], true, &n); /* kicks g[3] to the tail */
    check(runq_get(&p, &inherit) == &g[0], "a new runnext replaces the old one");
    check(runq_get(&p, &inherit) == &g[1] && runq_get(&p, &inherit) == &g[2] &&
              runq_get(&p, &inherit) == &g[3],
          "the replaced one went to the tail");
    check(!runq_get(&p, &inherit) && runq_empty(&p), "empty at the end");
}

static void test_overflow(void)
{
    static struct p p;
    static struct g g[RUNQ_SIZE + 1];
    unsigned n = 0;
    bool inherit;

    for (int i = 0; i < RUNQ_SIZE; i++)
        if (runq_put(&p, &g[i], false, &n))
            check(false, "ring overflows early");
    struct g *list = runq_put(&p, &g[RUNQ_SIZE], false, &n);
    check(list == &g[0] && n == RUNQ_SIZE / 2 + 1, "overflow gives the older half and the new one");
    unsigned len = 0;
    struct g *last = NULL;
    for (struct g *x = list; x; x = x->schedlink, len++)
        last = x;
    check(len == n && last == &g[RUNQ_SIZE], "the list is whole and ends in the new one");
    check(runq_get(&p, &inherit) == &g[RUNQ_SIZE / 2], "the younger half stays");
}

static void test_steal(void)
{
    static struct p a, b;
    struct g g[5] = { 0 };
    unsigned n;
    bool inherit;

    for (int i = 0; i < 5; i++)
        runq_put(&a, &g[i], false, &n);
    struct g *gp = runq_steal(&b, &a, false);
    check(gp == &g[2] && runq_len(&b) == 2 && runq_len(&a) == 2, "half, rounded up, is stolen");
    while (runq_get(&a, &inherit))
        ;
    runq_put(&a, &g[0], true, &n);
    check(!runq_steal(&b, &a, false), "runnext is left alone unless asked for");
    check(runq_steal(&b, &a, true) == &g[0], "and stolen when it is");
}

#define TOTAL 200000
#define THIEVES 2
static struct p owner, thief[THIEVES];
static struct g pool[TOTAL];
static unsigned char seen[TOTAL];
static int done;

static void mark(struct g *gp) { __atomic_add_fetch(&seen[gp - pool], 1, __ATOMIC_RELAXED); }

static void *thieve(void *arg)
{
    struct p *me = arg;
    bool inherit;

    for (;;) {
        struct g *gp = runq_steal(me, &owner, true);
        if (gp)
            mark(gp);
        while ((gp = runq_get(me, &inherit)))
            mark(gp);
        if (!gp && __atomic_load_n(&done, __ATOMIC_ACQUIRE) && runq_empty(&owner))
            return NULL;
    }
}

static void test_race(void)
{
    pthread_t t[THIEVES];
    unsigned n;
    bool inherit;

    for (int i = 0; i < THIEVES; i++)
        pthread_create(&t[i], NULL, thieve, &thief[i]);
    for (int i = 0; i < TOTAL; i++) {
        struct g *list = runq_put(&owner, &pool[i], i % 3 == 0, &n);
        while (list) {
            struct g *next = list->schedlink;
            mark(list);
            list = next;
        }
        if (i % 5 == 0) {
            struct g *gp = runq_get(&owner, &inherit);
            if (gp)
                mark(gp);
        }
    }
    __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < THIEVES; i++)
        pthread_join(t[i], NULL);
    struct g *gp;
    while ((gp = runq_get(&owner, &inherit)))
        mark(gp);
    int bad = 0;
    for (int i = 0; i < TOTAL; i++)
        bad += seen[i] != 1;
    check(bad == 0, "owner and thieves: each goroutine comes out exactly once");
}

int main(void)
{
    test_order();
    test_overflow();
    test_steal();
    test_race();
    return failures != 0;
}
