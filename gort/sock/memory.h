/* memory.h - the memory of what has been sent within this machine and not been read: its bound.
 *
 *   |--- used ---------------|---- left ----|--- for the small ---|
 *   0                                      3/4                   cap = 1/8 of the RAM
 *
 * A queue may hold at most as much as is left for all others: one that nobody reads takes 3/8 of
 * the cap, and the next one half of what that leaves, whatever buffers the programs have asked for
 * (SO_RCVBUFFORCE). The last quarter of the cap is for queues of at most SOCK_MEMORY_SMALL bytes
 * alone, so that others go on beside those that are not read. Packets from other machines lie
 * elsewhere and have a bound of their own (drivers/net.h).
 *
 * The first SOCK_MEMORY_FREE bytes of a stream count for nothing: they are what a connection costs
 * that is idle, and the table of descriptors bounds them. */
#ifndef GORT_SOCK_MEMORY_H
#define GORT_SOCK_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sock_memory_kind { SOCK_MEMORY_STREAMS, SOCK_MEMORY_DATAGRAMS, SOCK_MEMORY_KINDS };

enum { SOCK_MEMORY_FREE = 4096, SOCK_MEMORY_SMALL = 128 << 10 /* the longest datagram takes it */ };

struct sock_memory {
    uint64_t used[SOCK_MEMORY_KINDS]; /* bytes */
    uint64_t cap;
    uint64_t refused[SOCK_MEMORY_KINDS]; /* how often, ever */
};

void sock_memory_init(uint64_t cap); /* boot */
/* Counts n more bytes for a queue that holds `held`. False: it may not have them. Any locks. */
bool sock_memory_take(enum sock_memory_kind k, size_t n, size_t held);
void sock_memory_give(enum sock_memory_kind k, size_t n);
/* Would a queue that holds so much be given more? A guess, as others take meanwhile. */
bool sock_memory_left(size_t held);
/* Is half of the cap in use? Then queues that have become empty keep no memory. */
bool sock_memory_short(void);
void sock_memory_read(struct sock_memory *out);

/* What os_alloc takes for n bytes: whole pages by powers of two, if it is more than half a page. */
static inline size_t sock_memory_of(size_t n)
{
    size_t size = 4096;

    if (n <= size / 2)
        return n;
    while (size < n)
        size *= 2;
    return size;
}

#endif
