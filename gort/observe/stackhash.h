/* stackhash.h - the hash under which the profiles keep the stacks that they have seen. */
#ifndef GORT_OBSERVE_STACKHASH_H
#define GORT_OBSERVE_STACKHASH_H
#include <stdint.h>

/* Mixes the n addresses at pc into seed. Not for data that an attacker chooses. */
static inline uint64_t stack_hash(uint64_t seed, const uintptr_t *pc, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        seed = (seed ^ pc[i]) * 0x9e3779b97f4a7c15ull;
    return seed ^ seed >> 29;
}

#endif
