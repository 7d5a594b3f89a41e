/* scavenge.c - see scavenge.h. */
#include "gort/heap/scavenge.h"
#include "gort/abi/app.h"
#include "gort/sched/background.h"
#include "gort/gc/metrics.h"
#include "gort/gc/gc.h"
#include "gort/heap/mheap.h"
#include "kernel/clock.h"
#include "kernel/print.h"
#include "rt_frames.h"

#define PIECE       (2ul << 20)  /* what mheap.lock is held for */
#define SHARE       100          /* one part in so many of a CPU's time */
#define SLACK       (8ul << 20)  /* bytes that are kept whatever the goal is */

static uint64_t released_background, released_eager; /* [atomic] since the last trace */

static uint64_t load(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }

/* Gives a piece of at most `bytes` back. Returns what it was, 0: no page is free. */
static size_t piece(uint64_t bytes, uint64_t *released, uint64_t *time)
{
    int64_t t0 = clock_mono_ns();
    size_t given = mheap_scavenge(bytes < PIECE ? bytes : PIECE);

    __atomic_add_fetch(released, given, __ATOMIC_RELAXED);
    __atomic_add_fetch(time, (uint64_t)(clock_mono_ns() - t0), __ATOMIC_RELAXED);
    return given;
}

void scavenge_to_limit(void)
{
    for (size_t given = 1; given;) {
        uint64_t held = mheap_ready() + mheap_metadata(), limit = (uint64_t)gc.limit;
        if (held <= limit)
            return;
        given = piece(held - limit, &released_eager, &gc_metrics.scavenge_assist_ns);
    }
}

/* Bytes committed that will not be needed soon. */
static uint64_t excess(void)
{
    uint64_t goal = load(&gc.goal), committed = mheap_ready();
    uint64_t keep = goal + goal / 10 + load(&mheap.stacks) + load(&mheap.manual) + SLACK;

    return goal != ~0ul && committed > keep ? committed - keep : 0;
}

static void background(void)
{
    int64_t t0 = clock_mono_ns();
    uint64_t bytes = excess();

    if (!bytes || !piece(bytes, &released_background, &gc_metrics.scavenge_bg_ns))
        return;
    int64_t now = clock_mono_ns();
    background_at(background, now + SHARE * (now - t0));
}

/* GODEBUG=scavtrace=1, in Go's format. */
static void trace(const char *forced)
{
    uint64_t held = load(&mheap.committed);
    uint64_t bg = __atomic_exchange_n(&released_background, 0, __ATOMIC_RELAXED);
    uint64_t eager = __atomic_exchange_n(&released_eager, 0, __ATOMIC_RELAXED);

    if (app->debug->scavtrace)
        kprintf("scav %lu KiB work (bg), %lu KiB work (eager), %lu KiB now, %lu%% util%s\n",
                (unsigned long)bg / 1024, (unsigned long)eager / 1024,
                (unsigned long)mheap_released() / 1024,
                held ? (unsigned long)(load(&mheap.in_use) * 100 / held) : 0, forced);
}

bool scavenge_for_metadata(void)
{
    return mm_can_spare(0) || mheap_scavenge(2 * mm_kept()) > 0 || pkt_trim() > 0;
}

void scavenge_swept(void)
{
    scavenge_to_limit();
    trace("");
    background_at(background, 1);
}

void rt_gc_free_os_memory(struct gc_free_os_memory_frame *f)
{
    (void)f;
    while (piece(~0ul, &released_eager, &gc_metrics.scavenge_assist_ns))
        ;
    pkt_trim();
    trace(" (forced)");
}
