/* cputime.h - CPU time, which stands still while everything sleeps. */
#ifndef GORT_OS_CPUTIME_H
#define GORT_OS_CPUTIME_H

#include <stdint.h>

/* ns in which CPUs were not idle, since boot: of all; of CPU `i`. The runtime's own work counts, as
 * Linux counts a Go program's. */
int64_t cputime_all(void);
int64_t cputime_of(unsigned i);
int64_t cputime_idle(unsigned i);

/* How often CPUs turned away from goroutines since boot, as context switches are counted: from
 * those that waited or gave way, and those that were stopped. Thread N > 0, a CPU, knows the
 * second. */
struct switches { uint64_t given, taken; };
struct switches switches_of(unsigned thread);

#endif
