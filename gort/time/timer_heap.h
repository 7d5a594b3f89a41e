/* timer_heap.h - the ordered part of timers: a 4-ary heap of (when, timer) slots in an array
 * of persistent memory. Everything here is called with the heap's lock held. */
#ifndef GORT_TIME_TIMER_HEAP_H
#define GORT_TIME_TIMER_HEAP_H

#include <stdint.h>
#include "gort/time/timer.h"

struct timer_slot {
    int64_t when;
    struct timer *t;
};

struct timers {
    struct lock lock;
    struct timer_slot *heap;  /* [lock] */
    uint32_t len, cap;        /* [lock, len: atomic reads] */
    int32_t  zombies;         /* [atomic] */
    int64_t  min_heap;        /* [atomic] heap[0].when, or lower for a moment; 0 = empty */
    int64_t  min_modified;    /* [atomic] lower bound over MODIFIED timers; 0 = none */
    struct p *p;              /* [const] NULL: a bubble's */
};

/* Adds a slot; grows the array (the old one is lost: less than the new one's size in all). */
void timer_heap_push(struct timers *ts, struct timer *t, int64_t when);
/* Removes slot 0. */
void timer_heap_pop(struct timers *ts);
/* Slot i has changed to a later time. */
void timer_heap_down(struct timers *ts, uint32_t i);
/* Slots have changed at random: restores the order in linear time. */
void timer_heap_build(struct timers *ts);
/* Publishes heap[0].when. */
void timer_heap_publish(struct timers *ts);

#endif
