/* epoll.h - epoll(7): sets of descriptors to wait for.
 *
 *   source's rq, wq <- waiter of an item -> item on the set's ready list -> epoll_wait polls it
 *                                                     `-> set's own queues, a moment later
 *
 * An event on a source's queue only puts the item on the ready list; epoll_wait (or a poll of the
 * set) then asks the descriptor whether it is ready. An item that epoll_wait has reported goes back
 * to the list's end, unless it is edge-triggered or one-shot.
 *
 * A set is itself a file that can be waited for. The source's queue is locked while its event is
 * handled, so call_later wakes the set's own waiters afterwards: however deep sets nest, a CPU
 * never holds the locks of two queues (they share a rank, and the option lockrank panics at it).
 *
 * An item holds no reference to its file: epoll_file_closed takes it out with the last one.
 *
 * Locks: control (RANK_FILE: which items there are) < a source's queue (RANK_POLL) < the set's
 * ready list (RANK_NOTIFY). */
#ifndef GORT_OS_EPOLL_H
#define GORT_OS_EPOLL_H

struct file;

/* The last holder of f is gone: f is taken out of all sets. No locks. */
void epoll_file_closed(struct file *f);

#endif
