// sources: gort/sync/chan.c gort/sync/select.c gort/sync/sudog.c
// sources: gort/time/timer.c gort/time/timer_heap.c gort/sync/sema.c
// flags: -Itests/host/fake -Wno-unused-function -Wno-missing-field-initializers -pthread
/* Timers in virtual time: the heap against a plain list, sleeping, channel timers (nothing
 * stale after Stop and Reset, no drift), moves between Ps, and all of it on four threads. */
#include "fakesched.h"
#include "gort/time/timer_heap.h"

enum { N = 300 };

/* ---- C timers against a list ------------------------------------------------------------ */

static struct timer ct[N];
static int64_t due[N];     /* 0 = stopped */
static int fired_wrong, fired_count;

static void c_fired(void *arg)
{
    long i = (long)(intptr_t)arg;

    fired_count++;
    if (due[i] == 0 || due[i] > fake_now)
        fired_wrong++;
    due[i] = 0;
}

static int64_t earliest(void)
{
    int64_t e = TIMER_NEVER;

    for (int i = 0; i < N; i++)
        if (due[i] && due[i] < e)
            e = due[i];
    return e;
}

static void test_model(void)
{
    struct p *p = p_self();
    bool ok = true;

    for (int step = 0; step < 60000 && ok; step++) {
        int i = (int)(random_fast() % N);
        switch (random_fast() % 8) {
        case 0: case 1: case 2: case 3:
            due[i] = fake_now + 1 + (int64_t)(random_fast() % 5000);
            timer_start_c(&ct[i], due[i], c_fired, (void *)(intptr_t)i);
            break;
        case 4: case 5:
            ok = timer_stop_c(&ct[i]) == (due[i] != 0);
            due[i] = 0;
            break;
        default:
            fake_now += (int64_t)(random_fast() % 200);
            timers_run(p, fake_now);
            ok = earliest() > fake_now; /* all that was due has fired */
            break;
        }
        ok = ok && timers_next(p) <= earliest() && !fired_wrong;
    }
    check(ok && fired_count > 1000, "C timers agree with a list");
    while (earliest() != TIMER_NEVER) {
        int64_t next = timers_next(p);
        fake_now = next > fake_now ? next : fake_now;
        timers_run(p, fake_now);
    }
    check(!fired_wrong && timers_next(p) == TIMER_NEVER && p->timers->len == 0 &&
              p->timers->zombies == 0, "the heap is empty at the end");
}

static void test_zombies(void)
{
    struct p *p = p_self();
    static struct timer many[20000];

    for (int i = 0; i < 20000; i++) {
        timer_start_c(&many[i], fake_now + 1000000 + i, c_fired, NULL);
        timer_stop_c(&many[i]);
    }
    check(p->timers->len < 100, "stopped timers do not pile up");
    for (int i = 0; i < 1000; i++)
        timer_start_c(&many[i], fake_now + 1000000 + i, c_fired, NULL);
    for (int i = 0; i < 999; i++)
        timer_stop_c(&many[i]);
    timers_run(p, fake_now);
    check(p->timers->len < 300, "a crowd of stopped ones is cleared");
    timer_stop_c(&many[999]);
    timers_run(p, fake_now + 3000000);
}

static void test_adopt(void)
{
    static struct timer a[50];
    struct p *from = &fake_cpus[1].p, *to = &fake_cpus[0].p;

    timers_init(from);
    fake_cpus[0].cpu.p = from;
    for (int i = 0; i < 50; i++) {
        due[i] = fake_now + 100 + i;
        timer_start_c(&a[i], due[i], c_fired, (void *)(intptr_t)i);
    }
    for (int i = 0; i < 50; i += 2) {
        timer_stop_c(&a[i]);
        due[i] = 0;
    }
    fake_cpus[0].cpu.p = to;
    timers_adopt(to, from);
    fired_count = fired_wrong = 0;
    fake_now += 1000;
    timers_run(to, fake_now);
    check(fired_count == 25 && !fired_wrong && timers_next(from) == TIMER_NEVER,
          "timers of a P that stops are adopted");
}

/* ---- time.Timer, time.Ticker --------------------------------------------------------- */

static struct timer *new_timer(int64_t when, int64_t period)
{
    struct timer *t = persistent_alloc(sizeof *t, 8, NULL);
    struct hchan *c = fake_makechan(1);

    lock_init(&t->lock, "timer", RANK_TIMER);
    t->is_chan = true;
    t->arg.data = c;
    c->timer = t;
    struct timermodify_frame f = { t, when, period, false };
    rt_timermodify(&f);
    return t;
}

static bool stop(struct timer *t)
{
    struct timerstop_frame f = { t, false };

    rt_timerstop(&f);
    return f.pending;
}

static bool reset(struct timer *t, int64_t when, int64_t period)
{
    struct timermodify_frame f = { t, when, period, false };

    rt_timermodify(&f);
    return f.pending;
}

/* Receives without blocking, as selectnbrecv does. */
static bool poll_chan(struct timer *t, uint64_t *v)
{
    struct chanrecvg_frame f = { t->arg.data, v, false, 0, 0 };

    for (;;) {
        rt_chanrecvg(&f);
        if (f.status != CHAN_TIMER)
            return f.status == CHAN_DONE;
        fake_timer_func(t, f.delay);
    }
}

static void test_lazy(void)
{
    struct timer *t = new_timer(fake_now + 100, 0);
    uint64_t v = 0;
    int64_t when = fake_now + 100;

    check(!poll_chan(t, &v) && timers_next(p_self()) == TIMER_NEVER,
          "a timer whose channel nobody waits on is in no heap");
    fake_now += 500;
    check(poll_chan(t, &v) && (int64_t)v == when, "it fires lazily, with its due time");
    check(!stop(t) && !poll_chan(t, &v), "Stop after it has fired: false");
    check(!reset(t, fake_now + 10, 0), "Reset of a fired one: false");
    fake_now += 50;
    check(stop(t), "Stop: true, though it is past its time, as nobody has received");
    check(!poll_chan(t, &v), "and no stale value");
    reset(t, fake_now + 10, 0);
    fake_now += 20;
    int64_t delay;
    check(timer_chan_claim(t, g_calling(), &delay) && stop(t), "Stop during a firing: true");
    fake_timer_func(t, delay);
    check(!poll_chan(t, &v) && t->sending == 0, "the firing under way sends nothing");
    reset(t, fake_now + 10, 0);
    fake_now += 20;
    timer_chan_claim(t, g_calling(), &delay);
    struct g *gp = g_calling();
    struct timer *firing = gp->firing;
    uintptr_t seq = gp->firing_seq;
    reset(t, fake_now + 10, 0);
    fake_now += 20;
    gp->firing = NULL;
    check(poll_chan(t, &v) && (int64_t)v == fake_now - 10, "a new firing overtakes an old one");
    gp->firing = firing;
    gp->firing_seq = seq;
    fake_timer_func(t, 0);
    check(!poll_chan(t, &v) && t->sending == 0 && !stop(t), "the old one is dropped");
}

static void test_ticker_lazy(void)
{
    int64_t start = fake_now;
    struct timer *t = new_timer(start + 100, 100);
    uint64_t v;
    bool ok = true;

    for (int i = 0; i < 1000; i++) {
        fake_now += (int64_t)(random_fast() % 250);
        if (poll_chan(t, &v))
            ok = ok && ((int64_t)v - start) % 100 == 0 && (int64_t)v <= fake_now;
    }
    check(ok, "ticks stay on the grid");
    stop(t);
    fake_now += 1000;
    check(!poll_chan(t, &v), "a stopped ticker is silent");
    reset(t, 1, 1);
    check(poll_chan(t, &v), "a ticker of 1 ns does not hang the receiver");
    stop(t);
}

static struct fg gs[256];
static struct timer *shared[8];
static int errors_seen;

static void fault(void) { __atomic_add_fetch(&errors_seen, 1, __ATOMIC_SEQ_CST); }

/* v[0] who: sleeps v[1] times, never too short. */
static void sleeper(struct fg *fg)
{
    BODY
    for (; fg->v[1] > 0; fg->v[1]--) {
        fg->v[3] = 1 + (int64_t)(random_fast() % 1000);
        fg->v[2] = clock_mono_ns() + fg->v[3];
        GATE(sleepns, fg->v[3]);
        if (clock_mono_ns() < fg->v[2])
            fault();
    }
    END
}

/* Blocks on a ticker of its own: v[1] ticks, in step. */
static void ticked(struct fg *fg)
{
    BODY
    fg->v[2] = clock_mono_ns() + 70;
    fg->ptr[0] = new_timer(fg->v[2], 70);
    for (; fg->v[1] > 0; fg->v[1]--) {
        CHANRECV((struct hchan *)((struct timer *)fg->ptr[0])->arg.data, &fg->elem, true);
        if (fg->status != CHAN_DONE || ((int64_t)fg->elem - fg->v[2]) % 70 != 0)
            fault();
    }
    stop(fg->ptr[0]);
    END
}

/* Timeouts that mostly do not happen: select over a channel and a timer, then Stop; after a
 * Stop or Reset that says true or false the channel must be empty. */
static void timeouts(struct fg *fg)
{
    BODY
    fg->ptr[0] = new_timer(clock_mono_ns() + 1000, 0);
    fg->ptr[1] = fake_makechan(1);
    for (; fg->v[1] > 0; fg->v[1]--) {
        reset(fg->ptr[0], clock_mono_ns() + 1 + (int64_t)(random_fast() % 100), 0);
        fg->v[2] = ((struct timer *)fg->ptr[0])->when;
        if (random_fast() % 2)
            chan_drain(fg->ptr[1]);
        fg->cases[0].c = ((struct timer *)fg->ptr[0])->arg.data;
        fg->cases[0].elem = &fg->elem;
        fg->cases[1].c = fg->v[1] % 3 ? fg->ptr[1] : NULL;
        fg->cases[1].elem = NULL;
        for (;;) {
            SELECT(0, 2, true);
            if (fg->status != CHAN_TIMER)
                break;
            fake_timer_func(fg->ptr[0], fg->fr.selectg.delay);
        }
        if (fg->v[7] == 0 && (int64_t)fg->elem != fg->v[2] && fg->v[2] != 0)
            fault(); /* of another Reset */
        stop(fg->ptr[0]);
        if (((struct hchan *)((struct timer *)fg->ptr[0])->arg.data)->qcount)
            fault();
        if (fg->v[1] % 2) {
            CHANSEND((struct hchan *)fg->ptr[1], &fg->elem);
            chan_drain(fg->ptr[1]);
        }
        GATE(sleepns, 1 + (int64_t)(random_fast() % 50));
    }
    END
}

/* Resets, stops and receives on shared timers: nothing must break. */
static void sharer(struct fg *fg)
{
    BODY
    for (; fg->v[1] > 0; fg->v[1]--) {
        fg->v[2] = (int64_t)(random_fast() % 8);
        switch (random_fast() % 4) {
        case 0: stop(shared[fg->v[2]]); break;
        case 1:
            reset(shared[fg->v[2]], clock_mono_ns() + 1 + (int64_t)(random_fast() % 60), 0);
            break;
        default: poll_chan(shared[fg->v[2]], &fg->elem); break;
        }
        if (fg->v[1] % 8 == 0) {
            reset(shared[fg->v[2]], clock_mono_ns() + 5, 0);
            fg->cases[0].c = shared[fg->v[2]]->arg.data;
            fg->cases[1].c = fg->ptr[0];
            fg->cases[0].elem = fg->cases[1].elem = &fg->elem;
            for (;;) {
                SELECT(0, 2, true);
                if (fg->status != CHAN_TIMER)
                    break;
                fake_timer_func(((struct hchan *)fg->cases[fg->v[7]].c)->timer,
                                fg->fr.selectg.delay);
            }
            poll_chan(fg->ptr[1], &fg->elem);
        }
        YIELD();
    }
    END
}

static void mixed(const char *name, unsigned threads)
{
    memset(gs, 0, sizeof gs);
    errors_seen = 0;
    for (int i = 0; i < 8; i++)
        shared[i] = new_timer(clock_mono_ns() + 10, 0);
    for (int i = 0; i < 120; i++) {
        static void (*const bodies[])(struct fg *) = { sleeper, ticked, timeouts, sharer };
        gs[i].v[1] = 60;
        if (i % 4 == 3) { /* a ticker of its own: it is never stuck for long */
            gs[i].ptr[1] = new_timer(clock_mono_ns() + 20, 20);
            gs[i].ptr[0] = ((struct timer *)gs[i].ptr[1])->arg.data;
        }
        fake_go(&gs[i], bodies[i % 4]);
    }
    int left = fake_run(threads);
    for (int i = 0; i < 8; i++)
        if (shared[i]->blocked || (shared[i]->when == 0 && shared[i]->sending))
            fault();
    if (left || errors_seen)
        fprintf(stderr, "%s: left %d errors %d\n", name, left, errors_seen);
    check(!left && !errors_seen, name);
}

int main(void)
{
    fake_init();
    test_model();
    test_zombies();
    test_adopt();
    test_lazy();
    test_ticker_lazy();
    for (int i = 0; i < 10; i++) {
        fake_seed = (uint64_t)i + 1;
        mixed("sleepers, tickers, timeouts, shared timers: one CPU", 1);
        mixed("sleepers, tickers, timeouts, shared timers: four threads", 4);
    }
    return fake_failures != 0;
}
