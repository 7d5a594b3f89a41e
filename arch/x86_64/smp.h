/* smp.h - starting the other CPUs, from the boot CPU, interrupts on: smp_begin, then smp_wake and
 * smp_await for each. Those that come up wait in arch/, interrupts on, for smp_start (arch.h). */
#ifndef ARCH_SMP_H
#define ARCH_SMP_H

#include <stdbool.h>
#include <stdint.h>

struct cpu;

/* page: physical, below 1 MiB, mapped 1:1 (read, execute) until all CPUs have been started; it is
 * never to be used for anything else. All n CPUs but this one get an INIT. begins() is called on
 * each new CPU once it can take interrupts. */
void smp_begin(uint64_t page, void (*begins)(void), const uint32_t *apic_id, unsigned n);
/* Starts c, which has all its memory and the id ncpu; smp_await comes next, soon. deaf: for tests,
 * c is sent no IPI at all. */
void smp_wake(struct cpu *c, bool deaf);
/* Waits for it. True: it is in cpus[], ncpu counts it. False: it did not come in time; if it comes
 * later it is kept out. */
bool smp_await(struct cpu *c, bool deaf);
/* Can IPIs be sent to a CPU with that id? */
bool smp_addressable(uint32_t apic_id);

#endif
