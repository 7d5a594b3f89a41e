/* memory.c - see memory.h. */
#include "gort/sock/memory.h"
#include "kernel/check.h"

static uint64_t cap;                        /* [const] */
static uint64_t all;                        /* [atomic] the sum of used, never above cap */
static uint64_t used[SOCK_MEMORY_KINDS], refused[SOCK_MEMORY_KINDS]; /* [atomic] */

void sock_memory_init(uint64_t limit) { cap = limit; }

static bool may_hold(size_t n, uint64_t now)
{
    uint64_t most = n <= SOCK_MEMORY_SMALL ? cap : cap - cap / 4;

    return now < most && n <= most - now;
}

bool sock_memory_take(enum sock_memory_kind k, size_t n, size_t held)
{
    uint64_t now = __atomic_load_n(&all, __ATOMIC_RELAXED);

    do {
        if (!may_hold(n + held, now)) {
            __atomic_add_fetch(&refused[k], 1, __ATOMIC_RELAXED);
            return false;
        }
    } while (!__atomic_compare_exchange_n(&all, &now, now + n, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    __atomic_add_fetch(&used[k], n, __ATOMIC_RELAXED);
    return true;
}

void sock_memory_give(enum sock_memory_kind k, size_t n)
{
    if (!n)
        return;
    uint64_t was = __atomic_fetch_sub(&used[k], n, __ATOMIC_RELAXED);

    CHECK(was >= n, "%zu bytes of sockets are given back, %lu are taken", n, was);
    __atomic_sub_fetch(&all, n, __ATOMIC_RELAXED);
}

bool sock_memory_left(size_t held)
{
    return may_hold(held + 1, __atomic_load_n(&all, __ATOMIC_RELAXED));
}

bool sock_memory_short(void)
{
    return __atomic_load_n(&all, __ATOMIC_RELAXED) > cap / 2;
}

void sock_memory_read(struct sock_memory *out)
{
    out->cap = cap;
    for (unsigned k = 0; k < SOCK_MEMORY_KINDS; k++) {
        out->used[k] = __atomic_load_n(&used[k], __ATOMIC_RELAXED);
        out->refused[k] = __atomic_load_n(&refused[k], __ATOMIC_RELAXED);
    }
}
