/* hooks.c - the pointers through which arch/ calls rooms above it: arch.h. */
#include "arch/x86_64/arch.h"
#include "arch/x86_64/asm.h"
#include "arch/x86_64/die.h"

struct arch_hooks arch_hooks;
struct machine_hooks machine_hooks;
uint32_t crash_owner;

void arch_die(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (machine_hooks.die)
        machine_hooks.die(file, line, __builtin_frame_address(0), fmt, ap);
    halt_forever();
}
