/* test_pvhmap.c - the memory map of a PVH boot: overlaps, splits, a full array.
 * sources: boot/pvh/memmap.c */
#include <stdio.h>
#include <stdlib.h>
#include "boot/pvh/memmap.h"

#define P 4096ull

static int failures;
static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

/* Random claims against an array of pages. */
static bool random_claims(unsigned seed)
{
    struct boot_mem e[64];
    struct memmap m = { e, 0, 64 };
    uint32_t page[256] = { 0 };

    srand(seed);
    for (int i = 0; i < 40; i++) {
        uint64_t base = (uint64_t)rand() % (200 * P), size = (uint64_t)rand() % (50 * P);
        uint32_t type = 1 + (uint32_t)rand() % 8;
        uint64_t lo = base / P, hi = (base + size + P - 1) / P;
        if (type == BOOT_MEM_FREE) {
            lo = (base + P - 1) / P;
            hi = (base + size) / P;
        }
        if (!memmap_claim(&m, base, size, type))
            break;
        for (uint64_t k = lo; k < hi; k++)
            page[k] = type;
    }
    uint64_t at = 0;
    for (size_t i = 0; i < m.n; i++) {
        if (e[i].base < at || !e[i].size || (e[i].base | e[i].size) % P)
            return false;
        for (at = e[i].base; at < e[i].base + e[i].size; at += P) {
            if (page[at / P] != e[i].type)
                return false;
            page[at / P] = 0;
        }
    }
    for (int i = 0; i < 256; i++)
        if (page[i])
            return false;
    return true;
}

int main(void)
{
    bool good = true;
    struct boot_mem e[3];
    struct memmap m = { e, 0, 3 };

    for (unsigned seed = 0; seed < 500; seed++)
        good &= random_claims(seed);
    report("random claims", good);
    good = memmap_claim(&m, 0, 10 * P, BOOT_MEM_FREE) &&
           memmap_claim(&m, 5 * P, P, BOOT_MEM_KERNEL);
    report("split", good && m.n == 3);
    report("full", !memmap_claim(&m, P, P, BOOT_MEM_BUNDLE) && m.n == 3);
    m.n = 0;
    report("end of the address space", memmap_claim(&m, ~0ull - P, 3 * P, BOOT_MEM_RESERVED));
    return failures != 0;
}
