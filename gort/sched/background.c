/* background.c - see background.h. Lock-free: interrupt handlers ask for jobs. */
#include "gort/sched/background.h"
#include <stddef.h>
#include "gort/sched/hooks.h"
#include "kernel/check.h"
#include "kernel/clock.h"

static struct job {
    void (*fn)(void);  /* [atomic] NULL: free */
    int64_t when;      /* [atomic] INT64_MAX: not now. Whoever moves it from a time that is past
                          runs the job */
    int64_t period;    /* [const] 0: when asked for */
    bool    service;   /* [const] */
    uint32_t due;      /* [atomic] of a service: background_take is to answer it */
} jobs[BACKGROUND_JOBS];

/* [atomic] the least `when` of all jobs. Whoever gives a job a time does so before it lowers this;
 * background_run takes it away before it reads the times. */
int64_t background_soonest = INT64_MAX;

static void lower(int64_t when)
{
    int64_t seen = __atomic_load_n(&background_soonest, __ATOMIC_SEQ_CST);

    while (when < seen)
        if (__atomic_compare_exchange_n(&background_soonest, &seen, when, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return;
}

static void set(struct job *j, int64_t when)
{
    __atomic_store_n(&j->when, when, __ATOMIC_SEQ_CST);
    lower(when);
}

/* The slot of fn, taken now if it has none. */
static struct job *slot_of(void (*fn)(void))
{
    for (int i = 0; i < BACKGROUND_JOBS; i++) {
        void (*seen)(void) = NULL;
        if (__atomic_compare_exchange_n(&jobs[i].fn, &seen, fn, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
            int64_t unset = 0; /* not over the time of a faster asker for the same job */
            __atomic_compare_exchange_n(&jobs[i].when, &unset, INT64_MAX, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
            return &jobs[i];
        }
        if (seen == fn)
            return &jobs[i];
    }
    CHECK(false, "more than %d background jobs", BACKGROUND_JOBS);
}

void background_every(int64_t period, void (*fn)(void))
{
    struct job *j = slot_of(fn);

    j->period = period;
    set(j, BACKGROUND_ASKED);
}

void background_ask(void (*fn)(void))
{
    set(slot_of(fn), BACKGROUND_ASKED);
}

void background_at(void (*fn)(void), int64_t when)
{
    struct job *j = slot_of(fn);

    j->service = true;
    set(j, when);
}

/* A job that becomes due while it is being called is called again: `due` is taken before. */
void (*background_take(unsigned i))(void)
{
    return __atomic_exchange_n(&jobs[i].due, 0, __ATOMIC_SEQ_CST) ? jobs[i].fn : NULL;
}

bool background_run(void)
{
    int64_t now = clock_mono_ns();
    bool any = false;

    __atomic_store_n(&background_soonest, INT64_MAX, __ATOMIC_SEQ_CST);
    for (int i = 0; i < BACKGROUND_JOBS && __atomic_load_n(&jobs[i].fn, __ATOMIC_SEQ_CST); i++) {
        struct job *j = &jobs[i];
        int64_t when = __atomic_load_n(&j->when, __ATOMIC_SEQ_CST);
        int64_t next = j->period ? now + j->period : INT64_MAX;
        if (when <= 0)
            continue;
        if (when > now || !__atomic_compare_exchange_n(&j->when, &when, next, false,
                                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            lower(when); /* not yet; or it has just got another time, which comes here too */
            continue;
        }
        lower(next);
        if (j->service) {
            __atomic_store_n(&j->due, 1, __ATOMIC_SEQ_CST);
            sched_hooks.services_due();
        } else {
            j->fn();
        }
        any = true;
    }
    return any;
}
