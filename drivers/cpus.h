/* cpus.h - the other CPUs. */
#ifndef DRIVERS_CPUS_H
#define DRIVERS_CPUS_H

/* Starts the CPUs that ACPI names, with regard to the options maxcpus and deadcpu; prints a
 * line for one that does not come up. `ncpu` and `cpus` are final afterwards. g0, interrupts
 * on. */
void cpus_start(void);

#endif
