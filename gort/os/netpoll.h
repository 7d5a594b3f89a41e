/* netpoll.h - package internal/poll's wait for readiness, with deadlines.
 *
 * A poll descriptor is a waiter that stays on both queues of its file. As with Linux's edge-
 * triggered epoll, an event leaves a mark per direction (or wakes the goroutine parked there);
 * pollReset clears the mark before an attempt, pollWait takes it or parks. */
#ifndef GORT_OS_NETPOLL_H
#define GORT_OS_NETPOLL_H

struct file;
struct poll_desc;
struct waiter;

/* The queue that w, of a poll descriptor, stands on was woken: its lock is held. */
void poll_desc_event(struct waiter *w);
/* The last holder of f is gone. */
void poll_file_closed(struct file *f);

#endif
