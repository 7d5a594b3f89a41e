/* poll.h - waiting for several descriptors. select is in sys/select.h. */
#ifndef _POLL_H
#define _POLL_H

#ifdef __cplusplus
extern "C" {
#endif

enum { POLLIN = 1, POLLPRI = 2, POLLOUT = 4, POLLERR = 8, POLLHUP = 0x10, POLLNVAL = 0x20,
       POLLRDNORM = 0x40, POLLWRNORM = 0x100, POLLRDHUP = 0x2000 };

typedef unsigned long nfds_t;
struct pollfd { int fd; short events, revents; };

int poll(struct pollfd *fds, nfds_t n, int ms);

#ifdef __cplusplus
}
#endif

#endif
