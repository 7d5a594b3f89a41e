/* platform.c - platform.h implemented on this kernel. Host tests replace this file alone. */
#include "gort/net/platform.h"
#include "drivers/net.h"
#include "gort/os/mem.h"
#include "gort/os/user.h"
#include "gort/sched/sched.h"
#include "kernel/check.h"
#include "kernel/clock.h"
#include "kernel/random.h"
#include "mm/mm.h"

static int memory_short; /* [atomic] */

int64_t net_now_ns(void)
{
    return clock_mono_ns();
}

/* Where the machine has no source of randomness these bytes can be guessed: a message at boot says
 * so. */
void net_secret(void *buf, size_t n)
{
    if (random_bytes(buf, n) == 0)
        return;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)buf)[i] = (uint8_t)random_fast();
}

void *net_alloc(size_t n) { return os_alloc(n); }
void net_free(void *p, size_t n) { os_free(p, n); }
size_t net_copy(void *to, const void *from, size_t n) { return user_copy(to, from, n); }

int net_memory_short(void)
{
    return __atomic_load_n(&memory_short, __ATOMIC_RELAXED);
}

uint64_t net_memory_left(void) { return pkt_left(); }

/* Packets may use 1/8 of the RAM (pkt_init). At 3/4 of that, buffers stop growing; when the rest
 * of the kernel runs short of memory, free pieces are given back. */
void net_memory_look(void)
{
    struct pkt_stats s;

    pkt_stats_read(&s);
    bool scarce = !mm_can_spare(4 * mm_kept());
    if (scarce && s.bytes - s.used > s.bytes / 4)
        pkt_trim();
    __atomic_store_n(&memory_short, scarce || s.used > s.cap / 4 * 3, __ATOMIC_RELAXED);
}

/* A timer runs on the CPU that started it. */
void net_timers_kick(unsigned cpu, int64_t due_ns)
{
    DCHECK(cpu == cpu_id(), "a timer of CPU %u is started on CPU %u", cpu, cpu_id());
    (void)cpu;
    sched_timer_changed(NULL, due_ns);
}
