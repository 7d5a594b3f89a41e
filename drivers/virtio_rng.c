/* virtio_rng.c - the host's randomness (virtio 1.1, section 5.4) as a source of the random door.
 *
 * One buffer is always with the device. random_bytes takes what has come, at most once in a
 * while, and asks for the next: it never waits. */
#include <string.h>
#include "arch/x86_64/arch.h"
#include "drivers/dma.h"
#include "drivers/virtio.h"
#include "kernel/clock.h"
#include "kernel/print.h"
#include "kernel/random.h"

#define BYTES   32u
#define FIRST_NS 100000000ll  /* how long the boot waits for the first answer */
#define EVERY_NS 1000000000ll

static struct {
    struct virtio_dev *dev;
    struct virtio_queue q;
    uint8_t *buf;
    uint64_t pa;
    int64_t next;   /* clock_mono_ns of the next look */
} rng;              /* [the random door's lock] */

static void ask(void)
{
    struct virtq_seg s = { rng.pa, BYTES };

    if (virtq_add(&rng.q.q, &s, 0, 1, &rng) == 0)
        virtio_kick(&rng.q);
}

/* Called under a lock of RANK_LEAF, so it cannot print: a device that breaks the protocol is
 * silently given up. */
static size_t take(void *to, size_t n)
{
    uint32_t got;
    int64_t now = clock_mono_ns();

    if (now < rng.next || !virtq_take(&rng.q.q, &got))
        return 0;
    rng.next = now + EVERY_NS;
    got = got < n ? got : (uint32_t)n;
    memcpy(to, rng.buf, got);
    memset(rng.buf, 0, BYTES);
    ask();
    return got;
}

bool virtio_rng_start(struct virtio_dev *d)
{
    int64_t end;

    if (rng.dev || !virtio_start(d, 0))
        return false;
    rng.buf = dma_alloc(BYTES, &rng.pa);
    if (!rng.buf || !virtio_queue_setup(d, &rng.q, 0, 2, false, 0, NULL, NULL))
        return false;
    rng.dev = d;
    virtio_run(d);
    ask();
    end = clock_mono_ns() + FIRST_NS;
    while (!virtq_pending(&rng.q.q) && clock_mono_ns() < end)
        cpu_relax();
    random_set_source(take);
    return true;
}
