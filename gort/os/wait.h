/* wait.h - a system call in progress, and how it waits.
 *
 *   call_begin --> RUNS ----- result ----> results into the gate's frame; the goroutine goes on
 *                 ^ ^  \
 *                 | |   SYS_BLOCK or SYS_AGAIN: the goroutine parks, G_SYSCALL
 *                 | |     \
 *                 | |      v
 *                 | |    WAITS ------ an event ------> CLAIMED: on the list of the CPU of the event
 *                 | |                                     |
 *                 | `------- calls_run, on that CPU ------'
 *                 |
 *              FIRED <-- an event while the call RUNS: it does not park, but looks again
 *
 * Running a call means calling its handler. The handler looks at its object; if that is not ready
 * it registers the call on the object's queue (call_wait), looks once more, and returns SYS_BLOCK.
 * An event is queue_wake of such a queue (in another CPU's call, in os_poll) or the call's timer.
 * No event is lost: one that comes after the last look finds the call on the queue, and either
 * claims it or makes it FIRED.
 *
 * A call that waits is completed by the CPU of the event, on that CPU's g0: the handler runs again
 * there until there is a result, and only then is the goroutine readied. It never runs in between,
 * so its stack, and the arguments and results that lie there, must stay where they are:
 * stack_movable refuses for G_SYSCALL, and call_again checks it.
 *
 *   state     whose is the call                            who may change the state
 *   RUNS      the CPU whose g0 runs the handler: [owner]   it, or an event (to FIRED)
 *   FIRED     the same CPU                                 it
 *   WAITS     nobody                                       an event (to CLAIMED)
 *   CLAIMED   the CPU on whose list it is                  it
 *
 * Locks: object (RANK_FILE) < queue.lock (RANK_POLL) < call.lock (RANK_NOTIFY). */
#ifndef GORT_OS_WAIT_H
#define GORT_OS_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include "gort/os/linux.h"
#include "kernel/lock.h"

struct g;
struct file;
struct call;
struct waiter;
struct syscall6_frame;

struct waitq {
    struct lock lock;        /* RANK_POLL */
    struct waiter *first;    /* [lock] */
};

/* Stands on a queue until its owner removes it, also when it has been woken. */
struct waiter {
    struct waitq *q;         /* [q->lock] NULL: not queued */
    struct waiter *prev, *next; /* [q->lock] */
    struct call *call;       /* the call that runs again, or NULL: event is called */
    /* q->lock is held. True if because of this event somebody looks at the object. */
    bool (*event)(struct waiter *w); /* [const] */
    void *owner;             /* [const] of event */
    bool exclusive;          /* [owner] a wake-up is for one of these, and for all others */
    struct file *file;       /* [owner] reference that keeps q alive, or NULL */
};

/* Something to be done once this CPU holds no locks: calls_run does it. */
struct later {
    struct later *next;      /* [per CPU] */
    void (*fn)(struct later *l); /* [const] */
};

/* What a handler returns besides results. SYS_BLOCK: the call is registered, and waits for an
 * event. SYS_AGAIN: there is more to do, but other work is due on this CPU (call_gives_way). */
#define SYS_BLOCK INT64_MIN
#define SYS_AGAIN (INT64_MIN + 1)
#define CALL_WAITERS 2
#define CALL_IOVS 4          /* more are allocated */

enum call_state { CALL_RUNS, CALL_FIRED, CALL_WAITS, CALL_CLAIMED };
typedef int64_t call_fn(struct call *c);

struct call {
    call_fn *run;            /* [owner] its handler; at the end, what frees what files have lost */
    /* [const while the call lasts, as are the next two] */
    uint64_t num, a[6];      /* pointers among the arguments are the program's: user.h */
    struct g *gp;            /* the goroutine that made the call */
    void *frame;             /* of its gate, which gets the results */
    struct file *file;       /* [owner] reference held until the call completes */
    uint64_t done;           /* [owner] bytes so far, or the handler's own */
    /* [owner] the buffers to be read or written: copied from the program once, at the beginning */
    struct l_iovec *iov;     /* NULL: not yet; freed when the call ends, unless it is `one` */
    struct l_iovec one[CALL_IOVS];
    unsigned niov;
    uint64_t total;          /* bytes in all of iov */
    char *gathered;          /* NULL, or total bytes to write, taken from several buffers */
    int64_t pos;             /* in the file, -1: the file's own position */
    int64_t deadline;        /* [owner] clock_mono_ns, 0 = none; set by call_deadline */
    bool queued;             /* [owner] registered since the handler was called last */
    bool resting;            /* [owner] the deadline is that of SYS_AGAIN */
    int64_t result;          /* [owner] of the handler, while files' contents are freed (wait.c) */
    bool borrowed;           /* [owner] runs on the g0 of a CPU that has other work */
    enum call_state state;   /* [lock] */
    struct lock lock;        /* RANK_NOTIFY */
    struct call *next;       /* [owner] in the list of claimed calls, or of free ones */
    struct waiter w[CALL_WAITERS]; /* [owner] nw of them are in use */
    unsigned nw;
    struct waiter *more;     /* [owner] of poll(2), select(2): two for each descriptor */
    unsigned nmore, more_cap;
    void *timer;             /* [const] of this structure: ostimer.h */
};

void waitq_init(struct waitq *q);
/* The object of q has changed: wakes the waiters of q, of the exclusive ones only until one looks
 * at the object. This CPU claims the calls that waited, so it must come to calls_run. The object's
 * lock may be held. */
void queue_wake(struct waitq *q);
void waiter_add(struct waitq *q, struct waiter *w);
/* The owner of w takes it off its queue, if it is on one. */
void waiter_remove(struct waiter *w);

/* For handlers. Registers c on q. True: c is registered now, and the handler must look at its
 * object once more; false: c was registered before that look: the handler returns SYS_BLOCK. */
bool call_wait(struct call *c, struct waitq *q);
/* As call_wait; of all calls that wait so on q, an event is for one. */
bool call_wait_exclusive(struct call *c, struct waitq *q);
/* For handlers, before they look at the object of q: registers c on q besides the queue of
 * call_wait. One q for a call. */
void call_wait_also(struct call *c, struct waitq *q);
/* For handlers. Sets the deadline at the first call; true if it has passed. */
bool call_deadline(struct call *c, int64_t when);
/* For handlers of long calls, between two steps: is other work due on this CPU? Then the handler
 * returns SYS_AGAIN, and is called again in a moment, with c->done and all else as it has left
 * them. No locks held. */
bool call_gives_way(const struct call *c);

/* A step of what closing files has left to be done; NULL: nothing is left so. False: there is
 * nothing, or another CPU does it. Calls do it before they return. No locks. [const, set at
 * boot] */
extern bool (*call_reaps)(void);

/* Runs the system call `num`, whose handler is `run`, for gp, the calling goroutine. Returns if the
 * call is complete; else gp is parked, and goes on behind its gate when it is. */
void call_begin(struct g *gp, void *frame, call_fn *run, uint64_t num, const uint64_t a[6]);
/* Writes the result of a handler, or -errno, into a gate's frame. */
void call_result(struct syscall6_frame *f, int64_t r);
/* The goroutine whose call's handler this CPU runs; NULL: it runs none. */
struct g *call_running(void);
/* As call_running, and for a read or write that io_at_once makes without a struct call: who has
 * called the gate. */
struct g *call_caller(void);
/* Runs the calls that this CPU has claimed, and what call_later has put off. g0, no locks held. */
void calls_run(void);
/* Has calls_run call l->fn. l is not put off already. Any locks held. */
void call_later(struct later *l);

#endif
