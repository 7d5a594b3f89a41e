/* hchan.h - a channel, and who waits: the layouts that channels, moving stacks and the collector
 * share. What they mean is told in sync/chan.h. */
#ifndef GORT_HCHAN_H
#define GORT_HCHAN_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/lock.h"

struct g;
struct hchan;
struct timer;

/* One waiter on a channel, semaphore or condition. */
struct sudog {
    struct g     *g;
    struct sudog *next, *prev;
    void         *elem;        /* root; may point into g's stack: adjusted when it moves */
    int64_t       acquiretime, releasetime;
    uint32_t      ticket;
    bool          is_select;   /* g->select_done must be won first */
    bool          success;     /* woken by a value, not by close */
    uint16_t      waiters;
    struct sudog *parent, *waitlink, *waittail;
    struct hchan *c;           /* root */
};

struct sudogq { struct sudog *first, *last; };

/* Layout mirrored in overlay/chan.go, which reads qcount, dataqsiz, closed, timer unlocked. */
struct hchan {
    uint64_t qcount;       /* 0  [lock, atomic reads] elements in the ring */
    uint64_t dataqsiz;     /* 8  [const] */
    void    *buf;          /* 16 [const] */
    uint16_t elemsize;     /* 24 [const] */
    uint32_t closed;       /* 28 [lock, atomic reads] */
    struct timer *timer;   /* 32 [const] that feeds the channel, or NULL */
    const void *elemtype;  /* 40 [const] */
    uint64_t sendx, recvx; /* 48 [lock] */
    struct sudogq recvq;   /* 64 [lock] */
    struct sudogq sendq;   /* 80 [lock] */
    void    *bubble;       /* 96 synctest */
    struct lock lock;      /* 104 also guards elem, success, next, prev of its sudogs */
};

#endif
