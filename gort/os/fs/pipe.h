/* pipe.h - pipes, named ones too, and eventfds.
 *
 * A pipe is a ring of up to 64 KiB whose pages are allocated when they are first filled. What
 * splice(2) brings may stand behind the ring's bytes as pieces (drivers/net.h), which splice(2)
 * takes out again without copying; whoever else reads or writes moves them into the ring first.
 * Writes of up to PIPE_BUF bytes are atomic. A named pipe's open waits for the other end. */
#ifndef GORT_OS_FS_PIPE_H
#define GORT_OS_FS_PIPE_H

#include "gort/os/wait.h"

struct file;
struct inode;
struct pipe;
struct pkt;

void pipe_free(struct pipe *p);
/* Two open files with one reference each. 0 or -L_ENOMEM. */
int pipe_open_pair(struct file *out[2], uint32_t flags);
/* Opens a named pipe for the call c: 0 with *out, SYS_BLOCK, or an error. */
int64_t fifo_open(struct call *c, struct inode *n, uint32_t flags, struct file **out);
bool pipe_is(const struct file *f);
/* Bytes that a read would get now; -1 if f is no pipe. */
int64_t pipe_readable(struct file *f);

/* How many bytes pipe_give may bring, at least 1; -L_EAGAIN, -L_EPIPE; -L_ENOTSUP: they must be
 * copied, as there are too many pieces. */
int64_t pipe_room(struct file *f);
void pipe_give(struct file *f, struct pkt *pieces, size_t n); /* of n bytes in all; owned */
/* Shows the first bytes, at most `most`, as pieces that the caller owns; *n: how many. NULL: *err
 * is 0 at the end, -L_EAGAIN, or -L_ENOTSUP: they are in no pieces. */
struct pkt *pipe_show(struct file *f, size_t most, size_t *n, int64_t *err);
void pipe_drop(struct file *f, size_t n); /* that were shown */

int64_t eventfd_open(uint64_t initial, uint32_t flags, struct file **out);

#endif
