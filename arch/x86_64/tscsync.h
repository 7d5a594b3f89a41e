/* tscsync.h - TSCs that are out of step.
 *
 * TSCs of two CPUs may differ by a constant: sockets that left reset at different times, firmware
 * that wrote one of them, a hypervisor's offsets. While a CPU starts, it and the boot CPU publish
 * their readings again and again, and each keeps the least difference of its own reading and the
 * other's last one, which is older. If the new CPU is ahead by d these are at least d and -d:
 *
 *     -least_boot <= d <= least_ap        both differ from d by the time that a message takes
 *
 * If 0 lies between them nobody can tell the TSCs apart. If not, the new CPU gets the middle as
 * its offset. That is wrong by half of the width at most, which a busy host makes as large as
 * WIDTH_GOOD, and a later message may be faster than those that were seen: it would arrive before
 * it was sent. So with any offset the clock goes through a maximum that all CPUs share. */
#ifndef ARCH_TSCSYNC_H
#define ARCH_TSCSYNC_H

#include <stdbool.h>
#include <stdint.h>

struct cpu;

/* What the two bounds say. done: no need to go on. apart: 0 is not between them. */
struct tsc_verdict { bool done, apart; int64_t offset; };
struct tsc_verdict tsc_judge(int64_t least_ap, int64_t least_boot, unsigned rounds, bool late);

void tsc_sync_begin(void);        /* boot CPU, before it starts another one */
void tsc_sync_boot(void);         /* boot CPU, again and again until that one is online */
void tsc_sync_ap(struct cpu *c);  /* the new CPU: sets c->tsc_offset */
/* Ticks by which the last CPU was ahead of the boot CPU; 0: no difference was found. */
int64_t tsc_sync_found(void);

/* [const after boot] For tests: CPUs with odd numbers run behind by so many ticks, those with
 * even ones, but for the boot CPU, ahead. */
extern uint64_t tsc_skew;

#endif
