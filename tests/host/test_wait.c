// sources: gort/os/wait.c
// flags: -Wno-unused-function
/* The states of a system call (gort/os/wait.h), one transition after the other, with handlers that
 * are written for it: who runs a call again, when, how often, and what a call must not inherit from
 * the one whose structure it uses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <asm/prctl.h>
#include "arch/x86_64/arch.h"
#include "gort/g.h"
#include "gort/os/file.h"
#include "gort/os/instruction.h"
#include "gort/os/mem.h"
#include "gort/os/ostimer.h"
#include "gort/os/wait.h"
#include "gort/sched/sched.h"
#include "kernel/check.h"
#include "kernel/clock.h"
#include "kernel/options.h"
#include "rt_frames.h"

static int failures;
static struct cpu the_cpu;
static int64_t now = 1000;
static long graves;             /* data_reap has so many times something to do */
static jmp_buf parked, panicked;
static bool panic_expected;
static const struct lock *held[8];
static unsigned nheld;
struct boot_options options;
struct cpu *cpus[CPU_MAX] = {&the_cpu};

static void check(bool ok, const char *name)
{
    printf("%s %s\n", ok ? "ok" : "FAIL", name);
    failures += !ok;
}

/* ---- the kernel around wait.c ------------------------------------------------------------- */

void kernel_panic(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    if (panic_expected)
        longjmp(panicked, 1);
    printf("FAIL %s:%d: ", file, line);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    exit(1);
}
void lock_init(struct lock *l, const char *name, enum lock_rank rank)
{
    *l = (struct lock){0, rank, name};
}
void lock(struct lock *l)
{
    CHECK(!l->held && (!nheld || held[nheld - 1]->rank < l->rank), "lock %s", l->name);
    l->held = 1;
    held[nheld++] = l;
}
void unlock(struct lock *l)
{
    CHECK(nheld && held[nheld - 1] == l, "unlock %s", l->name);
    l->held = 0;
    nheld--;
}
int64_t clock_mono_ns(void) { return now; }
void *os_alloc_last(size_t n) { return calloc(1, n); }
void os_free(void *p, size_t n) { (void)n, free(p); }
void file_put(struct file *f) { (void)f; }
bool data_reap(unsigned budget) { (void)budget; return graves > 0 && graves--; }

/* Timers: at most one is armed at a time in these tests, but a stopped one may still fire late. */
struct timer_of { void (*fn)(void *); void *arg; int64_t when; };
void *os_timer_new(void (*fn)(void *), void *arg)
{
    struct timer_of *t = calloc(1, sizeof *t);

    *t = (struct timer_of){fn, arg, 0};
    return t;
}
void os_timer_set(void *timer, int64_t when) { ((struct timer_of *)timer)->when = when; }

/* ---- goroutines --------------------------------------------------------------------------- */

enum { TASKS = 4, LOOKS_MAX = 40, BLOCKED = -1, RESULT = 7 };
static struct { uintptr_t ret; struct syscall6_frame f; } stacks[TASKS];
static struct task {
    struct g g;
    struct call *c;
    unsigned looks;             /* how often the handler was called */
    bool borrowed;              /* c->borrowed at the last look */
    int64_t result_at_ready;    /* what the frame held when the goroutine was readied */
} tasks[TASKS];

static int64_t result(int t)
{
    return stacks[t].f.err ? -(int64_t)stacks[t].f.err : (int64_t)stacks[t].f.r1;
}

void g_park_g0(struct g *gp, struct lock *l, enum wait_reason why)
{
    gp->status = g_parked_status(why);
    gp->wait_reason = why;
    unlock(l);
    CHECK(!nheld, "parks under %s", held[0]->name);
    longjmp(parked, 1);
}

void g_ready(struct g *gp)
{
    struct task *t = (struct task *)gp;

    CHECK(gp->status == g_parked_status(WAIT_SYSCALL), "ready of a goroutine that does not wait");
    gp->status = G_RUNNABLE;
    t->result_at_ready = result((int)(t - tasks));
}

static bool ready(int t) { return tasks[t].g.status == G_RUNNABLE; }

/* Task t makes a call. Its result, or BLOCKED. */
static int64_t begin_at(int t, call_fn *fn, void *frame)
{
    struct g *gp = &tasks[t].g;
    uint64_t a[6] = {(uint64_t)t};

    tasks[t].looks = 0;
    gp->status = G_RUNNING;
    gp->sched.sp = (uintptr_t)&stacks[t];
    stacks[t].f = (struct syscall6_frame){.a3 = 33, .r1 = 99};
    if (setjmp(parked))
        return BLOCKED;
    call_begin(gp, frame, fn, 1000, a);
    CHECK(!nheld, "returns under %s", held[0]->name);
    return result(t);
}

static int64_t begin(int t, call_fn *fn) { return begin_at(t, fn, &stacks[t].f); }

/* ---- handlers ----------------------------------------------------------------------------- */

static struct waitq q, other;
static int have;                /* results that q's object has ready */

static struct task *look(struct call *c)
{
    struct task *t = &tasks[c->a[0]];

    t->c = c;
    t->borrowed = c->borrowed;
    CHECK(++t->looks < LOOKS_MAX, "a handler runs for ever");
    return t;
}

static int64_t take(struct call *c, bool exclusive)
{
    while (!have)
        if (!(exclusive ? call_wait_exclusive : call_wait)(c, &q))
            return SYS_BLOCK;
    have--;
    return RESULT;
}
static int64_t taker(struct call *c) { look(c); return take(c, false); }
static int64_t exclusive_taker(struct call *c) { look(c); return take(c, true); }
static int64_t at_once(struct call *c) { look(c); return RESULT; }
static int64_t fails(struct call *c) { look(c); return -5; }

/* Its event comes while it runs, after its last look: at the first look only. */
static int64_t overtaken(struct call *c)
{
    struct task *t = look(c);

    if (t->looks > 1)
        return take(c, false);
    CHECK(call_wait(c, &q), "is registered already");
    queue_wake(&q);
    return SYS_BLOCK;
}

/* Provides for a taker, then waits for something else, or ends. */
static int64_t giver(struct call *c)
{
    if (look(c)->looks == 1) {
        have++;
        queue_wake(&q);
    }
    call_wait(c, &other);
    return SYS_BLOCK;
}
static int64_t giver_at_once(struct call *c)
{
    look(c);
    have++;
    queue_wake(&q);
    return RESULT;
}

/* Registers, and finds at its last look that there is a result. */
static int64_t just_in_time(struct call *c)
{
    look(c);
    CHECK(call_wait(c, &q), "is registered already");
    return RESULT;
}

static int64_t sleeper(struct call *c)
{
    look(c);
    if (call_deadline(c, 5000))
        return RESULT;
    call_wait(c, &q);
    return SYS_BLOCK;
}

/* Three steps with a rest between them; then it must be able to set a deadline of its own. */
static int64_t long_one(struct call *c)
{
    look(c);
    if (c->done++ < 2)
        return SYS_AGAIN;
    return c->deadline ? -99 : RESULT;
}

static int64_t asks_to_rest(struct call *c)
{
    look(c);
    return call_gives_way(c) ? 1 : 0;
}

static int64_t counts_done(struct call *c)
{
    look(c);
    return (int64_t)(c->done += 3);
}

/* Fires the timer of task t's call, if it is armed, or though it was stopped. */
static void fire(int t, bool stopped)
{
    struct timer_of *timer = tasks[t].c->timer;

    if (timer->when && timer->when <= now)
        timer->when = 0;
    else if (!stopped)
        return;
    timer->fn(timer->arg);
}

/* ---- tests -------------------------------------------------------------------------------- */

static void test_runs_to_result(void)
{
    check(begin(0, at_once) == RESULT && stacks[0].f.r2 == 33, "a result at once; RDX stays");
    struct call *first = tasks[0].c;
    check(begin(0, fails) == -5 && stacks[0].f.r1 == UINT64_MAX && !stacks[0].f.r2, "an error");
    check(tasks[0].c == first && tasks[0].looks == 1, "the structure is used again");
    check(begin(0, just_in_time) == RESULT && !q.first, "a call that ends leaves its queues");
}

static void test_waits(void)
{
    check(begin(0, taker) == BLOCKED && tasks[0].looks == 1, "RUNS -> WAITS");
    check(tasks[0].c->state == CALL_WAITS && !tasks[0].borrowed, "is nobody's");
    queue_wake(&q);
    check(tasks[0].c->state == CALL_CLAIMED && tasks[0].looks == 1, "WAITS -> CLAIMED, not run");
    queue_wake(&q);
    calls_run();
    check(tasks[0].looks == 2 && tasks[0].borrowed, "CLAIMED -> RUNS, once, on this CPU's g0");
    check(tasks[0].c->state == CALL_WAITS && !ready(0) && !nheld, "nothing there: RUNS -> WAITS");
    have = 1;
    queue_wake(&q);
    calls_run();
    check(ready(0) && result(0) == RESULT, "a result: the goroutine is ready");
    check(tasks[0].result_at_ready == RESULT, "the result is written before that");
    check(!q.first, "an ended call is on no queue");
    calls_run();
    check(tasks[0].looks == 3, "and does not run again");
}

static void test_fired(void)
{
    check(begin(0, overtaken) == BLOCKED, "RUNS -> FIRED -> RUNS -> WAITS");
    check(tasks[0].looks == 2, "an event while the handler runs makes it look again");
    check(q.first == &tasks[0].c->w[0] && !q.first->next, "it is registered once");
    have = 1;
    queue_wake(&q);
    calls_run();
    check(ready(0) && tasks[0].looks == 3 && !q.first, "a later event ends it");
}

static void test_exclusive(void)
{
    begin(0, taker);
    begin(1, exclusive_taker);
    begin(2, exclusive_taker);
    begin(3, taker);
    queue_wake(&q);
    int claimed = (tasks[1].c->state == CALL_CLAIMED) + (tasks[2].c->state == CALL_CLAIMED);
    check(claimed == 1, "an event claims one of the exclusive waiters");
    check(tasks[0].c->state == CALL_CLAIMED && tasks[3].c->state == CALL_CLAIMED, "and all others");
    queue_wake(&q);
    check(tasks[1].c->state == CALL_CLAIMED && tasks[2].c->state == CALL_CLAIMED,
          "a second event, before the first has run, claims the other");
    have = 4;
    calls_run();
    check(ready(0) && ready(1) && ready(2) && ready(3) && !have, "all end");
}

/* The CPU runs the calls that a call has woken before it may leave for another goroutine. */
static void test_woken_by_a_call(void)
{
    begin(0, taker);
    check(begin(1, giver) == BLOCKED && ready(0), "a call that waits first runs those it woke");
    queue_wake(&other);
    calls_run();
    begin(0, taker);
    check(begin(2, giver_at_once) == RESULT && ready(0), "so does one that ends");
    have = 1;
    tasks[1].c->run = taker;
    queue_wake(&other);
    calls_run();
    check(ready(1) && !other.first, "and all is over");
}

static void test_deadline(void)
{
    now = 1000;
    check(begin(0, sleeper) == BLOCKED, "a deadline to come");
    queue_wake(&q);
    calls_run();
    fire(0, false);
    check(!ready(0) && tasks[0].looks == 2, "an event before it does not end the call");
    now = 5000;
    fire(0, false);
    check(ready(0) && result(0) == RESULT, "the timer does");
    now = 1000;
    begin(0, sleeper);
    struct timer_of *timer = tasks[0].c->timer;
    tasks[0].c->run = at_once;
    queue_wake(&q);
    calls_run();
    check(ready(0) && !timer->when, "the end of a call stops its timer");
    now = 9000;
    check(begin(0, taker) == BLOCKED && tasks[0].c->timer == timer, "another uses the structure");
    fire(0, true);
    check(tasks[0].looks == 1 && tasks[0].c->state == CALL_WAITS, "a late timer does not claim it");
    have = 1;
    queue_wake(&q);
    calls_run();
    check(ready(0), "but its own event does");
}

static void test_again(void)
{
    now = 1000;
    check(begin(0, long_one) == BLOCKED && tasks[0].looks == 1, "SYS_AGAIN parks the goroutine");
    fire(0, false);
    check(tasks[0].looks == 1, "for a moment");
    now += 1000000;
    fire(0, false);
    check(tasks[0].looks == 2 && tasks[0].borrowed && !ready(0), "then it goes on");
    now += 1000000;
    fire(0, false);
    check(ready(0) && result(0) == RESULT, "its rests leave no deadline");
    check(begin(0, asks_to_rest) == 0, "a call does not give way without cause");
    the_cpu.pending = 1;
    check(begin(0, asks_to_rest) == 1, "the CPU has other work: it does");
    the_cpu.pending = 0;
    tasks[0].g.preempt = 1;
    check(begin(0, asks_to_rest) == 1, "its slice is over: it does");
    tasks[0].g.preempt = 0;
    begin(0, taker);
    tasks[0].c->run = asks_to_rest;
    queue_wake(&q);
    calls_run();
    check(ready(0) && result(0) == 1, "on another goroutine's CPU it does");
}

static void test_fresh(void)
{
    begin(0, taker);
    have = 1;
    queue_wake(&q);
    calls_run();
    check(begin(0, asks_to_rest) == 0, "a new call is not borrowed");
    check(begin(0, counts_done) == 3 && begin(0, counts_done) == 3, "and has done nothing yet");
    check(begin(0, sleeper) == RESULT && !tasks[0].c->deadline, "a deadline is the call's own");
}

/* What files have lost is freed before the call returns, in steps. */
static void test_reap(void)
{
    graves = 1;
    check(begin(0, at_once) == RESULT && graves == 0, "a little is freed at once");
    graves = 5;
    the_cpu.pending = 1;
    check(begin(0, at_once) == BLOCKED && tasks[0].looks == 1, "much: the call rests");
    the_cpu.pending = 0;
    while (!ready(0) && graves) {
        now += 1000000;
        fire(0, false);
    }
    now += 1000000;
    fire(0, false);
    check(ready(0) && result(0) == RESULT && tasks[0].looks == 1, "and keeps its result");
    struct syscall6_frame elsewhere = {.a3 = 1};
    graves = 5;
    the_cpu.pending = 1;
    begin_at(0, at_once, &elsewhere);
    check(elsewhere.r1 == RESULT && graves == 4, "a gate that may not wait leaves the rest");
    the_cpu.pending = 0;
    graves = 0;
}

static void put_off(struct later *l) { (void)l, have++; }

static void test_later(void)
{
    struct later l = {.fn = put_off};

    call_later(&l);
    calls_run();
    calls_run();
    check(have == 1, "what is put off is done once");
    have = 0;
}

/* Bugs that must be seen: a gate that may not wait waits, a stack has moved. */
static void test_checks(void)
{
    struct syscall6_frame elsewhere = {0};

    panic_expected = true;
    if (!setjmp(panicked)) {
        begin_at(0, taker, &elsewhere);
        check(false, "a gate that may not wait is noticed");
    }
    nheld = 0;
    tasks[0].c->lock.held = 0;
    begin(1, taker);
    have = 1;
    tasks[1].g.sched.sp += 16;
    if (!setjmp(panicked)) {
        queue_wake(&q);
        calls_run();
        check(false, "a stack that has moved is noticed");
    }
    check(true, "bugs are noticed");
}

int main(void)
{
    the_cpu.self = &the_cpu;
    syscall(SYS_arch_prctl, ARCH_SET_GS, &the_cpu);
    alarm(240); /* a lost transition may hang a test */
    waitq_init(&q);
    waitq_init(&other);
    test_runs_to_result();
    test_waits();
    test_fired();
    test_exclusive();
    test_woken_by_a_call();
    test_deadline();
    test_again();
    test_fresh();
    test_reap();
    test_later();
    test_checks();
    return failures != 0;
}
