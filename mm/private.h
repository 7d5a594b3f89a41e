/* private.h - shared by the files of mm/. */
#ifndef MM_PRIVATE_H
#define MM_PRIVATE_H

#include "boot/boot_info.h"
#include "mm/mm.h"

/* Early memory: page tables, from the largest free region below 4 GiB, never freed. 0 if
 * exhausted. (setup.c) */
uint64_t early_alloc(uint64_t size);
void early_close(uint64_t *used_lo, uint64_t *used_hi); /* no early_alloc from here on */

/* frames.c: takes over all free RAM of the map except what early_alloc used. */
void frames_init(const struct boot_info *bi, uint64_t limit);
void frames_add(uint64_t base, uint64_t size);

/* vm.c */
void vm_init(void);
extern uint64_t vm_table_bytes; /* [atomic] page tables */

#endif
