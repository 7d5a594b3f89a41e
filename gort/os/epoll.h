/* epoll.h - epoll(7): sets of descriptors to wait for.
 *
 *   source's rq, wq <- waiter of an item -> item on the set's ready list -> epoll_wait polls it
 *                                                     `-> set's own queues, a moment later
 *
 * An event on a source's queue only marks the item; whether the descriptor is ready is asked of
 * it when epoll_wait (or a poll of the set) comes by. An item that is still ready after it has been
 * told goes back to the list's end, unless it is edge-triggered or for one shot.
 *
 * A set is itself a file that can be waited for. The event comes with the source's queue locked,
 * so those who wait for the set are woken by call_later: however deep sets nest, no two queues
 * are ever locked at once.
 *
 * Items hold no reference of their file: when its last one goes, so do they.
 *
 * Locks: control (RANK_FILE: which items there are) < a source's queue (RANK_POLL) < the set's
 * ready list (RANK_NOTIFY). */
#ifndef GORT_OS_EPOLL_H
#define GORT_OS_EPOLL_H

struct file;

/* The last holder of f is gone: f is taken out of all sets. No locks. */
void epoll_file_closed(struct file *f);

#endif
