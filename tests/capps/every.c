/* The functions of gort.h that the other programs do not use, compared with the behaviour of Go's.
 * Prints a line for each part, with "bad" behind a wrong result. */
#include <gort.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *part;
static int bad;

static void check(bool ok, const char *what)
{
    if (!ok) {
        printf("%s: bad: %s\n", part, what);
        bad++;
    }
}
#define CHECK(x) check((x), #x)

static void begin(const char *name) { part = name; }
static void end(void) { printf("%s\n", part); }

/* ---- locks ---- */

static gort_rwmutex rw;
static int shared, inside, most, writers_seen;
static gort_waitgroup done;

static void reader(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++) {
        gort_rlock(&rw);
        int n = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST), v = shared;
        if (n > most)
            most = n;
        gort_yield();
        check(shared == v, "a writer among readers");
        __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        gort_runlock(&rw);
    }
    gort_wg_done(&done);
}

static void writer(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100; i++) {
        gort_wlock(&rw);
        check(__atomic_load_n(&inside, __ATOMIC_SEQ_CST) == 0, "a reader beside a writer");
        int v = shared;
        gort_yield();
        shared = v + 1;
        writers_seen++;
        gort_wunlock(&rw);
    }
    gort_wg_done(&done);
}

static void rwmutexes(void)
{
    begin("rwmutex");
    gort_wg_add(&done, 6);
    for (int i = 0; i < 4; i++)
        gort_go(reader, NULL);
    for (int i = 0; i < 2; i++)
        gort_go(writer, NULL);
    gort_wg_wait(&done);
    CHECK(shared == 200 && writers_seen == 200 && most >= 1);
    end();
}

static gort_mutex mutex;
static gort_cond cond;
static int waiting, go_on;

static void waiter(void *arg)
{
    (void)arg;
    gort_lock(&mutex);
    waiting++;
    while (go_on == 0)
        gort_cond_wait(&cond, &mutex);
    go_on--;
    gort_unlock(&mutex);
    gort_wg_done(&done);
}

static void wait_for_waiters(int n)
{
    for (;;) {
        gort_lock(&mutex);
        bool all = waiting == n;
        gort_unlock(&mutex);
        if (all)
            return;
        gort_yield();
    }
}

static void conds(void)
{
    begin("cond");
    gort_wg_add(&done, 5);
    for (int i = 0; i < 5; i++)
        gort_go(waiter, NULL);
    wait_for_waiters(5);
    CHECK(gort_try_lock(&mutex));
    CHECK(!gort_try_lock(&mutex));
    go_on = 1;
    gort_cond_signal(&cond);
    gort_unlock(&mutex);
    for (bool taken = false; !taken; gort_yield()) {
        gort_lock(&mutex);
        taken = go_on == 0;
        gort_unlock(&mutex);
    }
    gort_lock(&mutex);
    go_on = 4;
    gort_cond_broadcast(&cond);
    gort_unlock(&mutex);
    gort_wg_wait(&done);
    CHECK(go_on == 0);
    end();
}

static gort_once once;
static int times;
static void count(void *arg)
{
    gort_sleep(GORT_MS);
    times += *(int *)arg;
}
static void ask_once(void *arg)
{
    gort_once_do(&once, count, arg);
    check(times == 1, "back before it was done");
    gort_wg_done(&done);
}

static void onces(void)
{
    static int one = 1;

    begin("once");
    gort_wg_add(&done, 4);
    for (int i = 0; i < 4; i++)
        gort_go(ask_once, &one);
    gort_wg_wait(&done);
    CHECK(times == 1);
    end();
}

/* ---- channels ---- */

static void channels(void)
{
    begin("channels");
    int v = 1, got = 0;
    bool open = false;
    gort_chan *c = gort_chan_make(sizeof v, 2), *none = gort_chan_make(sizeof v, 0);
    CHECK(gort_cap(c) == 2 && gort_len(c) == 0 && gort_len(NULL) == 0);
    CHECK(!gort_try_recv(c, &got, &open));
    CHECK(gort_try_send(c, &v));
    v = 2;
    CHECK(gort_try_send(c, &v) && !gort_try_send(c, &v) && gort_len(c) == 2);
    CHECK(!gort_try_send(none, &v) && !gort_try_send(NULL, &v));
    gort_case k[3] = { { GORT_RECV, NULL, &got, 0 }, { GORT_SEND, none, &v, 0 },
                       { GORT_RECV, c, &got, 0 } };
    CHECK(gort_try_select(k, 2) == -1);
    CHECK(gort_select(k, 3) == 2 && got == 1 && k[2].open);
    gort_close(c);
    CHECK(gort_try_recv(c, &got, &open) && open && got == 2);
    CHECK(gort_try_recv(c, &got, &open) && !open && got == 0);
    CHECK(gort_select(k, 3) == 2 && !k[2].open);
    CHECK(!gort_recv(c, NULL));
    end();
}

/* ---- timers ---- */

static void timers(void)
{
    begin("timers");
    int64_t t0 = gort_now(), at;
    gort_timer *t = gort_timer_new(3600 * GORT_S);
    CHECK(gort_timer_stop(t) && !gort_timer_stop(t));
    CHECK(!gort_timer_reset(t, 5 * GORT_MS));
    CHECK(gort_recv(gort_timer_chan(t), &at) && at - t0 >= 5 * GORT_MS);
    CHECK(!gort_timer_reset(t, GORT_MS));
    gort_sleep(5 * GORT_MS);
    gort_timer_reset(t, 3600 * GORT_S); /* no stale value */
    CHECK(!gort_try_recv(gort_timer_chan(t), &at, NULL));
    CHECK(gort_timer_stop(t));
    gort_timer *k = gort_ticker_new(3600 * GORT_S);
    gort_timer_reset(k, 2 * GORT_MS);
    int64_t last = t0;
    for (int i = 0; i < 3; i++) {
        gort_recv(gort_timer_chan(k), &at);
        CHECK(at > last);
        last = at;
    }
    gort_timer_stop(k);
    CHECK(gort_recv(gort_after(GORT_MS), &at) && at >= last);
    end();
}

/* ---- memory ---- */

static gort_chan *gone;
static void finalize(void *p, void *arg)
{
    int v = *(int *)p + (int)(intptr_t)arg;

    gort_send(gone, &v);
}

static __attribute__((noinline)) gort_weak *drop(int v, bool again)
{
    int *p = gort_new(64);

    *p = v;
    gort_finalizer(p, finalize, (void *)(intptr_t)100);
    if (!again)
        gort_finalizer(p, NULL, NULL);
    gort_weak *w = gort_weak_make(p);
    check(gort_weak_get(w) == p, "a weak handle of what is there");
    gort_keep_alive(p);
    return w;
}

static __attribute__((noinline)) void scrub(int depth)
{
    volatile char pad[512];

    memset((void *)pad, 0, sizeof pad);
    if (depth)
        scrub(depth - 1);
}

static __attribute__((noinline)) gort_weak *keep(void **slot)
{
    *slot = gort_new(40);
    return gort_weak_make(*slot);
}

static void memory(void)
{
    begin("memory");
    gone = gort_chan_make(sizeof(int), 10);
    gort_weak *w[20];
    for (int i = 0; i < 20; i++)
        w[i] = drop(i, i % 2);
    scrub(20);
    int seen = 0, v = 0, dead = 0;
    for (int i = 0; i < 200 && seen < 9; i++) { /* a stale word may keep one */
        gort_gc();
        while (gort_try_recv(gone, &v, NULL)) {
            CHECK(v > 100 && v < 120 && v % 2);
            seen++;
        }
        gort_sleep(GORT_MS);
    }
    for (int i = 0; i < 20; i++)
        dead += !gort_weak_get(w[i]);
    CHECK(seen >= 9 && dead >= 18);

    void **heap = malloc(8 * sizeof *heap);
    gort_root_add(heap, 8 * sizeof *heap);
    gort_weak *kept = keep(&heap[3]);
    scrub(20);
    gort_gc();
    gort_gc();
    CHECK(gort_weak_get(kept) == heap[3]);
    heap[3] = NULL;
    gort_root_remove(heap);
    free(heap);

    uint64_t *a = gort_new_array(1000, 8), sum = 0;
    char *n = gort_new_array_noscan(3, 5);
    for (int i = 0; i < 1000; i++)
        sum += a[i];
    CHECK(sum == 0 && n[14] == 0 && (uintptr_t)a % 8 == 0);
    end();
}

/* ---- panics ---- */

static char order[20];
static void log_(void *arg) { strncat(order, arg, sizeof order - strlen(order) - 1); }
static void inner(void *arg)
{
    gort_defer(log_, "c");
    if (arg)
        gort_panic("inside %d", 7);
}
static void outer(void *arg)
{
    char text[40];

    gort_defer(log_, "a");
    gort_defer(log_, "b");
    CHECK(!gort_try(inner, arg, text, sizeof text) && !strcmp(text, "inside 7"));
    CHECK(gort_try(inner, NULL, NULL, 0));
    (void)gort_new_array((size_t)1 << 40, (size_t)1 << 40);
}

static void panics(void)
{
    char text[80];

    begin("panics");
    CHECK(!gort_try(outer, "x", text, sizeof text));
    CHECK(!strcmp(order, "ccba"));
    CHECK(strstr(text, "out of range"));
    end();
}

/* ---- the rest ---- */

static void leave(void *arg)
{
    gort_wg_done(&done);
    gort_exit();
    check(false, arg);
}

static volatile int turns;

static void take_turn(void *ready)
{
    gort_send(ready, NULL);
    gort_yield(); /* who waits goes first */
    turns++;
}

/* On one CPU gort_gc lets those run that were runnable before. */
static void collection_yields(void)
{
    int procs = gort_procs(1);

    begin("collection yields");
    for (int i = 1; i <= 20; i++) {
        gort_chan *ready = gort_chan_make(0, 0);
        gort_go(take_turn, ready);
        gort_recv(ready, NULL);
        gort_gc();
        CHECK(turns == i);
    }
    gort_procs(procs);
    end();
}

static void figures(void)
{
    gort_stats a, b;

    begin("figures");
    gort_read_stats(&a);
    gort_gc();
    (void)gort_new_noscan(1 << 20);
    gort_read_stats(&b);
    CHECK(b.gc_cycles > a.gc_cycles && b.total_alloc >= a.total_alloc + (1 << 20));
    CHECK(b.goroutines >= 1 && b.cpus >= 1 && b.procs >= 1 && b.heap_goal >= b.heap_live / 2);
    int procs = gort_procs(0);
    CHECK(gort_procs(procs + 1) == procs && gort_procs(procs) == procs + 1);
    gort_wg_add(&done, 1);
    CHECK(gort_go_stack(leave, "after gort_exit", 64 << 10) != gort_id());
    gort_wg_wait(&done);
    end();
}

int main(void)
{
    rwmutexes();
    conds();
    onces();
    channels();
    timers();
    memory();
    panics();
    collection_yields();
    figures();
    return bad != 0;
}
