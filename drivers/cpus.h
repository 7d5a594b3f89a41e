/* cpus.h - the other CPUs. */
#ifndef DRIVERS_CPUS_H
#define DRIVERS_CPUS_H

#include <stdbool.h>

/* Starts the CPUs that ACPI names, with regard to the options maxcpus and deadcpu; prints a line
 * for one that does not come up. The first is on its way when cpus_begin returns: what the boot
 * CPU does then costs no time. `ncpu` and `cpus` are final after cpus_finish. g0, interrupts on. */
void cpus_begin(void);
void cpus_finish(void);
/* Is no CPU on its way up? */
bool cpus_settled(void);

#endif
