/* wait.h - a system call in progress, and how it waits.
 *
 *   handler -> not ready -> call_wait(c, queue) -> SYS_BLOCK -> goroutine parks
 *                                                       |
 *   queue_wake(queue) by another CPU's call, os_poll or a timer: the call is claimed and its
 *   handler runs again, on the waker's g0 stack, until it completes; then the g is readied.
 *
 * The goroutine never runs in between, so its stack and the arguments that point into it stay
 * where they are: its status is G_SYSCALL, and stack_movable says no (call_again checks that).
 * No wake-up is lost: a call is on its queues before it looks at the condition for the last
 * time, and a wake-up that comes before it has parked sets `fired`, which makes it look again.
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

struct waitq {
    struct lock lock;        /* RANK_POLL */
    struct waiter *first;    /* [lock] */
};

struct waiter {
    struct waitq *q;         /* [q->lock] NULL: not queued */
    struct waiter *prev, *next; /* [q->lock] */
    struct call *call;       /* the call that runs again, or NULL: event is called */
    /* q->lock held; the waiter stays on the queue. True if somebody now looks at the object. */
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

#define SYS_BLOCK INT64_MIN  /* a handler's result: it has queued itself */
#define SYS_AGAIN (INT64_MIN + 1) /* ... or there is more to do, and others want the CPU */
#define CALL_WAITERS 2
#define CALL_IOVS 4          /* more are allocated */

struct call {
    uint64_t num, a[6];
    struct g *gp;
    void *frame;             /* of the gate */
    struct file *file;       /* [owner] reference held until the call completes */
    uint64_t done;           /* [owner] bytes so far, or the handler's own */
    /* [owner] what is read or written: copied from the program once, when the call begins */
    struct l_iovec *iov;     /* NULL: not yet; call_finish frees all but `one` */
    struct l_iovec one[CALL_IOVS];
    unsigned niov;
    uint64_t total;          /* bytes in all of iov */
    int64_t pos;             /* in the file, -1: the file's own position */
    int64_t deadline;        /* [owner] clock_mono_ns, 0 = none; set by call_deadline */
    bool queued;             /* [owner] registered since the last wake-up */
    bool resting;            /* [owner] the deadline is that of SYS_AGAIN */
    bool borrowed;           /* [owner] runs on the g0 of a CPU that has other work */
    bool fired, parked;      /* [lock] */
    struct lock lock;        /* RANK_NOTIFY */
    struct call *next;       /* [per CPU] list of calls to run again; free list */
    struct waiter w[CALL_WAITERS]; /* [owner] and the queues */
    unsigned nw;             /* [owner] */
    struct waiter *more;     /* [owner] poll(2): one per descriptor */
    unsigned nmore, more_cap;
    void *timer;             /* [const] sched's timer of this structure */
};

void waitq_init(struct waitq *q);
/* Object's lock may be held. Calls are queued on this CPU and run by calls_run. */
void queue_wake(struct waitq *q);
void waiter_add(struct waitq *q, struct waiter *w);
void waiter_remove(struct waiter *w);

/* Registers c on q. True the first time since the last wake-up: the handler must look at its
 * condition again; false: it is registered already and returns SYS_BLOCK. */
bool call_wait(struct call *c, struct waitq *q);
/* As call_wait; of all that wait so on q, one is woken at a time. */
bool call_wait_exclusive(struct call *c, struct waitq *q);
/* Sets the deadline once; true if it has passed. */
bool call_deadline(struct call *c, int64_t when);

/* Between two steps of a long call: should it give way? Then its handler returns SYS_AGAIN, and is
 * called again in a moment, with c->done and all else as it has left them. No locks held. */
bool call_gives_way(const struct call *c);

/* Runs a system call for gp. Returns normally if it has completed at once, else parks gp. */
void call_start(struct g *gp, void *frame, uint64_t num, const uint64_t a[6]);
/* Runs the calls that queue_wake has claimed on this CPU, and what call_later has put off. No
 * locks held. */
void calls_run(void);
/* Has calls_run call l->fn. l is not put off already. Any locks held. */
void call_later(struct later *l);

/* The handlers' side: dispatch.c. */
int64_t call_dispatch(struct call *c);
void call_finish(struct call *c, int64_t r);

#endif
