/* symtab.h - names of the kernel's own functions, for crash reports and profiles. */
#ifndef KERNEL_SYMTAB_H
#define KERNEL_SYMTAB_H

#include <stdbool.h>
#include <stdint.h>

/* The function that contains addr, and how far inside; NULL if it is not kernel text. Any
 * context. */
const char *ksym_lookup(uintptr_t addr, uintptr_t *offset);
/* Is there kernel text at addr? Any context. */
bool ksym_is_text(uintptr_t addr);
/* The chain of frame pointers from (pc, bp), at most 48 frames, each checked before it is
 * read. Crash context. */
void ksym_backtrace(uintptr_t pc, uintptr_t bp);

#endif
