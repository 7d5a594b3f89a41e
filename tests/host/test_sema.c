// sources: gort/sync/chan.c gort/sync/select.c gort/sync/sudog.c
// sources: gort/time/timer.c gort/time/timer_heap.c gort/sync/sema.c gort/sync/coro.c
// flags: -Itests/host/fake -Wno-unused-function -Wno-missing-field-initializers -pthread
/* Semaphores: mutual exclusion, order, hand-off, many addresses in the trees; condition
 * lists; coroutines. */
#include "fakesched.h"
#include "gort/sync/synctest.h"

static bool fake_sema_try(uint32_t *addr)
{
    uint32_t v = __atomic_load_n(addr, __ATOMIC_SEQ_CST);

    while (v && !__atomic_compare_exchange_n(addr, &v, v - 1, false, __ATOMIC_SEQ_CST,
                                             __ATOMIC_SEQ_CST))
        ;
    return v != 0;
}

enum { MAXG = 400, ADDRS = 2000 };
static struct fg gs[MAXG];
static uint32_t sems[ADDRS];
static int64_t counters[ADDRS];
static int log_who[MAXG], log_n;

/* v[0] who, v[1] rounds left: takes random semaphores as mutexes. v[2] hands over. */
static void worker(struct fg *fg)
{
    BODY
    for (; fg->v[1] > 0; fg->v[1]--) {
        fg->v[3] = (int64_t)(random_fast() % (uint64_t)fg->v[4]);
        SEMACQUIRE(&sems[fg->v[3]], fg->v[0] % 2, WAIT_SYNC_MUTEX_LOCK);
        counters[fg->v[3]]++;
        if (fg->v[1] % 4 == 0)
            YIELD(); /* with the semaphore taken */
        GATE(semreleaseg, &sems[fg->v[3]], fg->v[2] != 0, fg->v[2] & 2);
    }
    END
}

static void exclusion(const char *name, unsigned threads, int n, int addrs, int handoff)
{
    int64_t sum = 0;

    memset(gs, 0, sizeof gs);
    memset(counters, 0, sizeof counters);
    for (int i = 0; i < addrs; i++)
        sems[i] = 1;
    for (int i = 0; i < n; i++) {
        gs[i].v[0] = i;
        gs[i].v[1] = 200;
        gs[i].v[2] = handoff;
        gs[i].v[4] = addrs;
        fake_go(&gs[i], worker);
    }
    int left = fake_run(threads);
    bool ok = !left;
    for (int i = 0; i < addrs; i++) {
        sum += counters[i];
        ok = ok && sems[i] == 1;
    }
    check(ok && sum == 200 * n, name);
}

/* Waiters of one semaphore, woken one by one: v[0] who, v[1] lifo. */
static void waiter(struct fg *fg)
{
    BODY
    SEMACQUIRE(&sems[0], fg->v[1] != 0, WAIT_SEMACQUIRE);
    log_who[log_n++] = (int)fg->v[0];
    END
}

static void releaser(struct fg *fg)
{
    BODY
    for (fg->v[0] = 0; fg->v[0] < 8; fg->v[0]++) {
        GATE(semreleaseg, &sems[0], true, false);
    }
    END
}

static void test_order(bool lifo)
{
    memset(gs, 0, sizeof gs);
    fake_random = false;
    log_n = 0;
    sems[0] = 0;
    for (int i = 0; i < 8; i++) {
        gs[i].v[0] = i;
        gs[i].v[1] = lifo;
        fake_go(&gs[i], waiter);
    }
    fake_go(&gs[8], releaser);
    bool ok = fake_run(1) == 0 && log_n == 8;
    for (int i = 0; i < 8; i++)
        ok = ok && log_who[i] == (lifo ? 7 - i : i);
    check(ok, lifo ? "lifo waiters come first" : "waiters are served in order");
    fake_random = true;
}

/* The treap: n addresses with 1..3 waiters each, released in random order. */
static void holder(struct fg *fg)
{
    BODY
    SEMACQUIRE((uint32_t *)fg->ptr[0], false, WAIT_SEMACQUIRE);
    END
}

static void release_all(struct fg *fg)
{
    BODY
    for (fg->v[0] = 0; fg->v[0] < MAXG - 1; fg->v[0]++) {
        GATE(semreleaseg, gs[(fg->v[0] * 37) % (MAXG - 1)].ptr[0], false, false);
    }
    END
}

static void test_treap(void)
{
    memset(gs, 0, sizeof gs);
    memset(sems, 0, sizeof sems);
    fake_random = false;
    for (int i = 0; i < MAXG - 1; i++) { /* all in one root: addresses 251 * 8 bytes apart */
        gs[i].ptr[0] = &sems[(i * 7 % 3) * 502 + (i % 2) * 502];
        fake_go(&gs[i], holder);
    }
    fake_go(&gs[MAXG - 1], release_all);
    check(fake_run(1) == 0, "several addresses in one root");
    memset(gs, 0, sizeof gs);
    for (int i = 0; i < MAXG - 1; i++) {
        gs[i].ptr[0] = &sems[(i * 7919) % ADDRS];
        fake_go(&gs[i], holder);
    }
    fake_go(&gs[MAXG - 1], release_all);
    check(fake_run(1) == 0, "hundreds of addresses");
    fake_random = true;
}

/* ---- condition lists ------------------------------------------------------------------------ */

static struct { uint32_t wait, notify; uintptr_t unused; void *head, *tail; } cond;

static void cond_waiter(struct fg *fg)
{
    BODY
    fg->v[1] = __atomic_fetch_add(&cond.wait, 1, __ATOMIC_SEQ_CST);
    if (fg->v[2])
        YIELD();
    GATE(notifywait, &cond, (uint32_t)fg->v[1]);
    log_who[__atomic_fetch_add(&log_n, 1, __ATOMIC_SEQ_CST)] = (int)fg->v[0];
    END
}

/* v[0] single notifications, then all until v[1] have come. */
static void notifier(struct fg *fg)
{
    BODY
    while (fg->v[0]-- > 0) {
        GATE(notifyone, &cond);
    }
    while (__atomic_load_n(&log_n, __ATOMIC_SEQ_CST) < fg->v[1]) {
        GATE(notifyall, &cond);
        YIELD();
    }
    END
}

static void test_cond(void)
{
    memset(gs, 0, sizeof gs);
    fake_random = false;
    log_n = 0;
    cond.wait = cond.notify = UINT32_MAX - 2; /* tickets wrap */
    for (int i = 0; i < 6; i++) {
        gs[i].v[0] = i;
        fake_go(&gs[i], cond_waiter);
    }
    gs[6].v[0] = 4;
    fake_go(&gs[6], notifier);
    bool ok = fake_run(1) == 2 && log_n == 4;
    for (int i = 0; i < 4; i++)
        ok = ok && log_who[i] == i;
    check(ok, "Signal wakes in order of arrival");
    fake_random = true;
    memset(gs, 0, sizeof gs);
    memset(&cond, 0, sizeof cond);
    log_n = 0;
    for (int i = 0; i < 200; i++) {
        gs[i].v[2] = i % 2;
        fake_go(&gs[i], cond_waiter);
    }
    gs[200].v[0] = 50;
    gs[200].v[1] = 200;
    fake_go(&gs[200], notifier);
    check(fake_run(4) == 0 && !cond.head && !cond.tail, "Signal and Broadcast on four threads");
}

/* ---- coroutines -------------------------------------------------------------------- */

static struct { struct g *waiting; struct lock lock; struct m *lockedm; uint32_t locked_count; } co;
static int64_t co_value;
static struct fg co_fg;

static void co_body(struct fg *fg)
{
    BODY
    for (fg->v[0] = 1; fg->v[0] <= 1000; fg->v[0]++) {
        co_value = fg->v[0];
        GATE(coroswitchg, (struct coro *)&co, 0);
    }
    co_value = -1;
    GATE(coroexitg, (struct coro *)&co);
    END
}

void kprintf(const char *fmt, ...) { (void)fmt; }

/* Hooks of bubbles, which these tests do not use. */
void g_ending(struct g *gp) { (void)gp; }
void bubble_park(struct g *gp, enum wait_reason why) { (void)gp, (void)why; }
void bubble_parked(void *b) { (void)b; }

struct g *g_new(void *closure, struct g *parent, uintptr_t callerpc)
{
    (void)parent, (void)callerpc;
    CHECK(closure == (void *)&co_body, "g_new of %p", closure);
    return &fake_new(&co_fg, co_body)->g;
}

static void co_main(struct fg *fg)
{
    BODY
    GATE(coronewg, (struct coro *)&co, (void *)&co_body, 0);
    for (;;) {
        GATE(coroswitchg, (struct coro *)&co, 0);
        fg->v[1] += fg->fr.coroswitchg.ok && co_value == fg->v[0] + 1;
        if (co_value < 0)
            break;
        fg->v[0] = co_value;
    }
    GATE(coroswitchg, (struct coro *)&co, 0);
    fg->v[2] = fg->fr.coroswitchg.ok;
    END
}

static void test_coro(unsigned threads)
{
    memset(gs, 0, sizeof gs);
    memset(&co_fg, 0, sizeof co_fg);
    memset(&co, 0, sizeof co);
    fake_go(&gs[0], co_main);
    int left = fake_run(threads);
    check(!left && gs[0].v[1] == 1000 && !gs[0].v[2], "coroutine: 1000 values, then its end");
}

int main(void)
{
    fake_init();
    test_order(false);
    test_order(true);
    test_treap();
    test_cond();
    for (int i = 0; i < 10; i++) {
        fake_seed = (uint64_t)i + 1;
        exclusion("one CPU, 1 semaphore", 1, 20, 1, 0);
        exclusion("one CPU, 300 semaphores", 1, 100, 300, 0);
        exclusion("one CPU, hand-off", 1, 20, 2, 1);
        exclusion("four threads, 1 semaphore", 4, 20, 1, 0);
        exclusion("four threads, 300 semaphores", 4, 100, 300, 0);
        exclusion("four threads, hand-off", 4, 20, 3, 1);
        test_coro(i % 2 ? 4 : 1);
    }
    return fake_failures != 0;
}
