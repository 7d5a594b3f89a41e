/* timer_heap.c - 4-ary heap: children of i are 4i+1 .. 4i+4, so that one cache line holds
 * the four that are compared. */
#include "gort/time/timer_heap.h"
#include <string.h>
#include "gort/sched/choice.h"
#include "mm/mm.h"

enum { ARITY = 4, FIRST_CAP = 64 };

static void heap_up(struct timers *ts, uint32_t i)
{
    struct timer_slot s = ts->heap[i];

    while (i > 0) {
        uint32_t parent = (i - 1) / ARITY;
        if (ts->heap[parent].when < s.when ||
            (ts->heap[parent].when == s.when && (ts->p || sched_choice(2))))
            break; /* in bubbles many are due at once: in no order to be relied on */
        ts->heap[i] = ts->heap[parent];
        i = parent;
    }
    ts->heap[i] = s;
}

void timer_heap_down(struct timers *ts, uint32_t i)
{
    uint32_t n = ts->len;

    if (i >= n)
        return;
    struct timer_slot s = ts->heap[i];
    for (;;) {
        uint32_t first = i * ARITY + 1, best = i;
        int64_t least = s.when;
        for (uint32_t c = first; c < first + ARITY && c < n; c++)
            if (ts->heap[c].when < least) {
                least = ts->heap[c].when;
                best = c;
            }
        if (best == i)
            break;
        ts->heap[i] = ts->heap[best];
        i = best;
    }
    ts->heap[i] = s;
}

void timer_heap_publish(struct timers *ts)
{
    __atomic_store_n(&ts->min_heap, ts->len ? ts->heap[0].when : 0, __ATOMIC_SEQ_CST);
}

static void heap_grow(struct timers *ts)
{
    uint32_t cap = ts->cap ? ts->cap * 2 : FIRST_CAP;
    struct timer_slot *a = persistent_alloc(cap * sizeof *a, sizeof(void *), NULL);

    if (ts->len)
        memcpy(a, ts->heap, ts->len * sizeof *a);
    ts->heap = a;
    ts->cap = cap;
}

static void set_len(struct timers *ts, uint32_t n)
{
    __atomic_store_n(&ts->len, n, __ATOMIC_RELAXED);
}

void timer_heap_push(struct timers *ts, struct timer *t, int64_t when)
{
    uint32_t n = ts->len;

    CHECK(when > 0, "timer %p: when %ld", (void *)t, (long)when);
    if (n == ts->cap)
        heap_grow(ts);
    ts->heap[n] = (struct timer_slot){ when, t };
    set_len(ts, n + 1);
    heap_up(ts, n);
    if (ts->heap[0].t == t)
        timer_heap_publish(ts);
}

void timer_heap_pop(struct timers *ts)
{
    uint32_t n = ts->len - 1;

    ts->heap[0] = ts->heap[n];
    ts->heap[n] = (struct timer_slot){ 0, NULL };
    set_len(ts, n);
    timer_heap_down(ts, 0);
    timer_heap_publish(ts);
    if (n == 0)
        __atomic_store_n(&ts->min_modified, 0, __ATOMIC_SEQ_CST);
}

void timer_heap_build(struct timers *ts)
{
    if (ts->len <= 1)
        return;
    for (uint32_t i = (ts->len - 2) / ARITY + 1; i-- > 0;)
        timer_heap_down(ts, i);
}
