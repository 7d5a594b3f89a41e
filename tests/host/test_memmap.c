/* test_memmap.c - boot_info's memory map, and its construction from the firmware's.
 * sources: boot/uefi/efimap.c boot/pvh/memmap.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "boot/uefi/efimap.h"

#define P 4096ull

static int failures;
static struct boot_mem mem[64];
static struct memmap map;

static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
    if (!good)
        for (size_t i = 0; i < map.n; i++)
            printf("  %llx + %llx type %u\n", (unsigned long long)mem[i].base,
                   (unsigned long long)mem[i].size, mem[i].type);
}

static void start(size_t room) { map = (struct memmap){mem, 0, room}; }

/* Pages: base, count, type, ... ends with count 0. */
static bool is(const uint64_t *want)
{
    size_t i = 0;

    for (; want[3 * i + 1]; i++)
        if (i >= map.n || mem[i].base != want[3 * i] * P || mem[i].size != want[3 * i + 1] * P ||
            mem[i].type != want[3 * i + 2])
            return false;
    return i == map.n;
}

static void test_paint(void)
{
    start(64);
    memmap_claim(&map, 10 * P, 10 * P, BOOT_MEM_FREE);
    memmap_claim(&map, 30 * P, 10 * P, BOOT_MEM_FREE);
    report("memmap_gap", is((uint64_t[]){10, 10, 1, 30, 10, 1, 0, 0}));
    memmap_claim(&map, 20 * P, 10 * P, BOOT_MEM_FREE);
    report("memmap_join", is((uint64_t[]){10, 30, 1, 0, 0}));
    memmap_claim(&map, 15 * P, 5 * P, BOOT_MEM_KERNEL);
    report("memmap_split", is((uint64_t[]){10, 5, 1, 15, 5, 7, 20, 20, 1, 0, 0}));
    memmap_claim(&map, 18 * P, 4 * P, BOOT_MEM_BUNDLE);
    report("memmap_over_border", is((uint64_t[]){10, 5, 1, 15, 3, 7, 18, 4, 8, 22, 18, 1, 0, 0}));
    memmap_claim(&map, 0, 100 * P, BOOT_MEM_RESERVED);
    report("memmap_over_all", is((uint64_t[]){0, 100, 2, 0, 0}));
    start(64);
    memmap_claim(&map, 5 * P + 1, 3 * P, BOOT_MEM_RESERVED);
    memmap_claim(&map, 20 * P + 1, 3 * P, BOOT_MEM_FREE);
    memmap_claim(&map, 40 * P + 1, 100, BOOT_MEM_FREE);
    report("memmap_rounding", is((uint64_t[]){5, 4, 2, 21, 2, 1, 0, 0}));
    memmap_claim(&map, ~0ull - 3 * P, ~0ull, BOOT_MEM_MMIO);
    report("memmap_top", map.n == 3 && mem[2].base + mem[2].size == ~(P - 1));
}

static void test_room(void)
{
    start(2);
    bool good = memmap_claim(&map, 0, 10 * P, BOOT_MEM_FREE);
    report("memmap_room", good && !memmap_claim(&map, 4 * P, P, BOOT_MEM_KERNEL));
}

/* Descriptors of 48 bytes, as OVMF has them; out of order, and two that overlap. */
static void test_efi(void)
{
    static const uint64_t in[][3] = {
        /* type, page, count */
        {7, 256, 1000}, {3, 0, 1},      {7, 1, 158},  {6, 1300, 10}, {4, 1256, 44},
        {9, 1310, 2},   {10, 1312, 3},  {1, 500, 20}, {2, 520, 10},  {11, 0xfec00, 1},
        {0, 800, 5},    {14, 4096, 10}, {8, 1400, 1}};
    uint8_t raw[13 * 48];

    memset(raw, 0xff, sizeof raw);
    for (size_t i = 0; i < 13; i++) {
        struct efi_mem_desc d = {(uint32_t)in[i][0], 0, in[i][1] * P, 0, in[i][2], 0xf};
        memcpy(raw + 48 * i, &d, sizeof d);
    }
    start(64);
    bool good = efimap_add(&map, raw, sizeof raw, 48);
    report("memmap_efi",
           good &&
               is((uint64_t[]){0,    159, 1, 256,     244, 1, 500,  30, 6, 530,  270, 1, 800,  5, 2,
                               805,  495, 1, 1300,    10,  2, 1310, 2,  3, 1312, 3,   4, 1400, 1, 2,
                               4096, 10,  2, 0xfec00, 1,   5, 0,    0}));
    report("memmap_ram_end", efimap_ram_end(&map) == 1315 * P);
}

static void test_fragment(void)
{
    start(64);
    memmap_claim(&map, 100 * P, 700 * P, BOOT_MEM_FREE);
    efimap_fragment(&map);
    report("memmap_fragment", is((uint64_t[]){100, 155, 1, 255, 1, 2, 256, 255, 1, 511, 1, 2,
                                              512, 255, 1, 767, 1, 2, 768, 32,  1, 0,   0}));
}

/* Random painting against an array of pages. */
static void test_random(void)
{
    uint8_t page[40];
    bool good = true;

    srand(1);
    for (int round = 0; round < 2000 && good; round++) {
        start(64);
        memset(page, 0, sizeof page);
        for (int k = 0; k < 30; k++) {
            uint64_t base = (uint64_t)rand() % 40, n = 1 + (uint64_t)rand() % (40 - base);
            uint32_t type = 1 + (uint32_t)rand() % 3;
            memmap_claim(&map, base * P, n * P, type);
            memset(page + base, (int)type, n);
        }
        size_t covered = 0;
        for (size_t i = 0; i < map.n; i++) {
            good &= i == 0 || mem[i - 1].base + mem[i - 1].size < mem[i].base ||
                    (mem[i - 1].base + mem[i - 1].size == mem[i].base &&
                     mem[i - 1].type != mem[i].type);
            for (uint64_t p = mem[i].base / P; p < (mem[i].base + mem[i].size) / P; p++, covered++)
                good &= page[p] == mem[i].type;
        }
        for (size_t p = 0; p < sizeof page; p++)
            covered -= page[p] != 0;
        good &= covered == 0;
    }
    report("memmap_random", good);
}

int main(void)
{
    test_paint();
    test_room();
    test_efi();
    test_fragment();
    test_random();
    return failures != 0;
}
