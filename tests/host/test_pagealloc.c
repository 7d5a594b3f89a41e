// sources: gort/heap/pagealloc.c
/* The page allocator against an array of bytes: random runs are allocated and freed, and every
 * answer must be the lowest run that the array has. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "gort/heap/pagealloc.h"
#include "kernel/check.h"

#define PAGES (PA_CHUNK_PAGES * 40)

static int failures;
static struct pagealloc pa;
static unsigned char model[PAGES]; /* 1 = taken */
static size_t grown;

_Noreturn void kernel_panic(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    abort();
}

static void check(bool ok, const char *name)
{
    printf("%s %s\n", ok ? "ok" : "FAIL", name);
    failures += !ok;
}

static void *table(size_t bytes)
{
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static void fresh(void)
{
    void *sums[PA_LEVELS];

    for (unsigned l = 0; l < PA_LEVELS; l++)
        sums[l] = table(pagealloc_table_bytes(l, PA_MAX_PAGES));
    pagealloc_init(&pa, table(pagealloc_table_bytes(PA_LEVELS, PA_MAX_PAGES)), sums);
    memset(model, 1, sizeof model);
    grown = 0;
}

static void grow(size_t n)
{
    pagealloc_grow(&pa, n);
    memset(model + grown, 0, n);
    grown += n;
}

static size_t model_find(size_t n)
{
    size_t run = 0;

    for (size_t i = 0; i < grown; i++) {
        run = model[i] ? 0 : run + 1;
        if (run == n)
            return i + 1 - n;
    }
    return PA_NONE;
}

static size_t pick_size(void)
{
    switch (rand() % 8) {
    case 0:
        return 1 + (size_t)rand() % 2000;
    case 1:
        return 64u * (1 + (unsigned)rand() % 20);
    default:
        return 1 + (size_t)rand() % 12;
    }
}

struct run { size_t page, n; };
static struct run runs[100000];
static size_t nruns;

static bool step_alloc(void)
{
    size_t n = pick_size(), want = model_find(n), got = pagealloc_alloc(&pa, n);

    if (got != want) {
        printf("  %zu pages: got %zu, the lowest run is at %zu\n", n, got, want);
        return false;
    }
    if (got != PA_NONE) {
        memset(model + got, 1, n);
        runs[nruns++] = (struct run){ got, n };
    }
    return true;
}

static bool step_group(void)
{
    uint64_t mask;
    size_t first = model_find(1), group = pagealloc_alloc_group(&pa, &mask);

    if (first == PA_NONE || group != first / 64 * 64)
        return group == PA_NONE && first == PA_NONE;
    for (size_t i = 0; i < 64; i++) {
        if ((mask >> i & 1) == model[group + i])
            return false;
        if (mask >> i & 1)
            runs[nruns++] = (struct run){ group + i, 1 };
        model[group + i] = 1;
    }
    return true;
}

static void step_free(void)
{
    size_t i = (size_t)rand() % nruns;

    pagealloc_free(&pa, runs[i].page, runs[i].n);
    memset(model + runs[i].page, 0, runs[i].n);
    runs[i] = runs[--nruns];
}

static void test_random(unsigned seed)
{
    bool ok = true;
    size_t free_pages = 0;

    srand(seed);
    fresh();
    nruns = 0;
    grow(PA_CHUNK_PAGES * 3);
    for (int i = 0; i < 12000 && ok; i++) {
        if (i % 600 == 599 && grown < PAGES)
            grow(PA_CHUNK_PAGES * (1 + (size_t)rand() % 2));
        if (rand() % 100 < 52)
            ok = rand() % 20 ? step_alloc() : step_group();
        else if (nruns)
            step_free();
    }
    for (size_t i = 0; i < grown; i++)
        free_pages += !model[i];
    check(ok && free_pages == pa.free_pages, "random runs against the model");
}

static size_t model_longest(void)
{
    size_t best = 0, run = 0;

    for (size_t i = 0; i < grown; i++) {
        run = model[i] ? 0 : run + 1;
        best = run > best ? run : best;
    }
    return best;
}

static void test_bits(void)
{
    fresh();
    grow(PA_CHUNK_PAGES * 2);
    check(pagealloc_all(&pa, PA_GONE, 0, 1024), "new pages have no frames");
    pagealloc_clear(&pa, PA_GONE, 100, 700);
    check(pagealloc_count(&pa, PA_GONE, 0, 1024) == 324, "bits cleared across words and chunks");
    check(pagealloc_next(&pa, PA_GONE, false, 0, 1024) == 100 &&
              pagealloc_next(&pa, PA_GONE, true, 100, 1024) == 800 &&
              pagealloc_next(&pa, PA_GONE, true, 100, 300) == 300, "next set and clear bit");
    pagealloc_set(&pa, PA_ZERO, 63, 2);
    check(pagealloc_all(&pa, PA_ZERO, 63, 2) && !pagealloc_all(&pa, PA_ZERO, 62, 3), "all bits");
}

static void test_huge(void)
{
    fresh();
    pagealloc_grow(&pa, 1u << 23); /* 64 GiB */
    size_t a = pagealloc_alloc(&pa, (1u << 21) + 5), b = pagealloc_alloc(&pa, 3u << 20);
    check(a == 0 && b == (1u << 21) + 5, "runs longer than a top-level summary");
    check(pagealloc_longest_free(&pa) == (1u << 23) - b - (3u << 20), "longest free run");
    check(pagealloc_alloc(&pa, 1u << 23) == PA_NONE, "no room");
}

int main(void)
{
    for (unsigned seed = 1; seed <= 6; seed++)
        test_random(seed);
    check(pagealloc_longest_free(&pa) == model_longest(), "longest free run of the model");
    test_bits();
    test_huge();
    return failures != 0;
}
