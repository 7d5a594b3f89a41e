/* mem.c - collected memory, timers, panics, figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "private.h"

void go_system(void (*fn)(void *));

/* ---- allocation ---------------------------------------------------------------------------- */

static void *alloc(size_t size, bool noscan)
{
    struct capp_alloc_frame f = { .size = size, .noscan = noscan };

    GATE(capp_alloc, &f);
    return f.p;
}

void *gort_new(size_t size) { return alloc(size, false); }
void *gort_new_noscan(size_t size) { return alloc(size, true); }

static void *array(size_t n, size_t size, bool noscan)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes))
        gort_panic("runtime error: makeslice: len out of range");
    return alloc(bytes, noscan);
}

void *gort_new_array(size_t n, size_t size) { return array(n, size, false); }
void *gort_new_array_noscan(size_t n, size_t size) { return array(n, size, true); }

void gort_keep_alive(const void *p) { __asm__ volatile("" ::"r"(p) : "memory"); }

/* Handles are the kernel's, weak to the collector. */
gort_weak *gort_weak_make(void *p)
{
    struct weak_handle_frame f = { .p = p, .fresh = alloc(16, true) };

    GATE(weak_handle, &f);
    gort_keep_alive(p);
    return f.handle;
}

void *gort_weak_get(gort_weak *w)
{
    struct weak_strong_frame f = { .handle = w };

    GATE(weak_strong, &f);
    return f.p;
}

struct final { void (*fn)(void *, void *); void *arg; };

static void serve(void *unused)
{
    (void)unused;
    for (;;) {
        struct finq_take_frame f = { 0 };
        GATE(finq_take, &f);
        struct final *r = f.rec;
        if (f.p)
            r->fn(f.p, r->arg);
    }
}

static void start_server(void *unused)
{
    (void)unused;
    gort_go((void (*)(void *))go_system, (void *)serve);
}

void gort_finalizer(void *p, void (*fn)(void *, void *), void *arg)
{
    static gort_once once;
    struct finalizer_remove_frame rm = { .p = p };

    gort_once_do(&once, start_server, NULL);
    GATE(finalizer_remove, &rm);
    if (!fn)
        return;
    struct final *r = gort_new(sizeof *r);
    *r = (struct final){ fn, arg };
    struct finalizer_add_frame f = { .p = p, .rec = r };
    GATE(finalizer_add, &f);
    gort_keep_alive(p);
}

static bool root(void *p, size_t n, bool add)
{
    struct capp_root_frame f = { .p = p, .n = n, .add = add };

    GATE(capp_root, &f);
    return f.ok;
}

void gort_root_add(void *p, size_t n)
{
    if (!root(p, n, true))
        gort_fatal("gort_root_add: more than 1024 ranges");
}

void gort_root_remove(void *p)
{
    if (!root(p, 0, false))
        gort_fatal("gort_root_remove: %p was not added", p);
}

void gort_gc(void)
{
    for (bool running = true; running;) {
        struct gc_force_frame f = { .forced = true };
        GATE(gc_force, &f);
        struct gc_wait_frame w = { .cycle = f.cycle };
        GATE(gc_wait, &w);
        running = f.running;
    }
    struct gc_sweep_frame s = { .more = true };
    while (s.more) {
        GATE(gc_sweep, &s);
        gort_yield(); /* what was runnable before gets its turn */
    }
}

void gort_read_stats(gort_stats *s)
{
    struct capp_stats_frame f = { .out = s };

    memset(s, 0, sizeof *s);
    GATE(capp_stats, &f);
}

/* ---- timers -------------------------------------------------------------------------------- */

struct gort_timer {
    uint64_t kernel[24];  /* struct capp_timer of gort/capp/capp.c */
    gort_chan *c;
    bool ticks;
};

static bool set(gort_timer *t, int64_t when, int64_t period)
{
    struct capp_timer_frame f = {
        .t = t, .c = (struct hchan *)t->c, .when = when, .period = period
    };

    GATE(capp_timer, &f);
    return f.pending;
}

static gort_timer *timer_new(int64_t ns, bool ticks)
{
    gort_timer *t = gort_new(sizeof *t);

    t->c = gort_chan_make(sizeof(int64_t), 1);
    t->ticks = ticks;
    gort_timer_reset(t, ns);
    return t;
}

gort_timer *gort_timer_new(int64_t ns) { return timer_new(ns, false); }

gort_timer *gort_ticker_new(int64_t ns)
{
    if (ns <= 0)
        gort_panic("non-positive interval for NewTicker");
    return timer_new(ns, true);
}

gort_chan *gort_timer_chan(gort_timer *t) { return t->c; }
gort_chan *gort_after(int64_t ns) { return gort_timer_new(ns)->c; }
bool gort_timer_stop(gort_timer *t) { return set(t, 0, 0); }

bool gort_timer_reset(gort_timer *t, int64_t ns)
{
    int64_t when;

    if (ns < 0)
        ns = 0;
    if (__builtin_add_overflow(gort_now(), ns, &when))
        when = INT64_MAX - 1;
    return set(t, when, t->ticks ? ns : 0);
}

/* ---- panics ---------------------------------------------------------------------------------- */

struct deferred { void (*fn)(void *); void *arg; struct deferred *next; };
struct try {
    struct try *outer;
    struct deferred *defers;
    jmp_buf env;
    char text[256];
};

static void run_defers(struct try *t)
{
    while (t->defers) {
        struct deferred *d = t->defers;
        t->defers = d->next;
        d->fn(d->arg);
    }
}

bool gort_try(void (*fn)(void *), void *arg, char *text, size_t n)
{
    struct local *l = local_get();
    struct try t = { .outer = l->tries };
    volatile bool ok = false;

    if (setjmp(t.env) == 0) {
        l->tries = &t;
        fn(arg);
        ok = true;
    } else {
        l = local_get();
    }
    run_defers(&t);  /* a panic in there comes back to setjmp, for the rest of them */
    l->tries = t.outer;
    if (!ok && text && n)
        snprintf(text, n, "%s", t.text);
    return ok;
}

void gort_defer(void (*fn)(void *), void *arg)
{
    struct try *t = local_get()->tries;

    if (!t)
        gort_fatal("gort_defer outside of gort_try");
    struct deferred *d = gort_new(sizeof *d);
    *d = (struct deferred){ fn, arg, t->defers };
    t->defers = d;
}

static _Noreturn void die(const char *text, bool panics)
{
    struct capp_fatal_frame f = { .text = (void *)text, .panics = panics };

    fflush(stdout);
    GATE(capp_fatal, &f);
    __builtin_unreachable();
}

void gort_panic(const char *fmt, ...)
{
    struct local *l = local_get();
    struct try *t = l ? l->tries : NULL;
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!t)
        die(text, true);
    memcpy(t->text, text, sizeof text);
    longjmp(t->env, 1);
}

void gort_fatal(const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    die(text, false);
}
