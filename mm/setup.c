/* setup.c - from the loader's page tables to the kernel's own.
 *
 * Until frames_init the kernel runs on the loader's tables, which map the first 4 GiB at
 * DIRECT_MAP_BASE, so early memory comes from below 4 GiB. */
#include <string.h>
#include "arch/x86_64/arch.h"
#include "arch/x86_64/asm.h"
#include "arch/x86_64/paging.h"
#include "kernel/check.h"
#include "mm/private.h"

#define LOW_END   0x100000ull
#define EARLY_TOP (4ull << 30)

extern char kernel_image_start[], kernel_text_end[], kernel_rodata_end[], kernel_image_end[];

static uint64_t early_lo, early_next, early_end;
static uint64_t low_page;

static bool is_ram(uint32_t type)
{
    return type == BOOT_MEM_FREE || type == BOOT_MEM_ACPI || type == BOOT_MEM_LOADER ||
           type == BOOT_MEM_KERNEL || type == BOOT_MEM_BUNDLE || type == BOOT_MEM_NVS;
}

/* The largest free region below 4 GiB becomes early memory. */
static void early_init(const struct boot_info *bi)
{
    const struct boot_mem *m = phys_to_virt(bi->mem_map);

    for (uint64_t i = 0; i < bi->mem_count; i++) {
        uint64_t lo = m[i].base, hi = lo + m[i].size;
        if (m[i].type != BOOT_MEM_FREE)
            continue;
        if (lo < 0xa0000 && hi > 0x2000 && !low_page)
            low_page = lo < 0x1000 ? 0x1000 : lo;
        if (lo < LOW_END)
            lo = LOW_END;
        if (hi > EARLY_TOP)
            hi = EARLY_TOP;
        if (lo < hi && hi - lo > early_end - early_next) {
            early_lo = early_next = lo;
            early_end = hi;
        }
    }
    CHECK(early_end, "no free memory below 4 GiB in %llu map entries",
          (unsigned long long)bi->mem_count);
}

/* A page table's frame before mm has frames, from the largest free region below 4 GiB; it is never
 * freed. 0: there is none left. */
static uint64_t early_frame(void)
{
    if (early_end - early_next < PAGE_SIZE)
        return 0;
    early_next += PAGE_SIZE;
    return early_next - PAGE_SIZE;
}

void early_close(uint64_t *used_lo, uint64_t *used_hi)
{
    *used_lo = early_lo;
    *used_hi = early_next;
    early_end = early_next;
}

uint64_t mm_low_page(void)
{
    return low_page;
}

static void map(uintptr_t va, uint64_t pa, uint64_t size, uint64_t flags, unsigned level)
{
    int err = pt_map(va, pa, size, flags, level);

    CHECK(!err, "mapping %#lx at boot: error %d (too little memory?)", va, err);
}

static uint64_t nx(void)
{
    return cpu_features.nx ? PTE_NX : 0;
}

static void map_kernel(const struct boot_info *bi)
{
    uintptr_t base = (uintptr_t)kernel_image_start;
    uintptr_t text = (uintptr_t)kernel_text_end, ro = (uintptr_t)kernel_rodata_end;
    uintptr_t end = (uintptr_t)kernel_image_end;
    uint64_t pa = bi->kernel_phys;

    map(base, pa, text - base, 0, 1);
    map(text, pa + (text - base), ro - text, nx(), 1);
    map(ro, pa + (ro - base), end - ro, PTE_W | nx(), 1);
}

/* The image's text and constants appear in the direct map too, but read-only. */
static void map_ram_part(uint64_t lo, uint64_t hi, bool writable)
{
    if (lo < hi)
        map(DIRECT_MAP_BASE + lo, lo, hi - lo, (writable ? PTE_W : 0) | nx(),
            cpu_features.gib_pages ? 3 : 2);
}

static void map_direct(const struct boot_info *bi)
{
    const struct boot_mem *m = phys_to_virt(bi->mem_map);
    uint64_t ro_lo = bi->kernel_phys;
    uint64_t ro_hi = ro_lo + (uint64_t)(kernel_rodata_end - kernel_image_start);

    for (uint64_t i = 0; i < bi->mem_count;) {
        if (!is_ram(m[i].type)) {
            i++;
            continue;
        }
        uint64_t lo = m[i].base, hi = lo;
        while (i < bi->mem_count && m[i].base == hi && is_ram(m[i].type))
            hi += m[i++].size; /* neighbours together: larger pages */
        if (ro_lo >= hi || ro_hi <= lo) {
            map_ram_part(lo, hi, true);
        } else {
            map_ram_part(lo, ro_lo, true);
            map_ram_part(ro_lo, ro_hi, false);
            map_ram_part(ro_hi, hi, true);
        }
    }
}

static void keep_map(struct boot_info *bi)
{
    size_t bytes = bi->mem_count * sizeof(struct boot_mem);
    struct boot_mem *copy = persistent_alloc(bytes, 16, NULL);

    memcpy(copy, phys_to_virt(bi->mem_map), bytes);
    bi->mem_map = virt_to_phys(copy);
}

void mm_init(struct boot_info *bi, uint64_t limit)
{
    early_init(bi);
    pt_alloc_frame = pt_split_frame = early_frame;
    pt_root = early_frame();
    memset(phys_to_virt(pt_root), 0, PAGE_SIZE);
    map_kernel(bi);
    map_direct(bi);
    write_cr3(pt_root);
    frames_init(bi, limit);
    vm_init();
    keep_map(bi);
}

void mm_reclaim(const struct boot_info *bi)
{
    const struct boot_mem *m = phys_to_virt(bi->mem_map);

    for (uint64_t i = 0; i < bi->mem_count; i++)
        if (m[i].type == BOOT_MEM_LOADER)
            frames_add(m[i].base, m[i].size);
}
