/* bubble.h - goroutines with a clock and a heap of timers of their own: sync/synctest.h. */
#ifndef GORT_TIME_BUBBLE_H
#define GORT_TIME_BUBBLE_H

#include "gort/g.h"
#include "kernel/lock.h"

struct timers;

/* An object of the Go heap: g.bubble keeps it. Mirrored in overlay/synctest.go. */
struct bubble {
    int64_t now;           /* 0  [root while all others are blocked] */
    uint64_t id;           /* 8  [const] */
    struct g *root;        /* 16 [const] */
    struct g *main;        /* 24 [const] */
    struct g *waiter;      /* 32 [lock] in Wait */
    struct timers *timers; /* 40 [const] */
    int32_t total;         /* 48 [lock] goroutines */
    int32_t running;       /* 52 [lock] those not durably blocked */
    int32_t active;        /* 56 [lock] */
    bool done;             /* 60 [lock] main has ended */
    struct lock lock;      /* 64 */
};

static inline struct bubble *g_bubble(const struct g *gp) { return gp->bubble; }

#endif
