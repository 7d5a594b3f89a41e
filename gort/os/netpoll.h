/* netpoll.h - package internal/poll's wait for readiness, with deadlines.
 *
 * A poll descriptor is a waiter that stays on both queues of its file. As with Linux's edge-
 * triggered epoll, an event leaves a mark per direction (or wakes the goroutine parked there);
 * pollReset clears the mark before an attempt, pollWait takes it or parks. */
#ifndef GORT_OS_NETPOLL_H
#define GORT_OS_NETPOLL_H

struct file;

/* The last holder of f is gone. */
void poll_file_closed(struct file *f);

#endif
