// flags: -DRUNQ_SIZE=4 -fno-sanitize=all -Wno-ignored-qualifiers
/* The run queue, all interleavings: gort/sched/runq.c itself, with a ring of four, is run by up to
 * three threads, and every order of their atomic steps is tried, on a machine with the store
 * buffers that x86 has. A state is the shared memory, the buffers, and what each thread has
 * read so far (which determines the rest of it); each state is expanded once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include "gort/sched/runq.h"

enum { THREADS = 3, GS = 8, BUFFER = 16, STACK = 8192, DEPTH = 400 };

struct store { void *at; uint64_t v; size_t size; };

/* The whole state, in one structure that can be saved and restored. */
static struct world {
    struct p p[THREADS];
    struct g g[GS];
    uint32_t npidle;
    uint8_t put[GS], taken[GS];
    struct thread {
        struct store buffer[BUFFER];
        unsigned buffered;
        uint64_t observed;
        uint32_t result;
        bool done;
    } t[THREADS];
    ucontext_t context[THREADS];
    char stack[THREADS][STACK] __attribute__((aligned(64)));
} w, saved[DEPTH];

static ucontext_t scheduler;
static unsigned current;
static unsigned long states, wrong;
static bool (*final_ok)(void);

static void mix(uint64_t *h, uint64_t v)
{
    *h = (*h ^ v) * 0x9e3779b97f4a7c15ull;
    *h ^= *h >> 29;
}

/* ---- the machine ----------------------------------------------------------------------- */
static void step(void)
{
    mix(&w.t[current].observed, 5);
    swapcontext(&w.context[current], &scheduler);
}

static void drain(struct thread *t, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        memcpy(t->buffer[i].at, &t->buffer[i].v, t->buffer[i].size);
    t->buffered -= n;
    memmove(t->buffer, t->buffer + n, t->buffered * sizeof t->buffer[0]);
}

static uint64_t model_load(const void *at, size_t size)
{
    struct thread *t = &w.t[current];
    uint64_t v = 0;

    step();
    memcpy(&v, at, size);
    for (unsigned i = 0; i < t->buffered; i++)
        if (t->buffer[i].at == at)
            v = t->buffer[i].v;
    mix(&t->observed, v + 1);
    return v;
}

static void model_store(void *at, uint64_t v, size_t size)
{
    struct thread *t = &w.t[current];

    step();
    if (t->buffered == BUFFER)
        abort();
    t->buffer[t->buffered++] = (struct store){ at, v, size };
    mix(&t->observed, 2);
}

/* A locked instruction: all earlier stores become visible first. Returns the old value. */
static uint64_t model_swap(void *at, const uint64_t *expected, uint64_t v, size_t size)
{
    struct thread *t = &w.t[current];
    uint64_t old = 0;

    step();
    drain(t, t->buffered);
    memcpy(&old, at, size);
    if (!expected || *expected == old)
        memcpy(at, &v, size);
    mix(&t->observed, old + 3);
    return old;
}

static void model_fence(void)
{
    step();
    drain(&w.t[current], w.t[current].buffered);
    mix(&w.t[current].observed, 4);
}

#define WORD(x) ((uint64_t)(uintptr_t)(x))
#define __atomic_load_n(at, order) ((__typeof__(*(at)))(uintptr_t)model_load(at, sizeof *(at)))
#define __atomic_store_n(at, v, order) model_store(at, WORD(v), sizeof *(at))
#define __atomic_exchange_n(at, v, order) \
    ((__typeof__(*(at)))(uintptr_t)model_swap(at, NULL, WORD(v), sizeof *(at)))
#define __atomic_compare_exchange_n(at, old, v, weak, good, bad) ({ \
    uint64_t want_ = WORD(*(old)); \
    uint64_t got_ = model_swap(at, &want_, WORD(v), sizeof *(at)); \
    *(old) = (__typeof__(*(old)))(uintptr_t)got_; \
    got_ == want_; })
#include "gort/sched/runq.c"
#undef __atomic_load_n

/* ---- exploration ------------------------------------------------------------------------- */
enum { TABLE = 1 << 23 };
static uint64_t visited[TABLE];

static bool seen_before(void)
{
    uint64_t h = 1;

    for (unsigned i = 0; i < THREADS; i++) {
        mix(&h, w.p[i].runq_head);
        mix(&h, w.p[i].runq_tail);
        mix(&h, WORD(w.p[i].runnext));
        for (unsigned j = 0; j < RUNQ_SIZE; j++)
            mix(&h, WORD(w.p[i].runq[j]));
        mix(&h, w.t[i].observed);
        mix(&h, w.t[i].done);
        for (unsigned j = 0; j < w.t[i].buffered; j++) {
            mix(&h, WORD(w.t[i].buffer[j].at));
            mix(&h, w.t[i].buffer[j].v);
        }
    }
    mix(&h, w.npidle);
    for (uint64_t i = h;; i++) {
        uint64_t *slot = &visited[i % TABLE];
        if (*slot == (h | 1))
            return true;
        if (!*slot) {
            *slot = h | 1;
            if (++states > TABLE / 2) {
                printf("FAIL more states than the table holds\n");
                exit(1);
            }
            return false;
        }
    }
}

static void explore(unsigned depth)
{
    bool over = true;

    if (seen_before())
        return;
    if (depth == DEPTH)
        abort();
    for (unsigned i = 0; i < THREADS; i++)
        if (w.p[i].runq_tail - w.p[i].runq_head > RUNQ_SIZE)
            wrong++;
    saved[depth] = w;
    for (unsigned i = 0; i < THREADS; i++) {
        if (!w.t[i].done) {
            over = false;
            current = i;
            swapcontext(&scheduler, &w.context[i]);
            explore(depth + 1);
            w = saved[depth];
        }
        if (w.t[i].buffered) {
            over = false;
            drain(&w.t[i], 1);
            explore(depth + 1);
            w = saved[depth];
        }
    }
    if (over && !final_ok())
        wrong++;
}

/* ---- what the threads do -------------------------------------------------------------------- */
static void take(struct g *gp)
{
    if (gp)
        w.taken[gp - w.g]++;
}

static void put(unsigned i, bool next)
{
    unsigned n = 0;

    w.put[i] = 1;
    for (struct g *list = runq_put(&w.p[current], &w.g[i], next, &n); list; list = list->schedlink)
        take(list);
}

static void get(void)
{
    bool inherit;

    take(runq_get(&w.p[current], &inherit));
}

static void steal(void) { take(runq_steal(&w.p[current], &w.p[0], true)); }

static void nothing(void) {}
static void puts_and_gets(void) { put(0, false); put(1, true); put(2, true); get(); get(); }
static void overflows(void)
{
    for (unsigned i = 0; i < 6; i++)
        put(i, false);
    get();
}
static void two_and_get(void) { put(0, false); put(1, false); get(); }
static void steals_and_gets(void) { steal(); get(); }
static void steals_twice(void) { steal(); steal(); }

/* The protocol of sched.h: one thread queues, then looks for idle Ps; the other sets idle, then
 * looks at the queues. */
static void maker(void)
{
    put(0, false);
    model_fence();
    w.t[0].result = (uint32_t)model_load(&w.npidle, 4);
}
static void careless(void)
{
    put(0, false);
    w.t[0].result = (uint32_t)model_load(&w.npidle, 4);
}
static void idler(void)
{
    model_swap(&w.npidle, NULL, 1, 4);
    w.t[1].result = !runq_empty(&w.p[0]);
}

/* ---- verdicts ------------------------------------------------------------------------------- */
/* Each goroutine that was queued came out once, or is in one place of one queue. */
static bool once_each(void)
{
    uint8_t n[GS];

    memcpy(n, w.taken, sizeof n);
    for (unsigned i = 0; i < THREADS; i++) {
        for (uint32_t h = w.p[i].runq_head; h != w.p[i].runq_tail; h++)
            n[w.p[i].runq[h % RUNQ_SIZE] - w.g]++;
        if (w.p[i].runnext)
            n[w.p[i].runnext - w.g]++;
    }
    return memcmp(n, w.put, sizeof n) == 0;
}

static bool somebody_knows(void) { return w.t[0].result || w.t[1].result; }

static void (*bodies[THREADS])(void);
static void start(unsigned i)
{
    bodies[i]();
    w.t[i].done = true;
    for (;;)
        step();
}

static bool run(const char *name, uint32_t first, bool (*verdict)(void), void (*a)(void),
                void (*b)(void), void (*c)(void))
{
    memset(&w, 0, sizeof w);
    memset(visited, 0, sizeof visited);
    states = wrong = 0;
    final_ok = verdict;
    bodies[0] = a, bodies[1] = b, bodies[2] = c;
    for (unsigned i = 0; i < THREADS; i++) {
        w.p[i].runq_head = w.p[i].runq_tail = first;
        getcontext(&w.context[i]);
        w.context[i].uc_stack.ss_sp = w.stack[i];
        w.context[i].uc_stack.ss_size = STACK;
        makecontext(&w.context[i], (void (*)(void))start, 1, i);
    }
    explore(0);
    printf("     %s: %lu states\n", name, states);
    return wrong == 0;
}

static int failures;
static void check(bool ok, const char *name)
{
    printf("%s %s\n", ok ? "ok" : "FAIL", name);
    failures += !ok;
}

int main(void)
{
    check(run("one thief", 0, once_each, puts_and_gets, steals_and_gets, nothing),
          "put, runnext and get against a thief");
    check(run("two thieves", 0xfffffffe, once_each, two_and_get, steal, steal),
          "two thieves, indices that wrap");
    check(run("overflow", 0xfffffffd, once_each, overflows, steals_twice, nothing),
          "a ring that overflows while it is robbed");
    check(run("dance", 0, somebody_knows, maker, idler, nothing), "no wake-up is lost");
    check(!run("no fence", 0, somebody_knows, careless, idler, nothing),
          "without its fence one is: the model can tell");
    return failures != 0;
}
