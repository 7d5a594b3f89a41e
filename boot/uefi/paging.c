/* paging.c - the page tables that boot_info.h promises to the kernel:
 *
 *   PML4[0], PML4[1] ..   physical memory 1:1
 *   PML4[256], [257] ..   the same tables again: DIRECT_MAP_BASE
 *   PML4[511]             PDPT[510] -> PD: KERNEL_BASE, 2 MiB pages over the image
 *
 * All pages are writable and executable: the kernel replaces the tables at once. */
#include "boot/uefi/loader.h"

#include <cpuid.h>
#include <string.h>

enum { PTE_P = 1, PTE_W = 2, PTE_PS = 0x80 };
#define GIB       (1ull << 30)
#define PML4_SPAN (512 * GIB)
#define CR4_LA57  (1ull << 12)

extern char la57_start[], la57_end[];
static void la57_prepare(void);

static uint64_t *table(void) { return pages_alloc(BOOT_PAGE, "a page table"); }

static bool has_gib_pages(void)
{
    uint32_t a, b, c, d;
    return __get_cpuid(0x80000001u, &a, &b, &c, &d) && (d & 1u << 26);
}

/* The entry for the GiB at pa. Below 4 GiB, where devices with other cache attributes lie, it
 * points to 2 MiB pages. */
static uint64_t gib_entry(uint64_t pa, bool huge)
{
    if (huge && pa >= 4 * GIB)
        return pa | PTE_P | PTE_W | PTE_PS;
    uint64_t *pd = table();
    for (unsigned i = 0; i < 512; i++)
        pd[i] = (pa + i * HUGE_PAGE) | PTE_P | PTE_W | PTE_PS;
    return (uintptr_t)pd | PTE_P | PTE_W;
}

static void map_memory(uint64_t *pml4, uint64_t top)
{
    bool huge = has_gib_pages();

    for (uint64_t pa = 0; pa < top; pa += PML4_SPAN) {
        uint64_t *pdpt = table();
        for (unsigned i = 0; i < 512 && pa + i * GIB < top; i++)
            pdpt[i] = gib_entry(pa + i * GIB, huge);
        uint64_t entry = (uintptr_t)pdpt | PTE_P | PTE_W;
        pml4[pa / PML4_SPAN] = pml4[256 + pa / PML4_SPAN] = entry;
    }
}

static void map_kernel(uint64_t *pml4)
{
    uint64_t va = loader.kernel_va & ~(HUGE_PAGE - 1);
    uint64_t pa = loader.info->kernel_phys & ~(HUGE_PAGE - 1);
    uint64_t end = loader.kernel_va + loader.info->kernel_size;
    uint64_t *pdpt = table(), *pd = table();

    for (; va < end; va += HUGE_PAGE, pa += HUGE_PAGE)
        pd[(va - KERNEL_BASE) / HUGE_PAGE] = pa | PTE_P | PTE_W | PTE_PS;
    pdpt[510] = (uintptr_t)pd | PTE_P | PTE_W;
    pml4[511] = (uintptr_t)pdpt | PTE_P | PTE_W;
}

/* The end of RAM as the firmware says now; later changes of its map only shift borders. */
static uint64_t ram_end(void)
{
    struct memmap m = loader.map;
    UINTN size = loader.efi_map_room, key, desc_size;
    UINT32 version;

    if (EFI_ERROR(loader.bs->GetMemoryMap(&size, loader.efi_map, &key, &desc_size, &version)) ||
        !efimap_add(&m, loader.efi_map, size, desc_size))
        fail("the firmware's memory map cannot be read");
    return efimap_ram_end(&m);
}

void paging_build(void)
{
    loader.efi_map_room = 256 << 10;
    loader.efi_map = pages_alloc(loader.efi_map_room, "the memory map");
    loader.map.max = MAP_ENTRIES;
    loader.map.e = pages_alloc(MAP_ENTRIES * sizeof(struct boot_mem), "the memory map");
    uint64_t top = ram_end();
    const struct boot_framebuffer *fb = &loader.info->fb;
    uint64_t fb_end = fb->base + (uint64_t)fb->stride * fb->height * 4;
    top = top > fb_end ? top : fb_end;
    top = top > 4 * GIB ? top : 4 * GIB;
    if (top > 255 * PML4_SPAN)
        fail("memory ends at %llx, beyond what 4-level paging maps", (unsigned long long)top);
    uint64_t *pml4 = table();
    map_memory(pml4, top);
    map_kernel(pml4);
    loader.cr3 = (uintptr_t)pml4;
    la57_prepare();
}

/* ---- 5-level paging: la57.S ------------------------------------------------------------- */

static void (*la57_switch)(uint64_t cr3, uint64_t cr4);
static uint64_t *pml5;

static uint64_t read_cr4(void)
{
    uint64_t v;
    __asm__ volatile("movq %%cr4, %0" : "=r"(v));
    return v;
}

static void la57_prepare(void)
{
    size_t size = (size_t)(la57_end - la57_start);
    char *copy = code_alloc(size, "a trampoline");

    pml5 = table();
    pml5[0] = pml5[511] = loader.cr3 | PTE_P | PTE_W;
    memcpy(copy, la57_start, size);
    la57_switch = (void (*)(uint64_t, uint64_t))(uintptr_t)copy;
    if (((uintptr_t)copy | loader.cr3 | (uintptr_t)pml5) >> 32)
        fail("not enough memory below 4 GiB for page tables");
}

void paging_leave_la57(void)
{
    if (read_cr4() & CR4_LA57)
        la57_switch(loader.cr3, read_cr4() & ~CR4_LA57);
}

void paging_enter_la57(void)
{
    uint32_t a, b, c = 0, d;

    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(c & 1u << 16))
        fail("la57: this CPU has no 5-level paging");
    la57_switch((uintptr_t)pml5, read_cr4() | CR4_LA57);
}
