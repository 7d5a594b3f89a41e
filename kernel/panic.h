/* panic.h - the end of the machine after a bug: one CPU reports, the others are stopped.
 *
 * The first CPU to arrive owns the report. A second one that arrives meanwhile is stopped
 * like the rest; the owner arriving again (a fault in the report itself) prints one line
 * and powers off. crash_in_progress() (arch.h) is true from then on, and no lock is taken: the
 * console writes without its lock. */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/arch.h"

/* What the end of the machine needs of drivers, which register it at boot (NULL: none).
 * last_words: writes though the report itself has failed. power_off: does not return. */
struct crash_hooks {
    void (*last_words)(const char *s, size_t n);
    void (*power_off)(int status);
};
extern struct crash_hooks crash_hooks;

/* Boot: from here on exceptions and failed checks are reported. */
void crash_init(void);
/* Exception context: the report for an unhandled exception. */
_Noreturn void crash_exception(struct trap_frame *tf, uint64_t cr2);

#endif
