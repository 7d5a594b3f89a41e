/* pending.h - signals that a thread blocks: they wait until it unblocks or takes them.
 *
 *   tgkill, SIGPIPE --> does the thread block it? -- yes --> its list --> signalfd, rt_sigtimedwait
 *                            | no                              |
 *                            `--> signal_raise <-- unblocked --'
 *
 * The thread of a goroutine is the goroutine itself: as on Linux for one that has called
 * LockOSThread, while the mask of any other is that of whatever thread runs it. CPUs are not
 * threads in this sense, since several locked goroutines may share one. A thread that is named by
 * its number (tgkill) is the caller, if it runs there and is locked or blocks the signal; else a
 * goroutine that is locked to the CPU of that number and blocks it.
 *
 * A call may have a mask of its own while it waits (ppoll, pselect6, epoll_pwait, rt_sigsuspend).
 * Then every signal for the thread goes to its list, and those that this mask lets through end the
 * call with EINTR, which raises them. Other calls are not ended by signals.
 *
 * A signal for the process (kill, a key) is never kept: on Linux some thread of Go's runtime, which
 * blocks nothing, takes it. */
#ifndef GORT_OS_PENDING_H
#define GORT_OS_PENDING_H

#include <stdbool.h>
#include <stdint.h>
#include "gort/os/wait.h"

struct g;

/* What siginfo_t says of a signal that was sent: sigaction(2). */
struct sig_info {
    uint32_t number;
    int32_t  err, code;
    uint32_t pid, uid;
    uint64_t value;          /* of sigqueue(3) */
};

enum { L_SI_USER = 0, L_SI_QUEUE = -1, L_SI_TIMER = -2, L_SI_SIGIO = -5, L_SI_TKILL = -6 };

#define SIG_BIT(n) (1ull << ((n) - 1))
/* The set that a program gives, without what nobody can block. */
#define SIG_SET(set) ((set) & ~(SIG_BIT(L_SIGKILL) | SIG_BIT(L_SIGSTOP)))

/* Who waits for a signal of any thread: signalfds, rt_sigtimedwait. */
extern struct waitq pending_queue;

void pending_init(void);
/* The signals that gp's thread blocks. Any locks below RANK_FILE. */
uint64_t pending_mask(const struct g *gp);
/* gp's thread blocks `mask` from now on; signals that it unblocks are raised. 0, -L_ENOMEM. g0, no
 * locks. */
int pending_block(struct g *gp, uint64_t mask);
/* Until pending_wait_end, gp's thread blocks `mask` instead, for a call that waits. 0, -L_ENOMEM.
 * g0, no locks. */
int pending_wait_begin(struct g *gp, uint64_t mask);
/* Raises what waits for gp's thread and the mask of its call lets through. False: nothing did. */
bool pending_interrupts(struct g *gp);
/* The thread's own mask holds again. What it does not block is raised. */
void pending_wait_end(struct g *gp);
/* Sends a signal to gp's thread. 0, -L_EAGAIN: its list is full. g0, no locks; calls that it has
 * woken wait for calls_run. */
int pending_send(struct g *gp, const struct sig_info *s);
/* As pending_send, to thread `tid`, named by gp. */
int pending_send_to(struct g *gp, uint32_t tid, const struct sig_info *s);
/* The set of signals that wait for gp's thread; gp NULL: for any thread. */
uint64_t pending_set(const struct g *gp);
/* What gp's thread, or that of number tid if it is not 0, blocks, what waits for it, and how many
 * signals wait for any: /proc/self/status. gp may be NULL. */
struct pending_look { uint64_t blocked, waiting; unsigned queued; };
struct pending_look pending_look(const struct g *gp, uint32_t tid);
/* The signal of `set` that gp's thread gets first: it stays. False: there is none. */
bool pending_first(const struct g *gp, uint64_t set, struct sig_info *s);
/* Takes what pending_first has found. gp is the goroutine of the call. */
void pending_drop(const struct g *gp, uint32_t number);

#endif
