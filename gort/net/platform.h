/* platform.h - the functions that the stack needs from outside. The kernel implements them in
 * platform.c, host tests with a clock of their own. Besides these the stack calls kernel/lock.h
 * and drivers/net.h (packets and devices), nothing else.
 *
 * Context: the stack runs on g0 (a host thread in tests), never in an interrupt, and is not moved
 * to another CPU inside a call. */
#ifndef NET_PLATFORM_H
#define NET_PLATFORM_H

#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/cpu.h"

#define NET_CPUS 64

/* Monotonic nanoseconds, never 0. Any lock held. */
int64_t net_now_ns(void);
/* 0 .. NET_CPUS-1, the CPU that runs the caller. Called for every counter: one load. */
#ifdef GORT_HOST_TEST
unsigned net_cpu(void);
#else
static inline unsigned net_cpu(void) { return cpu_id(); }
_Static_assert(NET_CPUS == CPU_MAX, "one slot per CPU");
#endif
/* Fills buf with n unpredictable bytes. Called at start, and rarely afterwards. */
void net_secret(void *buf, size_t n);
/* Allocates a zeroed object (connection, request, segment record); NULL if memory is short. May be
 * called under any lock of the stack, net_free too. Objects have few sizes, so a free list per size
 * and CPU makes this cheap. */
void *net_alloc(size_t n);
void net_free(void *p, size_t n);
/* Copies n bytes from or to memory of a socket's caller. Returns how many at the end were not
 * copied because that memory is not there (EFAULT). Any lock of the stack. */
#ifdef GORT_HOST_TEST
static inline size_t net_copy(void *to, const void *from, size_t n)
{
    __builtin_memcpy(to, from, n);
    return 0;
}
#else
size_t net_copy(void *to, const void *from, size_t n);
#endif
/* True: memory is short, so buffers must not grow and receive queues are compacted. One load. */
int net_memory_short(void);
/* Bytes of packet memory that nobody holds. A queue for which a program has asked for a very large
 * buffer may hold as much as is left for all others, so that these go on. Any lock. */
uint64_t net_memory_left(void);
/* Measures the free memory for net_memory_short. Called about once a second. */
void net_memory_look(void);
/* The first deadline of this CPU's timers is now due_ns and earlier than it was (net.h's
 * net_timers_next): the CPU must call net_timers_run by then. Under any lock of the stack. */
void net_timers_kick(unsigned cpu, int64_t due_ns);

#endif
