/* private.h - shared by the files of mm/. */
#ifndef MM_PRIVATE_H
#define MM_PRIVATE_H

#include "boot/boot_info.h"
#include "mm/mm.h"

/* setup.c: ends the boot's own allocator, and says what of memory it has used. */
void early_close(uint64_t *used_lo, uint64_t *used_hi);

/* frames.c: takes over all free RAM of the map except what early_close names. */
void frames_init(const struct boot_info *bi, uint64_t limit);
void frames_add(uint64_t base, uint64_t size);

/* vm.c */
void vm_init(void);
extern uint64_t vm_table_bytes; /* [atomic] page tables */

#endif
