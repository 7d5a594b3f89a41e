/* smp.h - for kernel_main: see main.h. */
#ifndef ARCH_SMP_H
#define ARCH_SMP_H

#include <stdint.h>

/* Brings up the CPUs with the n APIC ids (this one's among them; at most maxcpus, 0 = all);
 * they wait inside the kernel, interrupts on, for smp_start. Sets ncpu and cpus[]. g0
 * context, interrupts on. */
void smp_prepare(const uint32_t *apic_id, unsigned n, unsigned maxcpus);

#endif
