/* frames.c - page frames: the buddy behind a lock, and a small stash of 4 KiB frames per CPU
 * in front of it. A stash belongs to its CPU's g0 context, so it needs no lock: interrupt
 * handlers never allocate, and nothing else runs on g0 in between. */
#include <string.h>
#include "arch/x86_64/cpu.h"
#include "kernel/check.h"
#include "kernel/lock.h"
#include "kernel/print.h"
#include "mm/buddy.h"
#include "mm/extents.h"
#include "mm/private.h"

#define KEPT_MIN (512ull << 10)
#define KEPT_MAX (16ull << 20)
#define PER_FRAME (sizeof(struct buddy_link) + 1) /* bytes of tables */
#define STASH_MAX   64
#define STASH_BATCH 32
/* below 1 MiB, not managed: trampolines lie there, and firmware may write to it */
#define LOW_MEMORY  0x100000ull

static struct lock frames_lock = LOCK_INIT("frames", RANK_FRAMES);
static struct extents extents;   /* [const] */
static struct buddy buddy;       /* [frames_lock] */
static struct stash {
    uint32_t n;
    uint64_t pa[STASH_MAX];
} __attribute__((aligned(64))) stashes[CPU_MAX]; /* [owner] */

/* Adds the part of [lo, hi) that has frame numbers, up to *left bytes. */
static void add_part(uint64_t lo, uint64_t hi, uint64_t *left)
{
    if (lo < LOW_MEMORY)
        lo = LOW_MEMORY;
    for (uint64_t next; lo < hi && *left >= PAGE_SIZE; lo = next) {
        next = ((lo >> GIB_SHIFT) + 1) << GIB_SHIFT; /* numbers may jump from GiB to GiB */
        next = next < hi ? next : hi;
        uint64_t size = next - lo < *left ? next - lo : *left & ~(PAGE_SIZE - 1);
        uint32_t first = extents_frame(&extents, lo);
        if (first == FRAME_NONE)
            continue;
        buddy_add(&buddy, first, (uint32_t)(size / PAGE_SIZE));
        *left -= size;
    }
}

/* Adds the part of [lo, hi) that is outside of the ranges in use. */
static void add_free(uint64_t lo, uint64_t hi, const uint64_t (*used)[2], unsigned n,
                     uint64_t *left)
{
    for (unsigned i = 0; i < n; i++) {
        if (used[i][0] >= hi || used[i][1] <= lo)
            continue;
        if (used[i][0] > lo)
            add_free(lo, used[i][0], used + i + 1, n - i - 1, left);
        lo = used[i][1];
    }
    add_part(lo, hi, left);
}

void frames_init(const struct boot_info *bi, uint64_t limit)
{
    static struct frame_plan plan;
    const struct boot_mem *m = phys_to_virt(bi->mem_map);
    uint64_t left = limit ? limit : ~0ull, used[2][2];

    early_close(&used[0][0], &used[0][1]);
    frames_plan(&plan, m, bi->mem_count, used[0][0], used[0][1], PER_FRAME);
    extents = plan.x;
    uint32_t n = plan.frames;
    CHECK(n, "too little memory for the frame allocator in %llu map entries",
          (unsigned long long)bi->mem_count);
    if (plan.lost)
        kprintf("gort: %llu MiB of the RAM are not used: there is no room for their tables\n",
                (unsigned long long)plan.lost >> 20);
    used[1][0] = plan.tables;
    used[1][1] = plan.tables_end;
    uint8_t *state = phys_to_virt(plan.tables + n * sizeof(struct buddy_link));
    memset(state, 0, n);
    buddy_init(&buddy, state, phys_to_virt(plan.tables), n);
    for (uint64_t i = 0; i < bi->mem_count; i++)
        if (m[i].type == BOOT_MEM_FREE)
            add_free(m[i].base, m[i].base + m[i].size, used, 2, &left);
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
        s->pa[s->n++] = extents_address(&extents, f);
    }
    unlock(&frames_lock);
}

static void stash_drain(struct stash *s, uint32_t keep)
{
    lock(&frames_lock);
    while (s->n > keep) {
        uint64_t pa = s->pa[--s->n];
        CHECK(buddy_free(&buddy, extents_frame(&extents, pa), 0), "frame %#llx freed twice",
              (unsigned long long)pa);
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
        return s->n ? s->pa[--s->n] : 0;
    }
    lock(&frames_lock);
    f = buddy_alloc(&buddy, order);
    unlock(&frames_lock);
    return f == BUDDY_NIL ? 0 : extents_address(&extents, f);
}

void frame_free(uint64_t pa, unsigned order)
{
    struct stash *s = &stashes[cpu_self()->id];

    if (order == 0) {
        if (s->n == STASH_MAX)
            stash_drain(s, STASH_BATCH);
        s->pa[s->n++] = pa;
        return;
    }
    lock(&frames_lock);
    bool ok = buddy_free(&buddy, extents_frame(&extents, pa), order);
    unlock(&frames_lock);
    CHECK(ok, "frames %#llx order %u freed twice", (unsigned long long)pa, order);
}

uint32_t *frame_word(uint64_t pa)
{
    return &buddy.link[extents_frame(&extents, pa)].next;
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
    out->most_used = buddy.most_used * PAGE_SIZE;
    unlock(&frames_lock);
    out->largest_free = order < 0 ? 0 : PAGE_SIZE << order;
    out->kernel_bytes = vm_table_bytes;
}
