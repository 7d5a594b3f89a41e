// sources: gort/capp/lib/pages.c gort/capp/lib/heap.c
// flags: -pthread -Igort/capp/lib
/* malloc of C programs: sizes and alignment, reuse, memory that goes back, invalid frees; objects
 * against a model, by one thread and by four that free each other's. */
#include "heap.h"
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int failures;

static void check(bool ok, const char *name)
{
    printf("%s %s\n", ok ? "ok" : "FAIL", name);
    failures += !ok;
}

/* ---- what libgort has from elsewhere ---------- */

static size_t committed, limit = ~0ul;
static _Thread_local unsigned cpu;

void gort_lock(gort_mutex *m)
{
    while (!gort_try_lock(m))
        sched_yield();
}

bool gort_try_lock(gort_mutex *m)
{
    return !__atomic_exchange_n(&m->state, 1, __ATOMIC_ACQUIRE);
}

void gort_unlock(gort_mutex *m) { __atomic_store_n(&m->state, 0, __ATOMIC_RELEASE); }
unsigned heap_cpu(void);
unsigned heap_cpu(void) { return cpu; }

/* Everything that is not committed faults. */
void *pages_system(void *p, size_t n, bool give)
{
    if (!p) {
        p = mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        return p == MAP_FAILED ? NULL : p;
    }
    if (give) {
        __atomic_sub_fetch(&committed, n, __ATOMIC_RELAXED);
        return mmap(p, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
                    0);
    }
    if (__atomic_add_fetch(&committed, n, __ATOMIC_RELAXED) > limit) {
        __atomic_sub_fetch(&committed, n, __ATOMIC_RELAXED);
        return NULL;
    }
    return mprotect(p, n, PROT_READ | PROT_WRITE) ? NULL : p;
}

/* ---- one at a time ---------- */

static void test_sizes(void)
{
    bool aligned = true, room = true, tight = true;

    for (size_t n = 0; n < 200000; n += n < 5000 ? 1 : 997) {
        char *p = heap_alloc(n, false);
        size_t have = heap_usable(p);
        aligned &= (uintptr_t)p % 16 == 0;
        room &= have >= n && have >= 1;
        tight &= n < 16 || n > 32768 || have <= n + n / 4 + 16;
        memset(p, 0xa5, have);
        if (!heap_free(p))
            check(false, "what was allocated can be freed");
    }
    check(aligned, "objects are aligned to 16 bytes");
    check(room, "objects have the size that was asked for");
    check(tight, "small objects have at most a quarter more");
    check(heap_in_use() == 0, "in use is 0 when all is freed");
}

static void test_alignment(void)
{
    bool ok = true, freed = true;

    for (size_t a = 1; a <= 1ul << 20; a *= 2)
        for (size_t n = 1; n < 100000; n = n * 3 + 1) {
            char *p = heap_alloc_aligned(a, n);
            ok &= (uintptr_t)p % a == 0 && heap_usable(p) >= n;
            memset(p, 1, n);
            freed &= heap_free(p);
        }
    check(ok, "memory is aligned as asked for");
    check(freed && heap_in_use() == 0, "aligned memory can be freed");
}

static void test_zero(void)
{
    bool ok = true;

    for (int round = 0; round < 3; round++)
        for (size_t n = 1; n < 5000000; n = n * 2 + 1) {
            char *p = heap_alloc(n, true);
            for (size_t i = 0; i < n; i++)
                ok &= p[i] == 0;
            memset(p, 0xff, n);
            heap_free(p);
        }
    check(ok, "memory that is to be zero is, used before or not");
}

static void test_invalid(void)
{
    char *small = heap_alloc(100, false), *large = heap_alloc(100000, false), *next;
    int local;

    next = heap_alloc(100000, false);
    check(!heap_free(&local) && !heap_usable(&local), "memory of others is not freed");
    check(heap_free(small) && !heap_free(small) && !heap_usable(small),
          "a small object is freed once");
    check(heap_free(large) && !heap_free(large) && heap_free(next) && !heap_free(next),
          "a large object is freed once, joined with others or not");
    check(!heap_alloc(1ul << 62, false) && !heap_alloc_aligned(1ul << 62, 1) &&
              !heap_alloc_aligned(64, ~0ul), "absurd sizes are refused");
}

static void test_reuse(void)
{
    static char *p[20000];
    size_t before;

    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 20000; i++)
            p[i] = heap_alloc((size_t)(i * 37 % 3000), false);
        if (round == 0)
            before = committed;
        for (int i = 0; i < 20000; i++)
            heap_free(p[i * 7919 % 20000]);
    }
    check(committed <= before + before / 8, "freed memory is used again");
    for (int round = 0; round < 200; round++) {
        char *a = heap_alloc(5u << 20, false), *b = heap_alloc(3u << 20, false);
        heap_free(a);
        a = heap_alloc(7u << 20, false);
        heap_free(b);
        heap_free(a);
    }
    check(committed < before + (24u << 20), "large objects leave no holes behind");
    heap_trim();
    check(committed < 1u << 20, "memory goes back");
}

static void test_none_left(void)
{
    char *p[200];
    char *small = NULL;
    int n = 0;

    limit = committed + (20u << 20) + (300u << 10);
    while (n < 200 && (p[n] = heap_alloc(1u << 20, false)))
        n++;
    check(n >= 17 && n <= 24, "with no memory left there is NULL");
    check(!heap_alloc(1u << 20, true) && (small = heap_alloc(10, false)),
          "and small objects where they fit");
    for (int i = 0; i < n; i++)
        memset(p[i], 2, 1u << 20);
    for (int i = 0; i < n; i++)
        heap_free(p[i]);
    heap_free(small);
    p[0] = heap_alloc(10u << 20, false);
    check(p[0], "freed memory serves a request of another size");
    heap_free(p[0]);
    limit = ~0ul;
}

/* ---- against a model ---------- */

enum { SLOTS = 4000 };
struct slot { unsigned char *p; size_t n; unsigned char fill; };

static bool intact(const struct slot *s)
{
    for (size_t i = 0; i < s->n; i += i < 64 ? 1 : 61)
        if (s->p[i] != s->fill)
            return false;
    return s->n == 0 || s->p[s->n - 1] == s->fill;
}

static uint64_t random_of(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static size_t random_size(uint64_t *seed)
{
    uint64_t r = random_of(seed);

    return r % 50 == 0 ? random_of(seed) % 1000000 : r % 7 == 0 ? random_of(seed) % 40000
                                                                : random_of(seed) % 600;
}

static void step(struct slot *s, uint64_t *seed, bool *ok)
{
    if (s->p) {
        *ok &= intact(s) && heap_free(s->p);
        s->p = NULL;
        return;
    }
    s->n = random_size(seed);
    s->fill = (unsigned char)random_of(seed);
    s->p = heap_alloc(s->n, false);
    memset(s->p, s->fill, s->n);
}

static void test_model(void)
{
    static struct slot slot[SLOTS];
    uint64_t seed = 1;
    bool ok = true;

    for (int i = 0; i < 200000; i++)
        step(&slot[random_of(&seed) % SLOTS], &seed, &ok);
    for (int i = 0; i < SLOTS; i++)
        if (slot[i].p)
            step(&slot[i], &seed, &ok);
    check(ok, "objects keep their contents");
    check(heap_in_use() == 0, "and all are freed");
}

static struct { pthread_mutex_t lock; struct slot slot; } shared[SLOTS];
static bool all_ok = true;

static void *worker(void *arg)
{
    uint64_t seed = (uintptr_t)arg + 1;
    bool ok = true;

    for (int i = 0; i < 30000; i++) {
        unsigned n = (unsigned)(random_of(&seed) % SLOTS);
        cpu = (unsigned)(random_of(&seed) % 4);
        pthread_mutex_lock(&shared[n].lock);
        step(&shared[n].slot, &seed, &ok);
        pthread_mutex_unlock(&shared[n].lock);
    }
    if (!ok)
        __atomic_store_n(&all_ok, false, __ATOMIC_RELAXED);
    return NULL;
}

static void test_threads(void)
{
    pthread_t t[4];
    uint64_t seed = 9;
    bool ok = true;

    for (int i = 0; i < SLOTS; i++)
        pthread_mutex_init(&shared[i].lock, NULL);
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, worker, (void *)i);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < SLOTS; i++)
        if (shared[i].slot.p)
            step(&shared[i].slot, &seed, &ok);
    check(ok && all_ok, "objects that four threads allocate and free keep their contents");
    check(heap_in_use() == 0, "and all of them are freed");
}

int main(void)
{
    heap_arenas = 4;
    test_sizes();
    test_alignment();
    test_zero();
    test_invalid();
    test_reuse();
    test_none_left();
    test_model();
    test_threads();
    return failures != 0;
}
