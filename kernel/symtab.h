/* symtab.h - names of the kernel's own functions, for crash reports. */
#ifndef KERNEL_SYMTAB_H
#define KERNEL_SYMTAB_H

#include <stdint.h>

/* The function that contains addr, and how far inside; NULL if it is not kernel text. Any
 * context. */
const char *ksym_lookup(uintptr_t addr, uintptr_t *offset);
/* The chain of frame pointers from (pc, bp), at most 48 frames, each checked before it is
 * read. Crash context. */
void ksym_backtrace(uintptr_t pc, uintptr_t bp);

#endif
