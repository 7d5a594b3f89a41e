// sources: gort/gc/pacer.c
/* The pacer in a closed loop with a simulated program and marker: the heap must end each cycle
 * near its goal, whatever the speeds are, and limits must hold. */
#include <stdbool.h>
#include <stdio.h>
#include "gort/gc/pacer.h"

#define MB (1ull << 20)

static int failures;

static void check(bool ok, const char *name)
{
    printf("%s %s\n", ok ? "ok" : "FAIL", name);
    failures += !ok;
}

struct sim {
    struct pacer_in in;
    double alloc, mark;     /* bytes per step, of the program and of the workers */
    uint64_t live;          /* what survives */
    uint64_t peak, goal;    /* of the last cycle */
    unsigned cycles;
};

/* One cycle: allocate up to the trigger, then both at once; assists add marking in proportion
 * to what is allocated, at the ratio of the moment. */
static void cycle(struct sim *s)
{
    struct pacer_out out = pacer_compute(&s->in);
    double heap = (double)(out.trigger > s->in.marked ? out.trigger : s->in.marked), done = 0;
    double todo = (double)(s->live + s->in.roots), start = heap;

    while (done < todo) {
        uint64_t left = done < todo ? (uint64_t)(todo - done) : 0;
        double ratio = (double)pacer_assist_ratio(left, (uint64_t)heap, out.goal) / 1024;
        /* An assist slows the program down: it marks at twice the speed that it allocates. */
        double alloc = s->alloc / (1 + ratio / 2);
        heap += alloc;
        done += s->mark + alloc * ratio;
    }
    s->in.runway = (uint64_t)(heap - start);
    s->in.marked = s->live;
    s->peak = (uint64_t)heap;
    s->goal = out.goal;
    s->cycles++;
}

static bool steady(double alloc, double mark, uint64_t live, int percent)
{
    struct sim s = { .in = { .percent = percent, .limit = INT64_MAX, .marked = live },
                     .alloc = alloc, .mark = mark, .live = live };
    bool ok = true;

    for (int i = 0; i < 30; i++) {
        cycle(&s);
        if (i > 3 && (s.peak > s.goal + s.goal / 20 + (uint64_t)alloc || s.peak < s.in.marked))
            ok = false;
    }
    if (!ok)
        printf("  alloc %.0f mark %.0f live %llu: peak %llu, goal %llu\n", alloc, mark,
               (unsigned long long)live, (unsigned long long)s.peak, (unsigned long long)s.goal);
    return ok;
}

static void test_steady(void)
{
    bool ok = true;

    for (double alloc = 1e3; alloc <= 1e6; alloc *= 10)
        for (double mark = 1e4; mark <= 1e6; mark *= 10)
            for (uint64_t live = MB; live <= 1024 * MB; live *= 8)
                ok = steady(alloc, mark, live, 100) && ok;
    check(ok, "the heap ends within 5 % of its goal");
    check(steady(1e5, 1e5, 64 * MB, 400) && steady(1e5, 1e5, 64 * MB, 25), "GOGC 400 and 25");
}

static void test_goals(void)
{
    struct pacer_in in = {
        .percent = 100, .limit = INT64_MAX, .marked = 100 * MB, .roots = 10 * MB,
    };
    struct pacer_out out = pacer_compute(&in);

    check(out.goal == 210 * MB, "goal is the marked heap plus GOGC percent of it and the roots");
    check(out.trigger > 100 * MB && out.trigger < out.goal, "the trigger is in between");
    in.marked = in.roots = 0;
    check(pacer_compute(&in).goal == 4 * MB, "the smallest heap is 4 MiB at GOGC=100");
    in.percent = -1;
    check(pacer_compute(&in).trigger == PACER_NEVER, "GOGC=off without a limit never collects");
    in.limit = 256 * MB;
    in.overhead = 20 * MB;
    in.marked = 100 * MB;
    out = pacer_compute(&in);
    check(out.goal < 236 * MB && out.goal > 220 * MB, "GOGC=off uses the memory limit up");
    in.percent = 1000;
    check(pacer_compute(&in).goal == out.goal, "the limit is stronger than GOGC");
    in.marked = 300 * MB;
    out = pacer_compute(&in);
    check(out.goal == 301 * MB && out.trigger > in.marked,
          "past the limit one cycle follows the other");
}

/* A program whose live heap is at the limit would mark nine tenths of its time. While the bucket is
 * full it need not, and the workers take a quarter. Returns what the collector gets in all. */
static double limited_share(unsigned procs, unsigned *switches)
{
    struct pacer_limiter l = { 0 };
    const uint64_t step = 1000000ull * procs;
    uint64_t collector = 0, all = 0;

    *switches = 0;
    for (int ms = 0; ms < 20000; ms++) {
        bool was = l.limiting;
        uint64_t gc = l.limiting ? step / 4 : step * 9 / 10;
        pacer_limiter_add(&l, gc, step - gc, procs);
        *switches += was != l.limiting;
        collector += gc;
        all += step;
    }
    return (double)collector / (double)all;
}

static void test_limiter(void)
{
    struct pacer_limiter l = { 0 };
    unsigned switches;
    bool ok = true;

    for (unsigned procs = 1; procs <= 64; procs *= 4) {
        double share = limited_share(procs, &switches);
        ok &= share > 0.4 && share < 0.6 && switches > 2;
    }
    check(ok, "past the limit collecting takes about half of the CPUs");
    pacer_limiter_add(&l, PACER_LIMITER_NS * 2 - 1, 0, 2);
    check(!l.limiting, "a second of each CPU may go beyond that");
    pacer_limiter_add(&l, 1, 0, 2);
    check(l.limiting, "and no more");
    pacer_limiter_add(&l, PACER_LIMITER_NS * 100, 0, 2);
    pacer_limiter_add(&l, 0, 2, 2);
    check(!l.limiting, "what does not fit is forgotten");
    pacer_limiter_add(&l, 0, PACER_LIMITER_NS * 100, 2);
    check(l.fill_ns == 0, "an idle collector saves nothing up");
}

static void test_ratio(void)
{
    check(pacer_assist_ratio(10 * MB, 90 * MB, 100 * MB) == 1024, "work left equals room left");
    check(pacer_assist_ratio(10 * MB, 100 * MB, 90 * MB) == 64 * 1024, "past the goal: the most");
    check(pacer_assist_ratio(0, 0, 100 * MB) >= 1, "never nothing");
}

/* What Go's startCycle computes, in floating point. */
static struct pacer_workers by_go(unsigned procs)
{
    double goal = procs * 0.25, err;
    unsigned n = (unsigned)(goal + 0.5);

    err = n / goal - 1;
    if (err >= -0.3 && err <= 0.3)
        return (struct pacer_workers){ n, 0 };
    n -= n > goal;
    return (struct pacer_workers){ n, (uint32_t)((goal - n) / procs * 1024) };
}

static void test_workers(void)
{
    bool ok = true;

    for (unsigned procs = 1; procs <= 256; procs++) {
        struct pacer_workers is = pacer_workers(procs), want = by_go(procs);
        ok &= is.dedicated == want.dedicated && is.share + 1 >= want.share &&
              is.share <= want.share + 1;
    }
    check(ok, "as many workers as Go has");
}

int main(void)
{
    test_workers();
    test_steady();
    test_goals();
    test_ratio();
    test_limiter();
    return failures != 0;
}
