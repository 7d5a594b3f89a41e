/* pacer.h - when to collect, and how hard. Pure: simulated in the host tests.
 *
 *   live at the last mark      trigger                      goal
 *   |--------------------------|----------------------------|
 *          allocation only       marking, while allocation goes on
 *
 * goal: the marked heap plus GOGC percent of it and of the other roots; at least 4 MiB * GOGC
 * / 100; less if the memory limit demands it. trigger: so that marking, at the speed of the
 * last cycle, ends at the goal. Assists make up for what is wrong about that: a goroutine
 * that allocates while marking owes scan work in proportion to what is left of both. */
#ifndef GORT_GC_PACER_H
#define GORT_GC_PACER_H

#include <stdbool.h>
#include <stdint.h>

#define PACER_NEVER (~0ull)

struct pacer_in {
    int32_t  percent;       /* GOGC, < 0: off */
    int64_t  limit;         /* GOMEMLIMIT */
    uint64_t marked;        /* bytes that the last cycle left */
    uint64_t roots;         /* bytes of stacks and globals to scan */
    uint64_t overhead;      /* bytes of the limit that are not the heap's objects */
    uint64_t runway;        /* bytes allocated while the last cycle marked */
};

struct pacer_out { uint64_t goal, trigger; };

struct pacer_out pacer_compute(const struct pacer_in *in);

/* The limiter: a program whose live heap is near the limit must not spend its life collecting. A
 * bucket fills with the CPU time of the collector and is emptied by the program's. While it is full
 * the goroutines that allocate need not mark; cycles begin and workers mark as always, so the
 * limit is passed only by what is allocated while a quarter of the CPUs marks. As Go's
 * (src/runtime/mgclimit.go): half of the time goes to the collector in the long run, and a CPU
 * second for each CPU may go to it beyond that. */
struct pacer_limiter {
    uint64_t fill_ns;       /* 0 .. PACER_LIMITER_NS * procs */
    bool     limiting;
};
#define PACER_LIMITER_NS 1000000000ull

/* gc_ns and program_ns: CPU time since the last call, of `procs` CPUs together. What CPUs idle is
 * in neither. */
void pacer_limiter_add(struct pacer_limiter *l, uint64_t gc_ns, uint64_t program_ns,
                       uint32_t procs);

/* A quarter of the CPUs marks, as in Go (src/runtime/mgcpacer.go, startCycle): by as many workers
 * that have a CPU to themselves as come within 30 % of that; where none do, all workers take a
 * share of their CPU, in 1/1024. `procs` > 0. */
struct pacer_workers { uint32_t dedicated, share; };
struct pacer_workers pacer_workers(uint32_t procs);

/* Scan work per byte allocated, for assists: `scan_left` bytes of work are expected, `live`
 * has to stay below goal. In 1/1024. */
uint64_t pacer_assist_ratio(uint64_t scan_left, uint64_t live, uint64_t goal);

#endif
