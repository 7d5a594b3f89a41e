/* efimap.c - see efimap.h. */
#include "boot/uefi/efimap.h"

#include <string.h>

#define PAGE 4096ull
#define MIB  (1ull << 20)

static uint64_t end_of(const struct boot_mem *r) { return r->base + r->size; }

/* EFI_MEMORY_TYPE (UEFI 2.10, table 7.6). Persistent and unaccepted memory, and types that
 * are not known, are left alone. */
static uint32_t type_of_efi(const struct efi_mem_desc *d)
{
    switch (d->type) {
    case 1:
    case 2: /* loader code and data: the loader itself and its allocations */
        return BOOT_MEM_LOADER;
    case 3:
    case 4:
    case 7: /* boot services code and data, conventional */
        return BOOT_MEM_FREE;
    case 9:
        return BOOT_MEM_ACPI;
    case 10:
        return BOOT_MEM_NVS;
    case 11:
    case 12:
        return BOOT_MEM_MMIO;
    default:
        return BOOT_MEM_RESERVED;
    }
}

bool efimap_add(struct memmap *m, const void *map, size_t map_size, size_t desc_size)
{
    static const uint8_t order[] = {BOOT_MEM_FREE, BOOT_MEM_LOADER, BOOT_MEM_ACPI,
                                    BOOT_MEM_NVS,  BOOT_MEM_MMIO,   BOOT_MEM_RESERVED};

    for (size_t k = 0; k < sizeof order; k++) {
        for (size_t off = 0; off + desc_size <= map_size; off += desc_size) {
            struct efi_mem_desc d;
            memcpy(&d, (const uint8_t *)map + off, sizeof d);
            if (type_of_efi(&d) != order[k])
                continue;
            uint64_t size = d.pages > UINT64_MAX / PAGE ? UINT64_MAX : d.pages * PAGE;
            if (!memmap_claim(m, d.phys, size, order[k]))
                return false;
        }
    }
    return true;
}

uint64_t efimap_ram_end(const struct memmap *m)
{
    uint64_t end = 0;

    for (size_t i = 0; i < m->n; i++) {
        uint32_t type = m->e[i].type;
        if (type != BOOT_MEM_RESERVED && type != BOOT_MEM_MMIO)
            end = end_of(&m->e[i]);
    }
    return end;
}

bool efimap_fragment(struct memmap *m)
{
    struct boot_mem largest = {0};

    for (size_t i = 0; i < m->n; i++)
        if (m->e[i].type == BOOT_MEM_FREE && m->e[i].size > largest.size)
            largest = m->e[i];
    for (size_t i = 0; i < m->n; i++) {
        struct boot_mem r = m->e[i];
        uint64_t from = r.base == largest.base ? r.base + r.size / 16 : r.base;
        uint64_t hole = (from + MIB) & ~(MIB - 1);
        if (r.type != BOOT_MEM_FREE)
            continue;
        for (; hole <= end_of(&r); hole += MIB)
            if (!memmap_claim(m, hole - PAGE, PAGE, BOOT_MEM_RESERVED))
                return false;
    }
    return true;
}
