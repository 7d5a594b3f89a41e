/* leave.c - the memory map, ExitBootServices, the jump.
 *
 * ExitBootServices takes the key of the newest memory map, and fails if the map has changed
 * since (a timer event of the firmware may do that at any moment): then the map is read again
 * and the call repeated. After the first attempt UEFI allows nothing else, so everything is
 * allocated before. */
#include "boot/uefi/loader.h"

#define STACK_SIZE (64ull << 10)
#define ATTEMPTS   8
#define CR4_CET    (1ull << 23)

/* The option stalekey: an allocation after the map was read makes its key stale. */
static void spoil_key(void)
{
    EFI_PHYSICAL_ADDRESS at;

    loader.bs->AllocatePages(AllocateAnyPages, EfiLoaderData, 1, &at);
}

static bool exit_boot_services(bool stale_key, UINTN *size, UINTN *desc_size)
{
    UINTN key;
    UINT32 version;

    for (int i = 0; i < ATTEMPTS; i++) {
        *size = loader.efi_map_room;
        if (EFI_ERROR(loader.bs->GetMemoryMap(size, loader.efi_map, &key, desc_size, &version)))
            return false;
        if (stale_key && i == 0)
            spoil_key();
        if (!EFI_ERROR(loader.bs->ExitBootServices(loader.image, key)))
            return true;
    }
    return false;
}

static void fill_map(UINTN size, UINTN desc_size, bool fragment)
{
    struct boot_info *b = loader.info;
    struct memmap *m = &loader.map;

    if (!efimap_add(m, loader.efi_map, size, desc_size) ||
        !memmap_claim(m, 0, BOOT_PAGE, BOOT_MEM_RESERVED) || /* real-mode vectors */
        (fragment && !efimap_fragment(m)) ||
        !memmap_claim(m, b->kernel_phys, b->kernel_size, BOOT_MEM_KERNEL) ||
        !memmap_claim(m, b->bundle_base, b->bundle_size, BOOT_MEM_BUNDLE))
        fail("the memory map has more than %u pieces", MAP_ENTRIES);
    b->mem_map = (uintptr_t)m->e;
    b->mem_count = m->n;
}

/* Firmware may have switched on shadow stacks or branch tracking (CR4.CET). Loader and kernel
 * are not built for these: their first far return would be a control protection fault. */
static void cet_off(void)
{
    uint64_t cr4;

    __asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
    if (cr4 & CR4_CET)
        __asm__ volatile("movq %0, %%cr4" ::"r"(cr4 & ~CR4_CET) : "memory");
}

void leave_firmware(const struct loader_tests *t)
{
    UINTN size, desc_size;

    loader.stack_top = DIRECT_MAP_BASE + (uintptr_t)pages_alloc(STACK_SIZE, "a stack") + STACK_SIZE;
    if (!exit_boot_services(t->stale_key, &size, &desc_size))
        fail("the firmware does not let go: ExitBootServices failed %d times", ATTEMPTS);
    loader.left = true;
    __asm__ volatile("cli");
    cet_off();
    fill_map(size, desc_size, t->fragment);
    if (t->la57)
        paging_enter_la57();
    paging_leave_la57();
    serial_mark();
    handoff(loader.cr3, loader.stack_top, loader.entry, (uintptr_t)loader.info);
}
