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
#include "arch/x86_64/cpu.h"
#include "kernel/lockrank.h"

struct lock {
    uint32_t held;         /* [atomic] 0 free, 1 + cpu id of the holder otherwise */
    uint32_t rank;         /* [const] enum lock_rank */
    const char *name;      /* [const] */
};

#define LOCK_INIT(n, r) { 0, (r), (n) }

void lock_init(struct lock *l, const char *name, enum lock_rank rank);
/* This CPU ends the program: locks that it holds do not stop it any more, nor does their order. */
void lock_last_words(void);

#ifdef GORT_HOST_TEST
void lock(struct lock *l);
void unlock(struct lock *l);
#else
extern uint32_t lock_watched; /* [atomic] order is checked, or a CPU crashes: no fast path */

/* A lock that is free is one exchange where it is taken: the scheduler takes several per switch.
 * The slow ways keep all registers (lock_kept.S): no function has to save any for the sake of a
 * call that hardly ever comes. */
static inline void lock(struct lock *l)
{
    uint32_t unheld = 0;

    if (__builtin_expect(__atomic_load_n(&lock_watched, __ATOMIC_RELAXED) ||
                             !__atomic_compare_exchange_n(&l->held, &unheld, cpu_id() + 1, false,
                                                          __ATOMIC_ACQUIRE, __ATOMIC_RELAXED),
                         0))
        __asm__ volatile("call lock_slow_kept" : : "D"(l) : "memory", "cc");
}

static inline void unlock(struct lock *l)
{
    if (__builtin_expect(__atomic_load_n(&lock_watched, __ATOMIC_RELAXED) ||
                         l->held != cpu_id() + 1, 0))
        __asm__ volatile("call unlock_slow_kept" : : "D"(l) : "memory", "cc");
    else
        __atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}
#endif

#endif
