/* test_extents.c - memory maps of large and odd machines.
 * sources: mm/extents.c mm/buddy.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "boot/boot_info.h"
#include "mm/buddy.h"
#include "mm/extents.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)
#define TIB (1ull << 40)
#define PER_FRAME 9u

static int failures;
static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

static struct frame_plan p;

static void plan(const struct boot_mem *m, unsigned n, uint64_t used_lo, uint64_t used_hi)
{
    frames_plan(&p, m, n, used_lo, used_hi, PER_FRAME);
}

/* Every frame of the map has a number of its own, and its number leads back. */
static bool one_to_one(const struct boot_mem *m, unsigned n)
{
    uint32_t last = 0;

    for (unsigned i = 0; i < n; i++)
        for (uint64_t pa = m[i].base; pa < m[i].base + m[i].size; pa += 37 * 4096) {
            uint32_t f = extents_frame(&p.x, pa);
            if (f == FRAME_NONE || f < last || extents_address(&p.x, f) != pa ||
                (f ^ pa / 4096) & (GIB_FRAMES - 1))
                return false;
            last = f;
        }
    return true;
}

static bool small(void)
{
    const struct boot_mem m[] = { { 4096, 632 << 10, BOOT_MEM_FREE, 0 },
                                  { MIB, 255 * MIB, BOOT_MEM_FREE, 0 } };

    plan(m, 2, MIB, 2 * MIB);
    return extents_gibs(&p.x) == 1 && p.tables == 2 * MIB &&
           p.frames == 65536 &&
           p.tables_end == 2 * MIB + PER_FRAME * 65536 && !p.lost && one_to_one(m, 2);
}

/* 2 GiB, and one GiB a TiB above: the tables take 27 MiB and not 2.3 GiB. */
static bool sparse(void)
{
    const struct boot_mem m[] = { { MIB, 2 * GIB - MIB, BOOT_MEM_FREE, 0 },
                                  { 3 * GIB, GIB / 2, BOOT_MEM_RESERVED, 0 },
                                  { TIB, GIB, BOOT_MEM_FREE, 0 } };

    plan(m, 3, MIB, 3 * MIB);
    return extents_gibs(&p.x) == 3 && p.tables_end - p.tables == 3 * PER_FRAME * GIB_FRAMES &&
           !p.lost && extents_frame(&p.x, 3 * GIB) == FRAME_NONE &&
           extents_frame(&p.x, 127 * TIB) == FRAME_NONE && one_to_one(m, 1) &&
           extents_frame(&p.x, TIB) == 2 * GIB_FRAMES;
}

/* The tables of 8 TiB are 18 GiB: they lie above 4 GiB. */
static bool terabytes(void)
{
    const struct boot_mem m[] = { { MIB, 2 * GIB - MIB, BOOT_MEM_FREE, 0 },
                                  { 4 * GIB, 8 * TIB, BOOT_MEM_FREE, 0 } };

    plan(m, 2, MIB, 40 * MIB);
    return extents_gibs(&p.x) == 2 + 8192 && p.tables == 4 * GIB && !p.lost &&
           p.tables_end - p.tables == (2 + 8192ull) * PER_FRAME * GIB_FRAMES;
}

/* More frames than 32 bits count: the rest is reported as unused. */
static bool beyond(void)
{
    const struct boot_mem m[] = { { 0, 2 * GIB, BOOT_MEM_FREE, 0 },
                                  { 4 * GIB, 20 * TIB, BOOT_MEM_FREE, 0 } };

    plan(m, 2, MIB, 40 * MIB);
    return extents_gibs(&p.x) == GIBS_MAX && p.lost == 20 * TIB + 2 * GIB -
           (uint64_t)GIBS_MAX * GIB && extents_frame(&p.x, 20 * TIB) == FRAME_NONE;
}

/* No piece of memory is large enough for the tables of all frames. */
static bool crumbs(void)
{
    static struct boot_mem m[400];

    for (unsigned i = 0; i < 400; i++)
        m[i] = (struct boot_mem){ MIB + i * 8ull * GIB, 4 * MIB, BOOT_MEM_FREE, 0 };
    plan(m, 400, MIB, MIB + 4096);
    return extents_gibs(&p.x) == 1 && p.lost == 399 * 4 * MIB &&
           p.frames <= GIB_FRAMES && p.tables_end - p.tables <= PER_FRAME * GIB_FRAMES + 4096;
}

static bool nothing(void)
{
    const struct boot_mem m[] = { { MIB, MIB, BOOT_MEM_FREE, 0 } };

    plan(m, 1, MIB, 2 * MIB - 4096); /* 512 frames: two pages */
    bool little = !p.frames && p.tables == p.tables_end && p.lost == MIB;
    plan(m, 1, MIB, 2 * MIB - 8192);
    return little && p.frames == 512 && p.tables_end == 2 * MIB && !p.lost;
}

/* The used part is at the piece's start, within it, at its end, or elsewhere. */
static bool around_used(void)
{
    const struct boot_mem m[] = { { 16 * MIB, 512 * MIB, BOOT_MEM_FREE, 0 } };
    const struct { uint64_t lo, hi, want; } t[] = {
        { 16 * MIB, 32 * MIB, 32 * MIB }, { 64 * MIB, 65 * MIB, 65 * MIB },
        { 500 * MIB, 510 * MIB, 16 * MIB }, { 520 * MIB, 528 * MIB, 16 * MIB },
        { GIB, GIB + MIB, 16 * MIB },
    };

    for (unsigned i = 0; i < sizeof t / sizeof t[0]; i++) {
        plan(m, 1, t[i].lo, t[i].hi);
        if (p.tables != t[i].want)
            return false;
    }
    return true;
}

/* Random maps: frames handed out by a buddy over the numbers are RAM, each once. */
static bool random_maps(void)
{
    static struct boot_mem m[20];
    static uint8_t *state;
    static struct buddy_link *links;

    for (unsigned seed = 0; seed < 30; seed++) {
        struct buddy b;
        uint64_t at = MIB, total = 0;
        unsigned n = 0;
        srand(seed);
        for (; n < 5; n++) {
            at += (uint64_t)(rand() % 3000) * MIB + (rand() % 2 ? 0 : (uint64_t)rand() * 4096);
            m[n] = (struct boot_mem){ at, (uint64_t)(1 + rand() % 40) * MIB, BOOT_MEM_FREE, 0 };
            at += m[n].size;
            total += m[n].size;
        }
        plan(m, n, 0, 0);
        if (p.lost || !one_to_one(m, n))
            return false;
        uint32_t frames = p.frames;
        state = calloc(frames, 1);
        links = malloc(frames * sizeof *links);
        buddy_init(&b, state, links, frames);
        for (unsigned i = 0; i < n; i++)
            for (uint64_t pa = m[i].base; pa < m[i].base + m[i].size; pa += MIB)
                buddy_add(&b, extents_frame(&p.x, pa), 256);
        for (uint32_t f; (f = buddy_alloc(&b, 0)) != BUDDY_NIL; total -= 4096) {
            uint64_t pa = extents_address(&p.x, f);
            unsigned i = 0;
            while (i < n && (pa < m[i].base || pa >= m[i].base + m[i].size))
                i++;
            if (i == n)
                return false;
        }
        free(state);
        free(links);
        if (total)
            return false;
    }
    return true;
}

int main(void)
{
    report("a small machine", small());
    report("a GiB a TiB away", sparse());
    report("terabytes", terabytes());
    report("more than frame numbers reach", beyond());
    report("crumbs", crumbs());
    report("no room at all", nothing());
    report("around what is used", around_used());
    report("random maps", random_maps());
    return failures != 0;
}
