// sources: gort/heap/sizeclass.c
/* Size classes against a Go program of the stock toolchain: the capacities that append gives
 * are what our classes must hold. Then the division trick, for every offset in every span. */
#include <stdio.h>
#include <stdlib.h>
#include "gort/heap/sizeclass.h"

static int failures;

static void check(bool ok, const char *name)
{
    printf("%s %s\n", ok ? "ok" : "FAIL", name);
    failures += !ok;
}

/* The usable bytes that mallocgc gives for size bytes, without the type word. */
static size_t usable(size_t size, bool noscan)
{
    size_t header = !noscan && size > HEADER_MIN ? MALLOC_HEADER : 0;

    if (size > SMALL_MAX - MALLOC_HEADER)
        return (size + GO_PAGE_SIZE - 1) / GO_PAGE_SIZE * GO_PAGE_SIZE;
    return class_size[sizeclass_of(size + header)] - header;
}

static void test_against_go(void)
{
    FILE *f = popen("go run tests/host/gosizes/main.go", "r");
    long n, plain, pointers, lines = 0, bad = 0;

    while (f && fscanf(f, "%ld %ld %ld", &n, &plain, &pointers) == 3) {
        lines++;
        if (usable((size_t)n, true) != (size_t)plain ||
            (pointers && usable((size_t)n, false) != (size_t)pointers)) {
            if (bad++ < 5)
                printf("  %ld bytes: Go has %ld and %ld, we have %zu and %zu\n", n, plain, pointers,
                       usable((size_t)n, true), usable((size_t)n, false));
        }
    }
    check(f && pclose(f) == 0 && lines == 40000, "the Go program has spoken");
    check(bad == 0, "capacities after append are Go's");
}

static void test_division(void)
{
    bool ok = true;

    for (unsigned c = 1; c < NUM_CLASSES; c++)
        for (uint64_t off = 0; off < class_pages[c] * GO_PAGE_SIZE; off++)
            ok = ok && (off * class_magic[c] >> 32) == off / class_size[c];
    check(ok, "multiplication by magic is division");
}

int main(void)
{
    sizeclass_init();
    test_against_go();
    test_division();
    check(sizeclass_of(1) == 1 && sizeclass_of(8) == 1 && sizeclass_of(9) == 2 &&
              sizeclass_of(SMALL_MAX) == NUM_CLASSES - 1, "edges");
    check(sizeclass_nelems(span_class(1, true)) == 1024 &&
              sizeclass_nelems(span_class(1, false)) == 1008, "bits take room in scan spans");
    return failures != 0;
}
