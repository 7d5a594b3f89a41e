/* cpus.h - the other CPUs. */
#ifndef DRIVERS_CPUS_H
#define DRIVERS_CPUS_H

/* Starts the CPUs that ACPI names, as the options maxcpus and deadcpu want it; one that does not
 * come up is named. `ncpu` and `cpus` are final afterwards. g0, interrupts on. */
void cpus_start(void);

#endif
