/* main.h - where the kernel ends and the runtime begins.
 *
 * kernel_main (main.c) is the script of the boot: it brings up console, memory, ACPI, clock,
 * interrupts and all CPUs, then calls gort_main on the boot CPU. Every other CPU waits
 * inside the kernel with interrupts on (so that it answers TLB shootdowns) until the
 * runtime has set arch_hooks and built what its scheduler needs and calls
 *
 *     smp_start(gort_cpu_main);
 *
 * upon which each of them calls gort_cpu_main(cpu) on its own g0 stack, interrupts off.
 * `ncpu` and cpus[0..ncpu-1] are final before gort_main is called.
 *
 * Interrupts are ON in gort_main. A CPU that spins with interrupts off stalls everybody
 * who unmaps memory: wait with interrupts on, or in lock(), which serves shootdowns. */
#ifndef KERNEL_MAIN_H
#define KERNEL_MAIN_H

#include "arch/x86_64/cpu.h"
#include "boot/boot_info.h"

/* From the loaders, on the boot CPU; see boot_info.h. */
_Noreturn void kernel_main(struct boot_info *loader_info);

/* The runtime's entries. Weak defaults print a message and idle or exit.
 * bi is the kernel's own copy; its mem_map, cmdline and bundle_base are physical (reach
 * them with phys_to_virt) and stay valid. Runs on the boot CPU's g0 stack, interrupts on. */
_Noreturn void gort_main(struct boot_info *bi);
/* On every other CPU after smp_start, on its g0 stack, interrupts off. Never returns. */
void gort_cpu_main(struct cpu *c);

#endif
