/* extents.h - which physical memory has frame numbers.
 *
 * RAM may lie anywhere below 2^47: behind holes of a TiB, in windows of other sockets. Frames are
 * numbered by the GiB: each GiB that holds memory of ours takes the next 2^18 numbers, whatever
 * lies between them, so tables per frame are as large as the RAM and not as its highest address.
 * A GiB is the largest block of the buddy: whatever is a block of numbers is a block of memory
 * too, equally aligned. Pure. */
#ifndef MM_EXTENTS_H
#define MM_EXTENTS_H

#include <stdbool.h>
#include <stdint.h>

struct boot_mem;

#define EXTENTS_MAX 64
#define GIB_SHIFT   30
#define GIB_FRAMES  (1u << 18)
#define FRAME_NONE  UINT32_MAX
/* Frame numbers have 32 bits, and FRAME_NONE is not a number: that is 16 TiB less one GiB. */
#define GIBS_MAX    16383u

struct extents {
    unsigned n;
    struct { uint32_t gib, count, first; } e[EXTENTS_MAX]; /* rising; first frame / GIB_FRAMES */
};

uint32_t extents_gibs(const struct extents *x);
/* Number of the frame that holds the byte at pa, FRAME_NONE if it has none. */
uint32_t extents_frame(const struct extents *x, uint64_t pa);
uint64_t extents_address(const struct extents *x, uint32_t frame);

/* What is made of a memory map: the extents, and where the frame tables lie, per_frame bytes
 * for each frame. The tables come from the largest free piece outside [used_lo, used_hi). */
struct frame_plan {
    struct extents x;
    uint32_t frames;             /* numbers in use are below it */
    uint64_t tables, tables_end; /* physical, whole pages; equal: there is no room for any */
    uint64_t lost;               /* bytes of RAM that get no number */
};
void frames_plan(struct frame_plan *p, const struct boot_mem *map, uint64_t n, uint64_t used_lo,
                 uint64_t used_hi, unsigned per_frame);

#endif
