/* lock.h - spinlocks of the kernel and the runtime.
 *
 * Rules: taken only on a CPU's g0 stack, a C goroutine that does not block while holding,
 * or at boot; NEVER in an interrupt or exception handler (which is why interrupts may stay
 * enabled while one is held); never across schedule(). Critical sections are short and
 * bounded. Ranks rise strictly along any chain of held locks (lockrank.h lists them all);
 * debug builds and the boot option `lockrank` check it. */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/lockrank.h"

struct lock {
    uint32_t held;         /* [atomic] 0 free, 1 + cpu id of the holder otherwise */
    uint32_t rank;         /* [const] enum lock_rank */
    const char *name;      /* [const] */
};

#define LOCK_INIT(n, r) { 0, (r), (n) }

void lock_init(struct lock *l, const char *name, enum lock_rank rank);
void lock(struct lock *l);
bool lock_try(struct lock *l);
void unlock(struct lock *l);
bool lock_held_here(const struct lock *l); /* by this CPU */

#endif
