#include "mm/extents.h"
#include <string.h>
#include "boot/boot_info.h"

#define PAGE    4096ull
#define LOW_END 0x100000ull /* below 1 MiB nothing is managed */

/* Adds [lo, hi), which does not begin below anything added before. False: there is no room for
 * another extent, or for so many GiB; nothing, or only the lower part, has been added then. */
static bool extents_add(struct extents *x, uint64_t lo, uint64_t hi)
{
    uint64_t gib = lo >> GIB_SHIFT, end = (hi + (1ull << GIB_SHIFT) - 1) >> GIB_SHIFT;
    uint32_t have = extents_gibs(x);
    bool joins = x->n && x->e[x->n - 1].gib + x->e[x->n - 1].count >= gib;

    if (lo >= hi)
        return true;
    if (joins)
        gib = x->e[x->n - 1].gib + x->e[x->n - 1].count;
    if (gib >= end)
        return true;
    uint64_t count = end - gib, room = GIBS_MAX - have;
    uint32_t take = (uint32_t)(count < room ? count : room);
    if (!take || (!joins && x->n == EXTENTS_MAX))
        return false;
    if (joins) {
        x->e[x->n - 1].count += take;
    } else {
        x->e[x->n].gib = (uint32_t)gib;
        x->e[x->n].count = take;
        x->e[x->n++].first = have;
    }
    return take == count;
}

uint32_t extents_gibs(const struct extents *x)
{
    return x->n ? x->e[x->n - 1].first + x->e[x->n - 1].count : 0;
}

/* Forgets all but the lowest n GiB. */
static void extents_clip(struct extents *x, uint32_t n)
{
    while (x->n && x->e[x->n - 1].first >= n)
        x->n--;
    if (x->n && extents_gibs(x) > n)
        x->e[x->n - 1].count = n - x->e[x->n - 1].first;
}

uint32_t extents_frame(const struct extents *x, uint64_t pa)
{
    uint64_t gib = pa >> GIB_SHIFT;

    for (unsigned i = 0; i < x->n; i++)
        if (gib - x->e[i].gib < x->e[i].count) /* unsigned: a smaller gib wraps to a large number */
            return (uint32_t)(x->e[i].first + (gib - x->e[i].gib)) * GIB_FRAMES +
                   (uint32_t)(pa / PAGE % GIB_FRAMES);
    return FRAME_NONE;
}

uint64_t extents_address(const struct extents *x, uint32_t frame)
{
    uint32_t gib = frame / GIB_FRAMES;
    unsigned i = 0;

    while (i + 1 < x->n && gib >= x->e[i + 1].first)
        i++;
    return ((uint64_t)(x->e[i].gib + (gib - x->e[i].first)) << GIB_SHIFT) +
           frame % GIB_FRAMES * PAGE;
}

static bool ours(const struct boot_mem *m)
{
    return m->type == BOOT_MEM_FREE || m->type == BOOT_MEM_LOADER;
}

static void take_larger(struct frame_plan *p, uint64_t lo, uint64_t hi)
{
    if (lo < LOW_END)
        lo = LOW_END;
    if (lo < hi && hi - lo > p->tables_end - p->tables) {
        p->tables = lo;
        p->tables_end = hi;
    }
}

/* The largest piece of free memory outside [used_lo, used_hi). */
static void largest_piece(struct frame_plan *p, const struct boot_mem *map, uint64_t n,
                          uint64_t used_lo, uint64_t used_hi)
{
    for (uint64_t i = 0; i < n; i++) {
        uint64_t lo = map[i].base, hi = lo + map[i].size;
        if (map[i].type != BOOT_MEM_FREE)
            continue;
        take_larger(p, lo, used_lo < lo || used_lo > hi ? lo : used_lo);
        take_larger(p, used_hi > lo && used_lo < hi ? used_hi : lo, hi);
    }
}

/* One more than the highest frame number in use. */
static uint32_t frames_used(const struct extents *x, const struct boot_mem *map, uint64_t n)
{
    for (uint64_t i = n; i-- > 0;) {
        uint32_t f = ours(&map[i]) ? extents_frame(x, map[i].base + map[i].size - 1) : FRAME_NONE;
        if (f != FRAME_NONE)
            return f + 1;
        if (ours(&map[i]) && extents_frame(x, map[i].base) != FRAME_NONE)
            break; /* the extents end within this one */
    }
    return extents_gibs(x) * GIB_FRAMES;
}

/* Bytes of RAM that the extents do not cover. */
static uint64_t left_out(const struct extents *x, const struct boot_mem *map, uint64_t n)
{
    uint64_t lost = 0;

    for (uint64_t i = 0; i < n; i++) {
        uint64_t lo = map[i].base, hi = lo + map[i].size;
        for (uint64_t next; ours(&map[i]) && lo < hi; lo = next) {
            next = ((lo >> GIB_SHIFT) + 1) << GIB_SHIFT;
            next = next < hi ? next : hi;
            if (extents_frame(x, lo) == FRAME_NONE)
                lost += next - lo;
        }
    }
    return lost;
}

void frames_plan(struct frame_plan *p, const struct boot_mem *map, uint64_t n, uint64_t used_lo,
                 uint64_t used_hi, unsigned per_frame)
{
    memset(p, 0, sizeof *p);
    for (uint64_t i = 0; i < n; i++)
        if (ours(&map[i]))
            extents_add(&p->x, map[i].base, map[i].base + map[i].size);
    largest_piece(p, map, n, used_lo, used_hi);
    uint64_t room = p->tables_end - p->tables;
    if ((p->frames = frames_used(&p->x, map, n)) > room / per_frame) {
        extents_clip(&p->x, (uint32_t)(room / per_frame / GIB_FRAMES));
        p->frames = frames_used(&p->x, map, n);
    }
    p->tables_end = p->tables + ((uint64_t)p->frames * per_frame + PAGE - 1) / PAGE * PAGE;
    p->lost = left_out(&p->x, map, n);
}
