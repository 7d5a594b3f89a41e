/* memmap.h - a sorted map of physical memory without overlaps, built piece by piece.
 * Pure: no allocation, host-testable. A later piece overrules an earlier one where both
 * claim a page, so: RAM first, then what is reserved, then kernel and bundle. */
#ifndef BOOT_MEMMAP_H
#define BOOT_MEMMAP_H

#include <stdbool.h>
#include <stddef.h>
#include "boot/boot_info.h"

struct memmap {
    struct boot_mem *e;
    size_t n, max;
};

/* Claims [base, base+size) for `type`. RAM shrinks to whole pages, everything else grows to
 * them. Returns false (and changes nothing) if the array is full. */
bool memmap_claim(struct memmap *m, uint64_t base, uint64_t size, uint32_t type);

#endif
