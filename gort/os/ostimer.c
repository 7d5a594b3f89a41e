#include "gort/os/ostimer.h"

#include "gort/os/mem.h"
#include "gort/time/timer.h"

struct ostimer {
    struct timer t;
    void (*fn)(void *);
    void *arg;
};

void *os_timer_new(void (*fn)(void *), void *arg)
{
    struct ostimer *o = os_alloc_last(sizeof *o);

    if (!o)
        return NULL;
    o->fn = fn;
    o->arg = arg;
    return o;
}

void os_timer_free(void *timer) { os_free(timer, sizeof(struct ostimer)); }

void os_timer_set(void *timer, int64_t when)
{
    struct ostimer *o = timer;

    if (when > 0)
        timer_start_c(&o->t, when, o->fn, o->arg);
    else if (o->t.when)
        timer_stop_c(&o->t);
}
