/* efimap.h - the firmware's memory map turned into boot_info's (boot/pvh/memmap.h). Pure: host
 * tests use it too. */
#ifndef BOOT_UEFI_EFIMAP_H
#define BOOT_UEFI_EFIMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "boot/pvh/memmap.h"

/* What GetMemoryMap returns, each descriptor `desc_size` bytes from the next (UEFI 2.10,
 * section 7.2.3). */
struct efi_mem_desc {
    uint32_t type, pad;
    uint64_t phys, virt, pages, attributes;
};

/* Claims all descriptors, the more restrictive types over the others. Memory of the firmware's
 * boot services counts as free, since the map is used after ExitBootServices. False if the
 * array is full. */
bool efimap_add(struct memmap *m, const void *map, size_t map_size, size_t desc_size);
/* The end of the highest range that is RAM. */
uint64_t efimap_ram_end(const struct memmap *m);
/* For tests of the frame allocator: takes the last page of each MiB of free memory away, but
 * for a 16th of the largest range, where the allocator may put its tables. */
bool efimap_fragment(struct memmap *m);

#endif
