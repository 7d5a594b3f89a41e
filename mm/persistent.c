/* persistent.c - metadata that lives for ever, carved from chunks of the direct map. */
#include <string.h>
#include "kernel/check.h"
#include "kernel/lock.h"
#include "mm/mm.h"

#define CHUNK_ORDER 6                        /* 256 KiB */
#define CHUNK_SIZE  (PAGE_SIZE << CHUNK_ORDER)

static struct lock persistent_lock = LOCK_INIT("persistent", RANK_PERSISTENT);
static uintptr_t chunk_next, chunk_end;      /* [persistent_lock] */

_Noreturn static void out_of_memory(size_t size)
{
    struct mm_stats s;

    mm_stats_read(&s);
    PANIC("out of memory: no %zu bytes for kernel metadata; %llu KiB of %llu KiB RAM free, "
          "largest free block %llu KiB", size, (unsigned long long)s.free_bytes >> 10,
          (unsigned long long)s.ram_bytes >> 10, (unsigned long long)s.largest_free >> 10);
}

static void *large(size_t size)
{
    size = (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    size_t align = size >= HUGE_PAGE_SIZE ? HUGE_PAGE_SIZE : PAGE_SIZE;
    uintptr_t va = vm_reserve(VM_KERNEL, 0, size, align);

    return va && vm_commit(va, size) == 0 ? (void *)va : NULL;
}

/* A whole chunk, or a single page when RAM is nearly exhausted. */
static bool refill_locked(size_t need)
{
    for (int order = CHUNK_ORDER; order >= 0 && PAGE_SIZE << order >= need; order--) {
        uint64_t pa = frame_alloc((unsigned)order);
        if (pa) {
            chunk_next = (uintptr_t)phys_to_virt(pa);
            chunk_end = chunk_next + (PAGE_SIZE << order);
            memset((void *)chunk_next, 0, PAGE_SIZE << order);
            return true;
        }
    }
    return false;
}

uint64_t persistent_other; /* [atomic] */

void *persistent_alloc(size_t size, size_t align, uint64_t *stat)
{
    void *p = NULL;

    CHECK(size && align && align <= PAGE_SIZE && !(align & (align - 1)),
          "persistent_alloc(%zu, %zu)", size, align);
    if (size > CHUNK_SIZE / 4) {
        p = large(size);
    } else {
        lock(&persistent_lock);
        uintptr_t at = (chunk_next + align - 1) & ~(align - 1);
        if (at + size > chunk_end || !chunk_next)
            at = refill_locked(size) ? chunk_next : 0;
        if (at) {
            p = (void *)at;
            chunk_next = at + size;
        }
        unlock(&persistent_lock);
    }
    if (!p)
        out_of_memory(size);
    __atomic_fetch_add(stat ? stat : &persistent_other, size, __ATOMIC_RELAXED);
    return p;
}
