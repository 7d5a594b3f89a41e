/* frames.c - page frames: the buddy behind a lock, and a small stash of 4 KiB frames per CPU
 * in front of it. A stash belongs to its CPU's g0 context, so it needs no lock: interrupt
 * handlers never allocate, and nothing else runs on g0 in between. */
#include <string.h>
#include "arch/x86_64/cpu.h"
#include "kernel/check.h"
#include "kernel/lock.h"
#include "mm/buddy.h"
#include "mm/private.h"

#define KEPT_MIN (512ull << 10)
#define KEPT_MAX (16ull << 20)
#define STASH_MAX   64
#define STASH_BATCH 32
#define LOW_MEMORY  0x100000ull  /* below 1 MiB: trampolines, firmware habits; not managed */

static struct lock frames_lock = LOCK_INIT("frames", RANK_FRAMES);
static struct buddy buddy;       /* [frames_lock] */
static struct stash {
    uint32_t n;
    uint32_t frame[STASH_MAX];
} __attribute__((aligned(64))) stashes[CPU_MAX]; /* [owner] */

void *phys_to_virt(uint64_t pa)
{
    return (void *)(pa + DIRECT_MAP_BASE);
}

static uint64_t map_top(const struct boot_info *bi)
{
    const struct boot_mem *m = phys_to_virt(bi->mem_map);
    uint64_t top = 0;

    for (uint64_t i = 0; i < bi->mem_count; i++)
        if ((m[i].type == BOOT_MEM_FREE || m[i].type == BOOT_MEM_LOADER) &&
            m[i].base + m[i].size > top)
            top = m[i].base + m[i].size;
    return top;
}

/* Adds what of [lo, hi) is outside [used_lo, used_hi), up to *left bytes. */
static void add_part(uint64_t lo, uint64_t hi, uint64_t *left)
{
    if (lo < LOW_MEMORY)
        lo = LOW_MEMORY;
    if (lo >= hi)
        return;
    uint64_t size = hi - lo < *left ? hi - lo : *left & ~(PAGE_SIZE - 1);
    *left -= size;
    if (size)
        buddy_add(&buddy, (uint32_t)(lo / PAGE_SIZE), (uint32_t)(size / PAGE_SIZE));
}

void frames_init(const struct boot_info *bi, uint64_t limit)
{
    const struct boot_mem *m = phys_to_virt(bi->mem_map);
    uint64_t n = map_top(bi) / PAGE_SIZE, left = limit ? limit : ~0ull;
    uint64_t links = early_alloc(n * sizeof(struct buddy_link)), state = early_alloc(n);
    uint64_t used_lo, used_hi;

    CHECK(links && state, "too little memory for the frame allocator (%llu frames)",
          (unsigned long long)n);
    memset(phys_to_virt(state), 0, n);
    buddy_init(&buddy, phys_to_virt(state), phys_to_virt(links), (uint32_t)n);
    early_close(&used_lo, &used_hi);
    for (uint64_t i = 0; i < bi->mem_count; i++) {
        uint64_t lo = m[i].base, hi = lo + m[i].size;
        if (m[i].type != BOOT_MEM_FREE)
            continue;
        if (hi <= used_lo || lo >= used_hi) {
            add_part(lo, hi, &left);
        } else {
            add_part(lo, used_lo < lo ? lo : used_lo, &left);
            add_part(used_hi, hi, &left);
        }
    }
}

void frames_add(uint64_t base, uint64_t size)
{
    uint64_t left = ~0ull;

    lock(&frames_lock);
    add_part(base, base + size, &left);
    unlock(&frames_lock);
}

static void stash_fill(struct stash *s)
{
    lock(&frames_lock);
    while (s->n < STASH_BATCH) {
        uint32_t f = buddy_alloc(&buddy, 0);
        if (f == BUDDY_NIL)
            break;
        s->frame[s->n++] = f;
    }
    unlock(&frames_lock);
}

static void stash_drain(struct stash *s, uint32_t keep)
{
    lock(&frames_lock);
    while (s->n > keep) {
        uint32_t f = s->frame[--s->n];
        CHECK(buddy_free(&buddy, f, 0), "frame %#llx freed twice",
              (unsigned long long)f * PAGE_SIZE);
    }
    unlock(&frames_lock);
}

uint64_t frame_alloc(unsigned order)
{
    struct stash *s = &stashes[cpu_self()->id];
    uint32_t f;

    if (order == 0) {
        if (!s->n)
            stash_fill(s);
        return s->n ? (uint64_t)s->frame[--s->n] * PAGE_SIZE : 0;
    }
    lock(&frames_lock);
    f = buddy_alloc(&buddy, order);
    unlock(&frames_lock);
    return f == BUDDY_NIL ? 0 : (uint64_t)f * PAGE_SIZE;
}

void frame_free(uint64_t pa, unsigned order)
{
    struct stash *s = &stashes[cpu_self()->id];
    uint32_t f = (uint32_t)(pa / PAGE_SIZE);

    if (order == 0) {
        if (s->n == STASH_MAX)
            stash_drain(s, STASH_BATCH);
        s->frame[s->n++] = f;
        return;
    }
    lock(&frames_lock);
    bool ok = buddy_free(&buddy, f, order);
    unlock(&frames_lock);
    CHECK(ok, "frames %#llx order %u freed twice", (unsigned long long)pa, order);
}

uint64_t mm_kept(void)
{
    uint64_t part = buddy.total_frames * PAGE_SIZE / 128;

    return part < KEPT_MIN ? KEPT_MIN : part > KEPT_MAX ? KEPT_MAX : part;
}

bool mm_can_spare(uint64_t bytes)
{
    return __atomic_load_n(&buddy.free_frames, __ATOMIC_RELAXED) * PAGE_SIZE >= bytes + mm_kept();
}

void mm_stats_read(struct mm_stats *out)
{
    uint64_t stashed = 0;

    for (unsigned i = 0; i < CPU_MAX; i++)
        stashed += stashes[i].n;
    lock(&frames_lock);
    int order = buddy_largest(&buddy);
    out->ram_bytes = buddy.total_frames * PAGE_SIZE;
    out->free_bytes = (buddy.free_frames + stashed) * PAGE_SIZE;
    unlock(&frames_lock);
    out->largest_free = order < 0 ? 0 : PAGE_SIZE << order;
    out->kernel_bytes = vm_table_bytes;
}
