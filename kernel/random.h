/* random.h - randomness: the second door. */
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Cryptographic bytes, from RDSEED, RDRAND, virtio-rng or the firmware's seed, through a
 * generator reseeded from them (never guessable). 0, or -EIO if the machine has no source:
 * then crypto/rand must fail loudly. g0 context. */
int random_bytes(void *buf, size_t n);
/* Four random bytes out of a stock that each CPU keeps: for ports and their like, not for keys.
 * 0, or -EIO as random_bytes. g0 context. */
int random_word(uint32_t *v);
/* A fast per-CPU generator for hash seeds and samples: not secret. The boot option `seed=N`
 * makes it reproducible. g0 or Go context, no locks. What the scheduler chooses comes from
 * gort/sched/choice.h. */
uint64_t random_fast(void);

/* Adds a source of entropy. take(to, n) copies up to n fresh bytes without waiting; it is
 * called under a lock of RANK_LEAF, so it takes none. It returns how many, 0 = none now. Boot. */
void random_set_source(size_t (*take)(void *to, size_t n));
/* Boot: takes the firmware's seed, n bytes. */
void random_init(const void *seed, size_t n);
/* Seeds random_fast and sched_choice of one CPU: every CPU, on itself. */
void random_cpu_init(void);

/* Watches the words of RDRAND or RDSEED: on some CPUs these return all ones, or one word again
 * and again, and report success. False: neither this word nor any later one may be used. */
struct word_watch { uint64_t last; bool any, broken; };
bool word_plausible(struct word_watch *w, uint64_t v);

#endif
