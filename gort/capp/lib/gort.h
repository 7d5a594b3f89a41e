/* gort.h - goroutines, channels and collected memory for programs in C.
 *
 * Errors. What Go calls a panic (a send on a closed channel, a negative counter) is one here:
 * it ends the innermost gort_try of its goroutine, or else the program, with Go's text on
 * stderr and status 2. What Go calls a fatal error (unlock of an unlocked mutex, a deadlock,
 * out of memory) always ends the program. Nothing here sets errno.
 *
 * Memory. The collector finds pointers in the stacks and registers of goroutines, in global
 * variables, in objects that gort_new has returned, and in ranges given to gort_root_add. It
 * takes every aligned word there for a pointer if it looks like one, also into the middle of
 * an object (but not to its end). It does not look into what malloc has returned. */
#ifndef GORT_H
#define GORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#error "gort.h is for C programs"
#endif

/* ---- goroutines ------------------------------------------------------------------------ */

/* Runs fn(arg) concurrently, on a stack of 256 KiB of which 4 KiB are committed at first.
 * Returns its id. The program ends when main returns, whatever others do. */
uint64_t gort_go(void (*fn)(void *), void *arg);
/* With a stack of that size: 16 KiB to 1 GiB. */
uint64_t gort_go_stack(void (*fn)(void *), void *arg, size_t stack_size);
void gort_yield(void);
void gort_sleep(int64_t ns);
uint64_t gort_id(void);
_Noreturn void gort_exit(void);      /* ends this goroutine; main's: the others go on */
int gort_procs(int n);               /* how many run at once; n > 0 sets it; the old value */
int64_t gort_now(void);              /* monotonic ns */

#define GORT_MS 1000000ll
#define GORT_S  1000000000ll

/* ---- channels ---------------------------------------------------------------------------- */

/* Channels are collected. NULL behaves as Go's nil channel. */
typedef struct gort_chan gort_chan;
/* For elements of elem_size bytes (up to 65535), with room for `cap` of them. */
gort_chan *gort_chan_make(size_t elem_size, size_t cap);
void gort_send(gort_chan *c, const void *elem);    /* panics if closed */
bool gort_recv(gort_chan *c, void *elem);  /* false: closed, *elem zeroed; elem may be NULL */
bool gort_try_send(gort_chan *c, const void *elem);          /* false: would block */
bool gort_try_recv(gort_chan *c, void *elem, bool *open);    /* false: would block */
void gort_close(gort_chan *c);
size_t gort_len(const gort_chan *c);
size_t gort_cap(const gort_chan *c);

enum gort_op { GORT_RECV, GORT_SEND };
typedef struct gort_case {
    enum gort_op op;
    gort_chan *c;     /* NULL: never ready */
    void *elem;       /* what to send, or where to receive to (may be NULL) */
    bool open;        /* result of a receive: false, the channel was closed */
} gort_case;
/* Waits for one of n cases (up to 65535) and does it; returns its index. Ready ones are chosen
 * from at random. gort_try_select returns -1 if none is ready: Go's default. */
int gort_select(gort_case *cases, int n);
int gort_try_select(gort_case *cases, int n);

/* ---- locks: zeroed is unlocked; not to be copied ----------------------------------------- */

typedef struct { uint32_t state, sema; } gort_mutex;
void gort_lock(gort_mutex *m);
bool gort_try_lock(gort_mutex *m);
void gort_unlock(gort_mutex *m);

typedef struct { gort_mutex w; uint32_t wsem, rsem; int32_t readers, leaving; } gort_rwmutex;
void gort_rlock(gort_rwmutex *m);
void gort_runlock(gort_rwmutex *m);
void gort_wlock(gort_rwmutex *m);
void gort_wunlock(gort_rwmutex *m);

typedef struct { uint32_t wait, notify; uintptr_t unused; void *head, *tail; } gort_cond;
void gort_cond_wait(gort_cond *c, gort_mutex *m);
void gort_cond_signal(gort_cond *c);
void gort_cond_broadcast(gort_cond *c);

typedef struct { gort_mutex m; int32_t n; uint32_t waiters, sema; } gort_waitgroup;
void gort_wg_add(gort_waitgroup *g, int delta);
void gort_wg_done(gort_waitgroup *g);
void gort_wg_wait(gort_waitgroup *g);

typedef struct { uint32_t done; gort_mutex m; } gort_once;
void gort_once_do(gort_once *o, void (*fn)(void *), void *arg);

/* ---- timers ------------------------------------------------------------------------------ */

/* A timer delivers int64_t, the time of gort_now, on its channel. */
typedef struct gort_timer gort_timer;
gort_timer *gort_timer_new(int64_t ns);
gort_timer *gort_ticker_new(int64_t period_ns);    /* ticks that nobody takes are dropped */
gort_chan *gort_timer_chan(gort_timer *t);
bool gort_timer_stop(gort_timer *t);               /* true: it was going to fire */
bool gort_timer_reset(gort_timer *t, int64_t ns);  /* a ticker's new period, too */
gort_chan *gort_after(int64_t ns);

/* ---- collected memory -------------------------------------------------------------------- */

void *gort_new(size_t size);                       /* zeroed, 8- or 16-byte aligned; never NULL */
void *gort_new_noscan(size_t size);                /* holds no pointers */
void *gort_new_array(size_t n, size_t size);       /* panics if n * size overflows */
void *gort_new_array_noscan(size_t n, size_t size);

typedef struct gort_weak gort_weak;
gort_weak *gort_weak_make(void *p);                /* of the beginning of an object */
void *gort_weak_get(gort_weak *w);                 /* NULL once the object is gone */
/* fn(p, arg) is called on a goroutine of its own when nothing else leads to p any more. NULL
 * takes it away. */
void gort_finalizer(void *p, void (*fn)(void *p, void *arg), void *arg);
void gort_keep_alive(const void *p);               /* p is in use up to here */

/* The collector reads [p, p + n), which is malloc's, as it reads a global variable. */
void gort_root_add(void *p, size_t n);
void gort_root_remove(void *p);

/* ---- panics ------------------------------------------------------------------------------ */

/* Runs fn(arg). False: it has panicked; the text is in `text` (n bytes, may be NULL). Functions
 * that it had called are left as by longjmp: what must be undone is given to gort_defer. */
bool gort_try(void (*fn)(void *), void *arg, char *text, size_t n);
/* fn(arg) is called when the innermost gort_try of this goroutine ends, last one first. */
void gort_defer(void (*fn)(void *), void *arg);
_Noreturn void gort_panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void gort_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- figures ----------------------------------------------------------------------------- */

typedef struct {
    uint64_t heap_live, heap_goal, total_alloc;    /* bytes */
    uint64_t gc_cycles, gc_pause_ns;
    uint64_t stack_bytes, goroutines, cpus, procs;
} gort_stats;
void gort_read_stats(gort_stats *s);
void gort_gc(void);                                /* a whole collection, its sweep included */

#endif
