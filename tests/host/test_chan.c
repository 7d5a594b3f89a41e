// sources: gort/sync/chan.c gort/sync/select.c gort/sync/sudog.c
// sources: gort/time/timer.c gort/time/timer_heap.c gort/sync/sema.c
// flags: -Itests/host/fake -Wno-unused-function -Wno-missing-field-initializers -pthread
/* Channels and select under a scheduler that picks at random: order, exactly once, close,
 * fairness; then the same on four threads. */
#include "fakesched.h"

/* ---- one goroutine, non-blocking: the ring against a model ------------------------------ */

static void test_ring(void)
{
    struct hchan *c = fake_makechan(5);
    uint64_t model[5], head = 0, n = 0, next = 1;
    bool ok = true;

    for (int i = 0; i < 20000 && ok; i++) {
        uint64_t v = next;
        if (random_fast() >> 63) {
            struct chansendg_frame f = { c, &v, false, 0 };
            rt_chansendg(&f);
            ok = (f.status == CHAN_DONE) == (n < 5);
            if (f.status == CHAN_DONE)
                model[(head + n++) % 5] = next++;
        } else {
            struct chanrecvg_frame f = { c, &v, false, 0, 0 };
            rt_chanrecvg(&f);
            ok = (f.status == CHAN_DONE) == (n > 0);
            if (f.status == CHAN_DONE) {
                ok = ok && v == model[head];
                head = (head + 1) % 5;
                n--;
            }
        }
        ok = ok && c->qcount == n;
    }
    check(ok, "ring agrees with a queue");
}

static void test_close_drains(void)
{
    struct hchan *c = fake_makechan(2);
    uint64_t v = 7;
    struct chansendg_frame s = { c, &v, false, 0 };
    struct chanclose_frame k = { c, 0 };
    struct chanrecvg_frame r = { c, &v, false, 0, 0 };

    rt_chansendg(&s);
    rt_chanclose(&k);
    check(k.status == CHAN_DONE, "close");
    rt_chanclose(&k);
    check(k.status == CHAN_CLOSED, "close of a closed channel");
    rt_chansendg(&s);
    check(s.status == CHAN_CLOSED, "send on a closed channel");
    v = 0;
    rt_chanrecvg(&r);
    check(r.status == CHAN_DONE && v == 7, "a closed channel gives its values first");
    v = 9;
    rt_chanrecvg(&r);
    check(r.status == CHAN_CLOSED && v == 0, "then zeros");
}

/* ---- producers and consumers ---------------------------------------------------------------- */

enum { MAXG = 64, PER = 400 };
static struct fg gs[MAXG];
static struct hchan *chans[4];
static uint8_t seen[MAXG][PER];
static int64_t last[MAXG][4];
static int errors_seen;
static bool ordered; /* one receiver per channel */

static void fault(void) { __atomic_add_fetch(&errors_seen, 1, __ATOMIC_SEQ_CST); }

static void received(int ch, uint64_t v)
{
    uint64_t who = v >> 32, seq = v & 0xffffffff;

    if (who >= MAXG || seq >= PER ||
        __atomic_exchange_n(&seen[who][seq], 1, __ATOMIC_SEQ_CST)) {
        fault();
        return;
    }
    if (ordered) {
        if (last[who][ch] >= (int64_t)seq + 1)
            fault();
        last[who][ch] = (int64_t)seq + 1;
    }
}

/* v[0] who, v[1] next, v[2] how: 0 plain, 1 select over all channels. */
static void producer(struct fg *fg)
{
    BODY
    for (fg->v[1] = 0; fg->v[1] < PER; fg->v[1]++) {
        fg->elem = (uint64_t)fg->v[0] << 32 | (uint64_t)fg->v[1];
        if (fg->v[2]) {
            for (int i = 0; i < 4; i++) {
                fg->cases[i].c = chans[(i + fg->v[1]) % 4];
                fg->cases[i].elem = &fg->elem;
            }
            fg->cases[4].c = NULL;
            SELECT(5, 0, true);
        } else {
            CHANSEND(chans[fg->v[1] % 4], &fg->elem);
        }
        if (fg->status != CHAN_DONE)
            fault();
    }
    END
}

/* v[0] channel, v[2] how; ends when everything is closed. */
static void consumer(struct fg *fg)
{
    BODY
    for (fg->v[3] = 0; fg->v[3] < 4;) {
        if (fg->v[2]) {
            for (int i = 0; i < 4; i++)
                if (!(fg->v[4] >> i & 1)) {
                    fg->cases[i].c = chans[i];
                    fg->cases[i].elem = &fg->elem;
                } else {
                    fg->cases[i].c = NULL;
                }
            SELECT(0, 4, true);
        } else {
            CHANRECV(chans[fg->v[0]], &fg->elem, true);
            fg->v[7] = fg->v[0];
        }
        if (fg->status == CHAN_CLOSED) {
            fg->v[4] |= 1 << fg->v[7];
            fg->v[3] = fg->v[2] ? fg->v[3] + 1 : 4;
            if (fg->elem != 0)
                fault();
        } else {
            received((int)fg->v[7], fg->elem);
        }
    }
    END
}

/* Closes all channels when all of v[0] producers have ended. */
static void closer(struct fg *fg)
{
    BODY
    for (;;) {
        fg->v[1] = 0;
        for (int i = 0; i < fg->v[0]; i++)
            fg->v[1] += __atomic_load_n(&gs[i].g.status, __ATOMIC_SEQ_CST) == G_DEAD;
        if (fg->v[1] == fg->v[0])
            break;
        YIELD();
    }
    for (fg->v[2] = 0; fg->v[2] < 4; fg->v[2]++) {
        GATE(chanclose, chans[fg->v[2]]);
    }
    END
}

static void traffic(const char *name, unsigned threads, int np, int nc, int how, uint64_t cap)
{
    memset(gs, 0, sizeof gs);
    memset(seen, 0, sizeof seen);
    memset(last, 0, sizeof last);
    errors_seen = 0;
    ordered = how == 0 && nc == 4;
    for (int i = 0; i < 4; i++)
        chans[i] = fake_makechan(cap * (uint64_t)i);
    for (int i = 0; i < np; i++) {
        gs[i].v[0] = i;
        gs[i].v[2] = how == 1 || (how == 2 && i % 2);
        fake_go(&gs[i], producer);
    }
    for (int i = 0; i < nc; i++) {
        gs[np + i].v[0] = i % 4;
        gs[np + i].v[2] = how == 1 || (how == 2 && i % 8 >= 4);
        fake_go(&gs[np + i], consumer);
    }
    gs[np + nc].v[0] = np;
    fake_go(&gs[np + nc], closer);
    int left = fake_run(threads), missing = 0;
    for (int i = 0; i < np; i++)
        for (int j = 0; j < PER; j++)
            missing += !seen[i][j];
    if (left || missing || errors_seen)
        fprintf(stderr, "%s: left %d missing %d errors %d\n", name, left, missing, errors_seen);
    check(!left && !missing && !errors_seen, name);
}

/* ---- select ---------------------------------------------------------------------------------- */

static void test_select_fair(void)
{
    struct hchan *c[4];
    struct { struct hchan *c; void *elem; } cases[5];
    uint16_t order[10];
    uint64_t v = 1;
    int hits[5] = { 0 };

    for (int i = 0; i < 4; i++) {
        c[i] = fake_makechan(1);
        cases[i].c = c[i];
        cases[i].elem = &v;
    }
    cases[4].c = NULL;
    for (int i = 0; i < 8000; i++) {
        struct selectg_frame f = { cases, order, 4, 1, true, 0, 0, 0 };
        rt_selectg(&f);
        hits[f.chosen]++;
        chan_drain(c[f.chosen]);
    }
    bool even = true;
    for (int i = 0; i < 4; i++)
        even = even && hits[i] > 1700 && hits[i] < 2300;
    check(even && hits[4] == 0, "select picks evenly among ready cases");
    struct selectg_frame d = { cases, order, 0, 4, false, 0, 0, 0 };
    rt_selectg(&d);
    check(d.chosen == -1 && d.status == CHAN_WOULD_BLOCK, "select takes the default");
    struct chanclose_frame k = { c[2], 0 };
    rt_chanclose(&k);
    rt_selectg(&d);
    check(d.chosen == 2 && d.status == CHAN_CLOSED && v == 0, "select receives from a closed one");
    struct selectg_frame s = { &cases[2], order, 1, 0, false, 0, 0, 0 };
    rt_selectg(&s);
    check(s.chosen == 0 && s.status == CHAN_CLOSED, "select sends on a closed one");
}

static void waits(struct fg *fg)
{
    BODY
    switch (fg->v[0]) { default: break; }
    if (fg->v[0] == 0) {
        GATE(block);
    } else if (fg->v[0] == 1) {
        CHANRECV((struct hchan *)NULL, NULL, true);
    } else if (fg->v[0] == 2) {
        CHANSEND((struct hchan *)NULL, NULL);
    } else if (fg->v[0] == 3) {
        CHANSEND(chans[0], &fg->elem); /* until it is closed */
    } else {
        GATE(chanclose, chans[0]);
    }
    END
}

static void test_waits(void)
{
    memset(gs, 0, sizeof gs);
    chans[0] = fake_makechan(0);
    fake_random = false;
    for (int i = 0; i < 5; i++) {
        gs[i].v[0] = i;
        fake_go(&gs[i], waits);
    }
    check(fake_run(1) == 3, "select{} and nil channels wait for ever");
    check(gs[0].g.wait_reason == WAIT_SELECT_NO_CASES &&
              gs[1].g.wait_reason == WAIT_CHAN_RECV_NIL &&
              gs[2].g.wait_reason == WAIT_CHAN_SEND_NIL, "with their reasons");
    check(gs[3].done && gs[3].status == CHAN_CLOSED, "close wakes a sender, which must panic");
    fake_random = true;
}

int main(void)
{
    fake_init();
    test_ring();
    test_close_drains();
    test_select_fair();
    test_waits();
    for (int i = 0; i < 20; i++) {
        fake_seed = (uint64_t)i + 1;
        traffic("one CPU, one receiver per channel: order kept", 1, 10, 4, 0, 1);
        traffic("one CPU, select", 1, 10, 8, 1, (uint64_t)i % 3);
        traffic("one CPU, select and plain", 1, 10, 16, 2, 1);
    }
    for (int i = 0; i < 10; i++) {
        fake_seed = (uint64_t)i + 100;
        traffic("four threads, order kept", 4, 12, 4, 0, 2);
        traffic("four threads, select", 4, 12, 8, 1, (uint64_t)i % 3);
        traffic("four threads, select and plain", 4, 20, 24, 2, 1);
    }
    return fake_failures != 0;
}
